import GRDB
import GRDBSQLite

/// One SQLite connection with the statements prepared on it.
///
/// GRDB opens, configures and closes the file. Statements run on SQLite itself: through GRDB a one-row query costs five times as
/// much, and its transactions cannot be shared by several pieces of work.
///
/// `@unchecked`: used by the thread that opens it, then by the one thread that it is given to.
final class SQLiteConnection: SQLConnection, @unchecked Sendable {
    enum Role { case writer, reader }

    private let queue: DatabaseQueue
    private let handle: OpaquePointer
    /// How long it waits for the locks of others.
    let patience: BusyPatience
    private var statements: [String: SQLiteStatement] = [:]
    /// More statements than the repositories have; beyond it the prepared ones are dropped.
    private static let keptStatements = 200

    /// Opens the file, which must exist, and puts the connection into its role.
    init(path: String, role: Role, options: SQLiteOptions) throws(StorageError) {
        let patience = BusyPatience(milliseconds: options.busyTimeout)
        self.patience = patience
        queue = try Self.open(path, Self.configuration(role, options, patience), patience)
        guard let handle = queue.unsafeReentrantWrite({ $0.sqliteConnection }) else {
            throw .unavailable("the database is closed")
        }
        self.handle = handle
        // They tell GRDB of its own transactions; it does not expect others.
        sqlite3_commit_hook(handle, nil, nil)
        sqlite3_rollback_hook(handle, nil, nil)
        sqlite3_set_authorizer(handle, nil, nil)
    }

    /// Tries again while another process opens the file: where two switch a new file to WAL mode at once, SQLite refuses one of them
    /// without asking the busy handler.
    private static func open(
        _ path: String, _ configuration: Configuration, _ patience: BusyPatience
    ) throws(StorageError) -> DatabaseQueue {
        var tries = 0
        while true {
            do {
                return try DatabaseQueue(path: path, configuration: configuration)
            } catch {
                let error = StorageError(opening: error)
                guard error == .busy, patience.waits(after: tries) else { throw error }
                tries += 1
            }
        }
    }

    private static func configuration(_ role: Role, _ options: SQLiteOptions, _ patience: BusyPatience) -> Configuration {
        let pragmas = pragmas(role, options)
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .callback { patience.waits(after: $0) }
        configuration.prepareDatabase { database in
            for pragma in pragmas { try database.execute(sql: pragma) }
        }
        return configuration
    }

    private static func pragmas(_ role: Role, _ options: SQLiteOptions) -> [String] {
        let common = [
            "PRAGMA cache_size = -\(options.cacheSize)", "PRAGMA mmap_size = 0", "PRAGMA temp_store = MEMORY",
            "PRAGMA synchronous = NORMAL",
        ]
        return switch role {
        case .writer:
            ["PRAGMA journal_mode = WAL"] + common
                + ["PRAGMA journal_size_limit = 16777216", "PRAGMA wal_autocheckpoint = 1000"]
                + (options.maxPages.map { ["PRAGMA max_page_count = \($0)"] } ?? [])
        case .reader: common + ["PRAGMA query_only = ON"]
        }
    }

    /// Closes the file. The connection must not be used after it.
    func close() {
        statements = [:]
        do { try queue.close() } catch { /* SQLite then closes the file when its last statement ends. */ }
    }

    /// False also when SQLite itself rolled the transaction back, as it may on a full disk or an input/output error.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    @discardableResult
    func run(
        _ sql: String, _ parameters: [SQLValue], row: (SQLRow) throws(StorageError) -> Void
    ) throws(StorageError) -> Int {
        let statement = try prepared(sql)
        statement.isRunning = true
        defer { statement.reset() }
        try statement.bind(parameters)
        let before = sqlite3_total_changes(handle)
        while true {
            switch sqlite3_step(statement.pointer) {
            case SQLITE_ROW: try row(statement.row)
            case SQLITE_DONE: return Int(sqlite3_total_changes(handle) &- before)
            default: throw StorageError(of: handle)
            }
        }
    }

    /// The prepared statement, a second one for a query that runs within itself.
    private func prepared(_ sql: String) throws(StorageError) -> SQLiteStatement {
        if let kept = statements[sql], !kept.isRunning { return kept }
        let statement = try SQLiteStatement(sql, on: handle)
        if statements.count >= Self.keptStatements { statements = statements.filter(\.value.isRunning) }
        if statements[sql] == nil { statements[sql] = statement }
        return statement
    }
}

extension StorageError {
    /// What an error met while opening means to us.
    fileprivate init(opening error: any Error) {
        if let error = error as? DatabaseError {
            self.init(sqlite: error.resultCode.rawValue, error.message ?? "SQLite error \(error.resultCode.rawValue)")
        } else {
            self = .unavailable("\(error)")
        }
    }
}
