import Foundation
import GRDB

/// One SQLite connection, through GRDB: the only file that knows it. Used by one thread at a time.
///
/// GRDB's own queue runs the work on the calling thread, so a connection starts no thread. Its transactions are not used: begin,
/// savepoint and commit are ordinary statements here, for a batch of work shares a transaction.
final class SQLiteConnection: Sendable {
    enum Role { case writer, reader }

    private let queue: DatabaseQueue

    /// Opens the file, which must exist, and puts the connection into its role.
    init(path: String, role: Role, options: SQLiteOptions) throws(StorageError) {
        let patience = BusyPatience(milliseconds: options.busyTimeout)
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .callback { patience.waits(after: $0) }
        configuration.label = role == .writer ? "writer" : "reader"
        let pragmas = Self.pragmas(role, options)
        configuration.prepareDatabase { database in
            for pragma in pragmas {
                let statement = try database.makeStatement(sql: pragma)
                let rows = try Row.fetchCursor(statement)
                while try rows.next() != nil {}
            }
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw StorageError(sqlite: error)
        }
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

    /// Lends the connection to `body` on the calling thread.
    func use<T>(_ body: (SQLiteSession) -> T) -> T {
        queue.unsafeReentrantWrite { body(SQLiteSession($0)) }
    }

    /// Closes the file. Later use fails with `unavailable`.
    func close() {
        do { try queue.close() } catch { /* Statements still open: SQLite closes the file when they end. */ }
    }
}

/// The connection while it is lent: statements are prepared once and kept.
final class SQLiteSession: SQLConnection {
    private let database: Database

    fileprivate init(_ database: Database) { self.database = database }

    /// False also when SQLite itself rolled the transaction back, as it may on a full disk or an input/output error.
    var isInTransaction: Bool { database.isInsideTransaction }

    @discardableResult
    func run(
        _ sql: String, _ parameters: [SQLValue], row: (SQLRow) throws(StorageError) -> Void
    ) throws(StorageError) -> Int {
        do {
            let before = database.totalChangesCount
            let statement = try database.cachedStatement(sql: sql)
            let arguments = StatementArguments(parameters.map(\.databaseValue))
            if statement.columnCount == 0 {
                try statement.execute(arguments: arguments)
            } else {
                let rows = try Row.fetchCursor(statement, arguments: arguments)
                while let next = try rows.next() { try row(SQLRow(next, columns: statement.columnCount)) }
            }
            return database.totalChangesCount - before
        } catch {
            throw (error as? StorageError) ?? StorageError(sqlite: error)
        }
    }
}

extension SQLValue {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let integer): integer.databaseValue
        case .real(let real): real.databaseValue
        case .text(let text): text.databaseValue
        case .bytes(let bytes): Data(bytes).databaseValue
        }
    }
}

extension SQLRow {
    fileprivate init(_ row: Row, columns: Int) {
        self.init((0..<columns).map { column in
            let value: DatabaseValue = row[column]
            return switch value.storage {
            case .null: .null
            case .int64(let integer): .integer(integer)
            case .double(let real): .real(real)
            case .string(let text): .text(text)
            case .blob(let data): .bytes([UInt8](data))
            }
        })
    }
}

extension StorageError {
    /// What an error of GRDB or SQLite means to us.
    fileprivate init(sqlite error: any Error) {
        guard let error = error as? DatabaseError else {
            self = .unavailable("\(error)")
            return
        }
        let detail = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL: self = .full
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(detail)
        case .SQLITE_CONSTRAINT: self = .constraint(detail)
        default: self = .unavailable(detail + (error.sql.map { " in: \($0)" } ?? ""))
        }
    }
}
