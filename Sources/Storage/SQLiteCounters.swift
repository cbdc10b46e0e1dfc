import Synchronization

/// Counts the transactions of a writer, readable from any thread.
final class SQLiteCounters: Sendable {
    private let counts = Mutex(SQLiteStatistics())

    func began(writes: Int) {
        counts.withLock {
            $0.transactions += 1
            $0.writes += writes
            $0.largestBatch = max($0.largestBatch, writes)
        }
    }

    var current: SQLiteStatistics { counts.withLock { $0 } }
}
