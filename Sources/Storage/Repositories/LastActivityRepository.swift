/// When users were last seen and what they said (XEP-0012).
public struct LastActivityRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    public struct Activity: Sendable, Equatable {
        /// When, in seconds since 1970.
        public let seconds: Int64
        /// The status text of the last unavailable presence; empty without one.
        public let status: String

        public init(seconds: Int64, status: String) {
            self.seconds = seconds
            self.status = status
        }
    }

    public nonisolated(nonsending) func set(_ key: UserKey, _ activity: Activity) async throws(StorageError) {
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute(
                """
                INSERT INTO last_activity (domain, username, seconds, status) VALUES (?, ?, ?, ?)
                ON CONFLICT (domain, username) DO UPDATE SET seconds = excluded.seconds, status = excluded.status
                """, key.domainValue, key.userValue, .integer(activity.seconds), .text(activity.status))
        }
    }

    public nonisolated(nonsending) func get(_ key: UserKey) async throws(StorageError) -> Activity? {
        try await database.read { (connection) throws(StorageError) in
            try connection.first(
                "SELECT seconds, status FROM last_activity WHERE domain = ? AND username = ?", key.domainValue, key.userValue
            ) { (row) throws(StorageError) in Activity(seconds: try row.integer(0), status: try row.text(1)) }
        }
    }
}

extension SchemaMigration {
    static let lastActivity = SchemaMigration(6) { dialect in
        [
            """
            CREATE TABLE last_activity (
                domain TEXT NOT NULL, username TEXT NOT NULL, seconds BIGINT NOT NULL, status TEXT NOT NULL,
                PRIMARY KEY (domain, username)
            )\(dialect.clustered)
            """
        ]
    }
}
