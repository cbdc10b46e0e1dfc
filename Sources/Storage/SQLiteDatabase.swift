import Glibc

/// The database in one SQLite file, which several processes have open at the same time (WAL mode).
///
/// One connection writes and one or a few read, each on a thread of its own; what can be read without waiting is read in place
/// (`CachedReader`). Writes that are submitted while a transaction runs are
/// gathered and share the next one (`SQLiteWriter`); reads that gather share a snapshot. Both queues have a bound: over it the
/// answer is `busy`, at once.
public final class SQLiteDatabase: SQLDatabase {
    private let writes: WorkQueue
    private let reads: WorkQueue
    /// Reads that look through many rows: one at a time, on a thread and a connection of their own.
    private let scans: WorkQueue
    private let counters = SQLiteCounters()
    private let connections: [SQLiteConnection]
    private let instant: CachedReader
    private let onError: @Sendable (StorageError, String) -> Void

    /// Opens the file at `path`, creating it readable by its owner only; its directory must exist.
    ///
    /// - Parameter onError: told of every failure once, with what failed in words; called on the database's threads.
    public init(
        path: String, options: SQLiteOptions = SQLiteOptions(), onError: @escaping @Sendable (StorageError, String) -> Void
    ) throws(StorageError) {
        self.onError = onError
        writes = WorkQueue(bound: options.queueBound, batch: options.batch)
        reads = WorkQueue(bound: options.queueBound, batch: 64)
        scans = WorkQueue(bound: options.queueBound, batch: 1)
        do throws(StorageError) {
            try Self.createFile(at: path)
            let writing = try SQLiteConnection(path: path, role: .writer, options: options)
            var reading: [SQLiteConnection] = []
            for _ in 0..<max(1, options.readers) {
                reading.append(try SQLiteConnection(path: path, role: .reader, options: options))
            }
            let scanning = try SQLiteConnection(path: path, role: .reader, options: options)
            connections = [writing, scanning] + reading
            instant = try CachedReader(path: path, options: options)
            try start(writing, reading, WriterLock(path: path))
            try scans.startThread(Self.body("scan", onError, SQLiteReader(scanning).run))
        } catch {
            writes.stop()
            reads.stop()
            scans.stop()
            onError(error, "opening \(path)")
            throw error
        }
    }

    deinit { close() }

    public var dialect: SQLDialect { .sqlite }

    public var statistics: SQLiteStatistics {
        var now = counters.current
        now.waiting = writes.count + reads.count + scans.count
        return now
    }

    public nonisolated(nonsending) func read<T: Sendable>(
        _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        if let result = instant.attempt(work) { return result }
        return try await submit(to: reads, "reads", durable: false, work)
    }

    public nonisolated(nonsending) func scan<T: Sendable>(
        _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        try await submit(to: scans, "scans", durable: false, work)
    }

    public nonisolated(nonsending) func write<T: Sendable>(
        _ durability: Durability, _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        try await submit(to: writes, "writes", durable: durability == .durable, work)
    }

    /// Finishes all that waits, then closes the file. Blocks the calling thread meanwhile. Later work is answered `unavailable`.
    public func close() {
        writes.stop()
        reads.stop()
        scans.stop()
        for connection in connections { connection.close() }
        instant.close()
    }

    private func start(_ writing: SQLiteConnection, _ reading: [SQLiteConnection], _ turnstile: WriterLock) throws(StorageError) {
        let writer = SQLiteWriter(writing, turnstile, counters: counters)
        try writes.startThread(Self.body("write", onError, writer.run))
        for connection in reading {
            try reads.startThread(Self.body("read", onError, SQLiteReader(connection).run))
        }
    }

    /// What a thread does with a batch: run it, log each kind of failure once, then answer everybody.
    private static func body(
        _ verb: String, _ onError: @escaping @Sendable (StorageError, String) -> Void,
        _ run: @escaping @Sendable ([any PendingWork]) -> Void
    ) -> @Sendable ([any PendingWork]) -> Void {
        { batch in
            run(batch)
            var failures: [(error: StorageError, count: Int)] = []
            for failure in batch.compactMap(\.failure) {
                if let known = failures.firstIndex(where: { $0.error == failure }) {
                    failures[known].count += 1
                } else {
                    failures.append((failure, 1))
                }
            }
            for (error, count) in failures { onError(error, count == 1 ? "a \(verb) failed" : "\(count) \(verb)s failed") }
            for work in batch { work.answer() }
        }
    }

    private nonisolated(nonsending) func submit<T: Sendable>(
        to queue: WorkQueue, _ name: String, durable: Bool,
        _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        let result: Result<T, StorageError> = await withCheckedContinuation { caller in
            let call = PendingCall(durable: durable, caller: caller, work: work)
            let refusal: StorageError
            switch queue.submit(call) {
            case .accepted: return
            case .full: refusal = .busy
            case .stopped: refusal = .unavailable("the database is closed")
            }
            onError(refusal, "the queue of \(name) accepted no more")
            call.fail(refusal)
            call.answer()
        }
        return try result.get()
    }

    /// Passwords and messages lie in the file, so it is created for its owner only; SQLite gives its log the same mode.
    ///
    /// It is created under another name and linked: closing a file drops all locks that this process has on it, so the database
    /// itself is never opened beside SQLite.
    static func createFile(at path: String) throws(StorageError) {
        if access(path, F_OK) == 0 { return }
        var name = Array("\(path)-XXXXXX".utf8CString)
        let file = mkstemp(&name)
        guard file >= 0 else { throw unavailable(path) }
        Glibc.close(file)
        defer { unlink(&name) }
        if link(&name, path) != 0, errno != EEXIST { throw unavailable(path) }
    }

    private static func unavailable(_ path: String) -> StorageError {
        .unavailable("\(path): \(String(cString: strerror(errno)))")
    }
}
