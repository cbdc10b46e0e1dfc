/// The schema and its versions. A new repository adds its file and one line here.
public enum Schema {
    /// In order of their numbers, which are 1, 2, 3… and never change once released.
    static let migrations: [SchemaMigration] = [
        .accounts, .rosters, .offlineMessages, .privateStorage, .vCards, .lastActivity, .blockLists, .serverValues,
        .sessionCounts, .archive, .offlineUsage, .rosterVersions,
    ]

    /// Every table with rows of users. Removing an account removes its user's rows from each.
    static let tablesOfUsers = [
        "account", "roster_item", "roster_version", "offline_message", "offline_usage", "private_element",
        "vcard", "last_activity",
        "block", "archive_owner", "archive_preference",
    ]

    /// The version that this server reads and writes.
    public static var version: Int { migrations.last?.number ?? 0 }

    /// Brings the database to `version`. Called before other processes open it; should two call at once, one waits for the other
    /// and finds nothing to do. Each step is a transaction: a stop in between leaves a complete earlier version.
    ///
    /// - Returns: the version found before.
    /// - Throws: `newerSchema` when a newer server wrote it; nothing is changed then.
    @discardableResult
    public nonisolated(nonsending) static func migrate(_ database: some SQLDatabase) async throws(StorageError) -> Int {
        try await migrate(database, with: migrations)
    }

    /// Refuses a database that is not at `version`: what a process asks that does not migrate.
    public nonisolated(nonsending) static func check(_ database: some SQLDatabase) async throws(StorageError) {
        let found = try await database.write { (connection) throws(StorageError) in try storedVersion(connection) }
        if found > version { throw .newerSchema(found: found, known: version) }
        if found < version { throw .outdatedSchema(found: found, needed: version) }
    }

    static func migrate(
        _ database: some SQLDatabase, with migrations: [SchemaMigration]
    ) async throws(StorageError) -> Int {
        let known = migrations.last?.number ?? 0
        let found = try await database.write { (connection) throws(StorageError) in try storedVersion(connection) }
        if found > known { throw .newerSchema(found: found, known: known) }
        let dialect = database.dialect
        for migration in migrations where migration.number > found {
            try await database.write(.durable) { (connection) throws(StorageError) in
                guard try storedVersion(connection) < migration.number else { return }
                for statement in migration.statements(dialect) { try connection.execute(statement) }
                try connection.execute("UPDATE schema_version SET version = ?", .integer(Int64(migration.number)))
            }
        }
        return found
    }

    /// The version in the database, 0 for an empty one.
    static func storedVersion(_ connection: any SQLConnection) throws(StorageError) -> Int {
        try connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
        let version = try connection.first("SELECT version FROM schema_version") { (row) throws(StorageError) in
            try row.integer(0)
        }
        if let version { return Int(version) }
        try connection.execute("INSERT INTO schema_version (version) VALUES (0)")
        return 0
    }
}

/// One numbered step of the schema. It lies in the file of the repository that it is for.
struct SchemaMigration: Sendable {
    let number: Int
    let statements: @Sendable (SQLDialect) -> [String]

    init(_ number: Int, _ statements: @escaping @Sendable (SQLDialect) -> [String]) {
        self.number = number
        self.statements = statements
    }
}
