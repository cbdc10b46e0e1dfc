/// How many stanzas had been handled of sessions that were never resumed (XEP-0198 §5), by the secrets that could have
/// resumed them. Rows are forgotten after a time.
public struct SessionCountRepository: Sendable {
    private let database: any SQLDatabase

    init(_ database: any SQLDatabase) { self.database = database }

    /// - Parameters:
    ///   - expiresAt: unix time in seconds.
    ///   - now: likewise; what has expired by then is removed.
    public nonisolated(nonsending) func keep(
        _ key: String, handled: UInt32, expiresAt: Int64, now: Int64
    ) async throws(StorageError) {
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute("DELETE FROM session_count WHERE expires_at <= ?", .integer(now))
            try connection.execute("DELETE FROM session_count WHERE key = ?", .text(key))
            try connection.execute(
                "INSERT INTO session_count (key, handled, expires_at) VALUES (?, ?, ?)", .text(key),
                .integer(Int64(handled)), .integer(expiresAt))
        }
    }

    /// Nil: it is not known, or not any more.
    public nonisolated(nonsending) func find(_ key: String, now: Int64) async throws(StorageError) -> UInt32? {
        try await database.read { (connection) throws(StorageError) in
            try connection.first(
                "SELECT handled FROM session_count WHERE key = ? AND expires_at > ?", .text(key), .integer(now)
            ) { (row) throws(StorageError) in UInt32(truncatingIfNeeded: try row.integer(0)) }
        }
    }

    /// Forgets what has expired by that unix time in seconds.
    public nonisolated(nonsending) func forget(expiredBy now: Int64) async throws(StorageError) {
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute("DELETE FROM session_count WHERE expires_at <= ?", .integer(now))
        }
    }
}

extension SchemaMigration {
    static let sessionCounts = SchemaMigration(9) { _ in
        [
            """
            CREATE TABLE session_count (key TEXT NOT NULL PRIMARY KEY, handled BIGINT NOT NULL, expires_at BIGINT NOT NULL)
            """,
            "CREATE INDEX session_count_expiry ON session_count (expires_at)",
        ]
    }
}
