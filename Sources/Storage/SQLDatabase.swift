/// A database that keeps what repositories hand it: the seam between one SQL and its drivers.
///
/// The SQL is what SQLite (3.35 and later) and PostgreSQL have in common, with `?` for parameters. The work runs on a thread of the
/// driver, in one transaction; it may be **run more than once** (when a neighbour in its transaction spoiled it), so it has no
/// effect besides the database. A task that is cancelled while it waits still learns the true outcome: submitted work is never
/// dropped half-way, and an answer means what it says.
public protocol SQLDatabase: Sendable {
    /// Runs `work` on one consistent snapshot of the database that contains every write answered before this call.
    nonisolated(nonsending) func read<T: Sendable>(
        _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T

    /// The same for work that looks through many rows: it never runs on the caller's thread, and no ordinary read waits behind it.
    nonisolated(nonsending) func scan<T: Sendable>(
        _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T

    /// Runs `work` in a transaction that no other writer of any process overlaps, and answers after its commit.
    /// When it throws, nothing that it did remains.
    nonisolated(nonsending) func write<T: Sendable>(
        _ durability: Durability, _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T

    /// The words in which this database's schema language differs from others.
    var dialect: SQLDialect { get }
}

extension SQLDatabase {
    /// For a database that has no thread for it: an ordinary read.
    nonisolated(nonsending) public func scan<T: Sendable>(
        _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        try await read(work)
    }

    /// Runs `work` as an ordinary write (`Durability.ordinary`).
    nonisolated(nonsending) public func write<T: Sendable>(
        _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        try await write(.ordinary, work)
    }
}

/// What an answered write survives. Both kinds survive the death of every process of the server.
public enum Durability: Sendable {
    /// A power failure may undo the last moments, never leaving the database inconsistent.
    case ordinary
    /// The write, and all that were answered before it, are on the disk when the answer comes. For what the server acknowledges to
    /// others, who then forget it (XEP-0198 `<a/>`).
    case durable
}

/// The words in which the schema languages differ; queries use none of them.
public struct SQLDialect: Sendable {
    /// The type of a column of bytes.
    public let bytes: String
    /// What follows the column list of a table whose short rows shall lie in the order of its primary key.
    public let clustered: String

    public static let sqlite = SQLDialect(bytes: "BLOB", clustered: " WITHOUT ROWID")
}

/// One connection inside a transaction. Valid only during the work that it is handed to.
public protocol SQLConnection: AnyObject {
    /// Runs one statement and hands each of its rows to `row`. Returns how many rows it inserted, updated or deleted.
    ///
    /// Do not run the same statement again from within `row`.
    @discardableResult
    func run(
        _ sql: String, _ parameters: [SQLValue], row: (SQLRow) throws(StorageError) -> Void
    ) throws(StorageError) -> Int
}

extension SQLConnection {
    /// Runs a statement that changes something; returns how many rows it inserted, updated or deleted.
    @discardableResult
    public func execute(_ sql: String, _ parameters: SQLValue...) throws(StorageError) -> Int {
        try run(sql, parameters) { (_) throws(StorageError) in }
    }

    /// The first row of a query, or nil.
    public func first<T>(
        _ sql: String, _ parameters: SQLValue..., map: (SQLRow) throws(StorageError) -> T
    ) throws(StorageError) -> T? {
        var found: T?
        try run(sql, parameters) { (row) throws(StorageError) in
            if found == nil { found = try map(row) }
        }
        return found
    }

    /// All rows of a query, in its order.
    public func all<T>(
        _ sql: String, _ parameters: SQLValue..., map: (SQLRow) throws(StorageError) -> T
    ) throws(StorageError) -> [T] {
        var found: [T] = []
        try run(sql, parameters) { (row) throws(StorageError) in found.append(try map(row)) }
        return found
    }
}
