/// Whom users block (XEP-0191): addresses of any form, already prepared.
public struct BlockListRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    /// Characters of all addresses of one user; a change that would bring more is `full`. The list is read and sent as a whole.
    public static let mostCharacters = 1 << 20

    public enum Outcome: Sendable, Equatable {
        /// The addresses that the change really added, in order.
        case done([String])
        /// The list would grow over a limit; nothing was changed.
        case full
    }

    public nonisolated(nonsending) func list(_ key: UserKey) async throws(StorageError) -> [String] {
        try await database.read { (connection) throws(StorageError) in try Self.list(key, connection) }
    }

    /// Adds addresses; those already there stay. `limit` is the most addresses of one user. Takes time in proportion to the addresses
    /// that are named, since nobody else writes meanwhile.
    public nonisolated(nonsending) func add(
        _ key: UserKey, _ addresses: [String], limit: Int = 10_000, mostCharacters: Int = Self.mostCharacters
    ) async throws(StorageError) -> Outcome {
        try await database.write { (connection) throws(StorageError) in
            var added: [String] = []
            for address in Set(addresses).sorted() where try !Self.has(address, key, connection) { added.append(address) }
            guard !added.isEmpty else { return .done([]) }
            let before = try Self.size(key, connection)
            let characters = added.reduce(before.characters) { $0 + $1.unicodeScalars.count }
            if before.count + added.count > limit || characters > mostCharacters { return .full }
            for address in added {
                try connection.execute(
                    "INSERT INTO block (domain, username, address) VALUES (?, ?, ?)", key.domainValue, key.userValue, .text(address)
                )
            }
            return .done(added)
        }
    }

    /// Removes addresses; those not there do no harm. Answers those that were there, in order.
    public nonisolated(nonsending) func remove(_ key: UserKey, _ addresses: [String]) async throws(StorageError) -> [String] {
        try await database.write { (connection) throws(StorageError) in
            var removed: [String] = []
            for address in Set(addresses).sorted() {
                let count = try connection.execute(
                    "DELETE FROM block WHERE domain = ? AND username = ? AND address = ?",
                    key.domainValue, key.userValue, .text(address))
                if count > 0 { removed.append(address) }
            }
            return removed
        }
    }

    /// Empties the list. Answers what was there.
    public nonisolated(nonsending) func removeAll(_ key: UserKey) async throws(StorageError) -> [String] {
        try await database.write { (connection) throws(StorageError) in
            let removed = try Self.list(key, connection)
            try connection.execute("DELETE FROM block WHERE domain = ? AND username = ?", key.domainValue, key.userValue)
            return removed
        }
    }

    private static func has(_ address: String, _ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> Bool {
        try connection.first(
            "SELECT 1 FROM block WHERE domain = ? AND username = ? AND address = ?",
            key.domainValue, key.userValue, .text(address)
        ) { (row) throws(StorageError) in try row.integer(0) } != nil
    }

    private static func size(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> (count: Int, characters: Int)
    {
        try connection.first(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(address)), 0) FROM block WHERE domain = ? AND username = ?",
            key.domainValue, key.userValue
        ) { (row) throws(StorageError) in (Int(try row.integer(0)), Int(try row.integer(1))) } ?? (0, 0)
    }

    private static func list(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> [String] {
        try connection.all(
            "SELECT address FROM block WHERE domain = ? AND username = ? ORDER BY address", key.domainValue, key.userValue
        ) { (row) throws(StorageError) in try row.text(0) }
    }
}

extension SchemaMigration {
    static let blockLists = SchemaMigration(7) { dialect in
        [
            """
            CREATE TABLE block (
                domain TEXT NOT NULL, username TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (domain, username, address)
            )\(dialect.clustered)
            """
        ]
    }
}
