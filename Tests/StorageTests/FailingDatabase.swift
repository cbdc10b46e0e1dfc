import Storage
import Synchronization

/// A database whose n-th statement fails, for walking through every place where storage may fail.
final class FailingDatabase: SQLDatabase {
    private let base: any SQLDatabase
    private let countdown: Countdown

    /// - Parameter call: the statement that fails, from 1.
    init(_ base: any SQLDatabase, failing call: Int) {
        self.base = base
        countdown = Countdown(call)
    }

    /// Whether the failure has been injected.
    var hasFailed: Bool { countdown.isSpent }

    var dialect: SQLDialect { base.dialect }

    nonisolated(nonsending) func read<T: Sendable>(
        _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        let countdown = countdown
        return try await base.read { (connection) throws(StorageError) in
            try work(FailingConnection(connection, countdown))
        }
    }

    nonisolated(nonsending) func write<T: Sendable>(
        _ durability: Durability, _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        let countdown = countdown
        return try await base.write(durability) { (connection) throws(StorageError) in
            try work(FailingConnection(connection, countdown))
        }
    }
}

private final class Countdown: Sendable {
    private let left: Mutex<Int>
    init(_ count: Int) { left = Mutex(count) }
    var isSpent: Bool { left.withLock { $0 <= 0 } }
    func step() throws(StorageError) {
        let fails = left.withLock { left -> Bool in
            left -= 1
            return left == 0
        }
        if fails { throw .unavailable("injected") }
    }
}

private final class FailingConnection: SQLConnection {
    private let base: any SQLConnection
    private let countdown: Countdown

    init(_ base: any SQLConnection, _ countdown: Countdown) {
        self.base = base
        self.countdown = countdown
    }

    @discardableResult
    func run(
        _ sql: String, _ parameters: [SQLValue], row: (SQLRow) throws(StorageError) -> Void
    ) throws(StorageError) -> Int {
        try countdown.step()
        return try base.run(sql, parameters, row: row)
    }
}
