/// Runs the writes that gathered while the last transaction ran in one transaction of their own: one commit for all of them.
///
/// Each write has a savepoint, so a failing one takes back only its own changes. Where SQLite took back more than that (it may roll
/// the whole transaction back on a full disk), or the commit fails, each write is run again in a transaction of its own: one that
/// cannot be kept does not harm its neighbours. Used by one thread.
///
/// `@unchecked`: used by the one thread that empties the queue of writes.
final class SQLiteWriter: @unchecked Sendable {
    private let connection: SQLiteConnection
    private let turnstile: WriterLock
    private let counters: SQLiteCounters
    private var isFullySynchronous = false

    init(_ connection: SQLiteConnection, _ turnstile: WriterLock, counters: SQLiteCounters) {
        self.connection = connection
        self.turnstile = turnstile
        self.counters = counters
    }

    /// Runs the writes. Afterwards each holds its result; none has been answered.
    func run(_ writes: [any PendingWork]) {
        if writes.count == 1 || !runTogether(writes) { runEachAlone(writes) }
    }

    /// False when the transaction was spoiled for all of them and nothing of it was kept.
    private func runTogether(_ writes: [any PendingWork]) -> Bool {
        if let error = begin(writes.count, durable: writes.contains(where: \.isDurable)) {
            for write in writes { write.fail(error) }
            return true
        }
        for write in writes {
            guard attempt(write) else {
                rollBack()
                return false
            }
        }
        if connection.failure(of: "COMMIT") == nil { return true }
        rollBack()
        return false
    }

    /// One write between its savepoints. False when the transaction is spoiled for all.
    private func attempt(_ write: any PendingWork) -> Bool {
        guard connection.failure(of: "SAVEPOINT gathered") == nil else { return false }
        if write.attempt(connection) != nil {
            guard connection.isInTransaction, connection.failure(of: "ROLLBACK TO gathered") == nil else { return false }
        }
        return connection.failure(of: "RELEASE gathered") == nil
    }

    private func runEachAlone(_ writes: [any PendingWork]) {
        var locked: StorageError?
        for write in writes {
            // Who waited for the lock in vain speaks for those behind it: they do not wait as long again.
            if let locked {
                write.fail(locked)
            } else if let error = begin(1, durable: write.isDurable) {
                write.fail(error)
                if error == .busy { locked = error }
            } else if write.attempt(connection) != nil {
                rollBack()
            } else if let error = connection.failure(of: "COMMIT") {
                rollBack()
                write.fail(error)
            }
        }
    }

    /// Takes the write lock at once (`IMMEDIATE`): a transaction that starts by reading and then wants to write would fail whenever
    /// another process wrote in between, whatever the timeout.
    private func begin(_ writes: Int, durable: Bool) -> StorageError? {
        if durable != isFullySynchronous {
            // In WAL mode FULL syncs the log at the commit, with all that was committed before; NORMAL leaves that to the checkpoint.
            if let error = connection.failure(of: "PRAGMA synchronous = \(durable ? "FULL" : "NORMAL")") { return error }
            isFullySynchronous = durable
        }
        let error: StorageError? = connection.patience.together {
            guard turnstile.enter(connection.patience) else { return .busy }
            defer { turnstile.leave() }
            return connection.failure(of: "BEGIN IMMEDIATE")
        }
        if error == nil { counters.began(writes: writes) }
        return error
    }

    private func rollBack() {
        guard connection.isInTransaction else { return }
        // A rollback writes nothing. Should it fail all the same, the next BEGIN fails and says so.
        _ = connection.failure(of: "ROLLBACK")
    }
}
