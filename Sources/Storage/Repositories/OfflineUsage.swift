/// How much waits for one user, kept beside the messages so that a look at it costs the same however much that is.
struct OfflineUsage {
    var messages: Int
    var bytes: Int

    static func of(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> OfflineUsage {
        try connection.first(
            "SELECT messages, bytes FROM offline_usage WHERE domain = ? AND username = ?", key.domainValue, key.userValue
        ) { (row) throws(StorageError) in
            OfflineUsage(messages: Int(try row.integer(0)), bytes: Int(try row.integer(1)))
        } ?? OfflineUsage(messages: 0, bytes: 0)
    }

    /// Counts messages that come or, with numbers below zero, go.
    static func add(_ messages: Int, bytes: Int, _ key: UserKey, _ connection: any SQLConnection) throws(StorageError) {
        try connection.execute(
            """
            INSERT INTO offline_usage (domain, username, messages, bytes) VALUES (?, ?, ?, ?)
            ON CONFLICT (domain, username) DO UPDATE SET
                messages = offline_usage.messages + excluded.messages, bytes = offline_usage.bytes + excluded.bytes
            """, key.domainValue, key.userValue, .integer(Int64(messages)), .integer(Int64(bytes)))
    }
}

extension SchemaMigration {
    static let offlineUsage = SchemaMigration(11) { dialect in
        [
            """
            CREATE TABLE offline_usage (
                domain TEXT NOT NULL, username TEXT NOT NULL, messages BIGINT NOT NULL, bytes BIGINT NOT NULL,
                PRIMARY KEY (domain, username)
            )\(dialect.clustered)
            """,
            """
            INSERT INTO offline_usage (domain, username, messages, bytes)
            SELECT domain, username, COUNT(*), SUM(LENGTH(stanza)) FROM offline_message GROUP BY domain, username
            """,
        ]
    }
}
