import CSQLite

/// One SQLite connection with the statements prepared on it.
///
/// `@unchecked`: used by the thread that opens it, then by the one thread that it is given to.
final class SQLiteConnection: SQLConnection, @unchecked Sendable {
    enum Role { case writer, reader, instant }

    private let handle: OpaquePointer
    /// How long it waits for the locks of others. SQLite holds a pointer to it while the connection is open.
    let patience: BusyHandler
    private(set) var isOpen = true
    private var statements: [String: SQLiteStatement] = [:]
    /// More statements than the repositories have; beyond it the prepared ones are dropped.
    private static let keptStatements = 200

    /// Opens the file, which must exist, and puts the connection into its role.
    init(path: String, role: Role, options: SQLiteOptions) throws(StorageError) {
        var opened: OpaquePointer?
        let status = sqlite3_open_v2(
            path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, role == .instant ? CSQLITE_INSTANT : nil)
        guard status == SQLITE_OK, let handle = opened else {
            let error = opened.map(StorageError.init(of:)) ?? .unavailable("no memory for a connection")
            sqlite3_close_v2(opened)
            throw error
        }
        self.handle = handle
        patience = BusyHandler(milliseconds: role == .instant ? 0 : options.busyMilliseconds)
        sqlite3_busy_handler(
            handle,
            { patience, tries in
                guard let patience else { return 0 }
                return Unmanaged<BusyHandler>.fromOpaque(patience).takeUnretainedValue().waits(after: Int(tries)) ? 1 : 0
            }, Unmanaged.passUnretained(patience).toOpaque())
        do throws(StorageError) {
            for pragma in Self.pragmas(role, options) { try configure(pragma) }
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// Tries again while another process opens the file: where two switch a new file to WAL mode at once, SQLite refuses one of them
    /// without asking the busy handler.
    private func configure(_ pragma: String) throws(StorageError) {
        var tries = 0
        while let error = failure(of: pragma) {
            guard error == .busy, patience.waits(after: tries) else { throw error }
            tries += 1
        }
    }

    private static func pragmas(_ role: Role, _ options: SQLiteOptions) -> [String] {
        let common = [
            "PRAGMA cache_size = -\(role == .writer ? options.writerCacheSize : options.cacheSize)", "PRAGMA mmap_size = 0",
            "PRAGMA temp_store = MEMORY",
            "PRAGMA synchronous = NORMAL",
        ]
        return switch role {
        case .writer:
            ["PRAGMA journal_mode = WAL"] + common
                + ["PRAGMA journal_size_limit = 16777216", "PRAGMA wal_autocheckpoint = 4000"]
                + (options.maxPages.map { ["PRAGMA max_page_count = \($0)"] } ?? [])
        case .reader, .instant: common + ["PRAGMA query_only = ON"]
        }
    }

    /// Closes the file. The connection must not be used after it.
    func close() {
        guard isOpen else { return }
        isOpen = false
        statements = [:]
        sqlite3_close_v2(handle)
    }

    /// Has each query fail that takes more steps of SQLite's machine.
    func limitSteps(_ most: Int32) { sqlite3_progress_handler(handle, most, { _ in 1 }, nil) }

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
