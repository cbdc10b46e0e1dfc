/// Whom users block (XEP-0191): addresses of any form, already prepared.
public struct BlockListRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    /// The list after a change, in order, and the addresses that the change really added or removed.
    public struct Change: Sendable, Equatable {
        public let list: [String]
        public let changed: [String]
    }

    public enum Outcome: Sendable, Equatable {
        case done(Change)
        /// The list would grow over the limit; nothing was changed.
        case full
    }

    public nonisolated(nonsending) func list(_ key: UserKey) async throws(StorageError) -> [String] {
        try await database.read { (connection) throws(StorageError) in try Self.list(key, connection) }
    }

    /// Adds addresses; those already there stay. `limit` is the most addresses of one user.
    public nonisolated(nonsending) func add(
        _ key: UserKey, _ addresses: [String], limit: Int = 10_000
    ) async throws(StorageError) -> Outcome {
        try await database.write { (connection) throws(StorageError) in
            let before = try Self.list(key, connection)
            let added = Set(addresses).subtracting(before).sorted()
            if !added.isEmpty && before.count + added.count > limit { return .full }
            for address in added {
                try connection.execute(
                    "INSERT INTO block (domain, username, address) VALUES (?, ?, ?)", key.domainValue, key.userValue, .text(address)
                )
            }
            return .done(Change(list: try Self.list(key, connection), changed: added))
        }
    }

    /// Removes addresses; those not there do no harm.
    public nonisolated(nonsending) func remove(_ key: UserKey, _ addresses: [String]) async throws(StorageError) -> Change {
        try await database.write { (connection) throws(StorageError) in
            let removed = Set(addresses).intersection(try Self.list(key, connection)).sorted()
            for address in removed {
                try connection.execute(
                    "DELETE FROM block WHERE domain = ? AND username = ? AND address = ?",
                    key.domainValue, key.userValue, .text(address))
            }
            return Change(list: try Self.list(key, connection), changed: removed)
        }
    }

    /// Empties the list.
    public nonisolated(nonsending) func removeAll(_ key: UserKey) async throws(StorageError) -> Change {
        try await database.write { (connection) throws(StorageError) in
            let removed = try Self.list(key, connection)
            try connection.execute("DELETE FROM block WHERE domain = ? AND username = ?", key.domainValue, key.userValue)
            return Change(list: [], changed: removed)
        }
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
