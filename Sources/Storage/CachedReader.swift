import CSQLite
import Glibc
import Synchronization

/// Runs a read on the caller's thread if it takes no time: everything it needs is in the system's memory and it is short.
///
/// A thread's answer costs two changes of thread, several times the read itself, and nearly all reads (an account, a
/// contact list) find their pages in memory. Where one does not, it stops at once and is left to a thread. So a slow
/// disk never stalls the caller.
///
/// `@unchecked`: the connection is used under `isBusy` only.
final class CachedReader: @unchecked Sendable {
    /// Steps of SQLite's machine that a read may take here, about a quarter of a millisecond.
    private static let steps: Int32 = 4000

    private let connection: SQLiteConnection
    private let isBusy = Atomic<Bool>(false)
    /// How often in a row the file system could not tell what is in memory. At `lastTry` it is not asked any more.
    private let refusals = Atomic<Int>(0)
    private static let lastTry = 100

    init(path: String, options: SQLiteOptions) throws(StorageError) {
        let status = csqlite_register_instant()
        guard status == SQLITE_OK else { throw StorageError(sqlite: status, "the file layer could not be registered") }
        connection = try SQLiteConnection(path: path, role: .instant, options: options)
        connection.limitSteps(Self.steps)
    }

    func close() {
        while isBusy.exchange(true, ordering: .acquiring) { sched_yield() }
        connection.close()
        isBusy.store(false, ordering: .releasing)
    }

    /// The result, or nil when a thread must do it: for lack of pages, time or locks, or because it failed.
    func attempt<T>(_ work: (any SQLConnection) throws(StorageError) -> T) -> T? {
        guard refusals.load(ordering: .relaxed) < Self.lastTry, !isBusy.exchange(true, ordering: .acquiring) else { return nil }
        defer { isBusy.store(false, ordering: .releasing) }
        csqlite_instant_begin()
        let result = run(work)
        let isRefused = csqlite_instant_end() == 2
        if isRefused { refusals.add(1, ordering: .relaxed) } else if result != nil { refusals.store(0, ordering: .relaxed) }
        return result
    }

    private func run<T>(_ work: (any SQLConnection) throws(StorageError) -> T) -> T? {
        guard connection.isOpen, connection.failure(of: "BEGIN") == nil else { return nil }
        var result: T?
        do throws(StorageError) { result = try work(connection) } catch { result = nil }
        if connection.failure(of: "COMMIT") != nil, connection.isInTransaction { _ = connection.failure(of: "ROLLBACK") }
        return result
    }
}
