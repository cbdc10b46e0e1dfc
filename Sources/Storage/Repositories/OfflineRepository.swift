/// Stanzas for users who are not there (XEP-0160).
public struct OfflineRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    public enum StoreResult: Sendable, Equatable {
        case stored
        /// As many stanzas wait as the limit allows; this one was not kept.
        case full
    }

    /// One waiting stanza. `sequence` orders those of one user, also among those that were there and are gone: it is the
    /// time of its storing, or more.
    public struct Message: Sendable, Equatable {
        public let sequence: Int64
        public let stanza: [UInt8]
        /// When it first came, in milliseconds since 1970.
        public let receivedAt: Int64
        /// When it is worth nothing any more, in milliseconds since 1970; nil: never (XEP-0079, XEP-0334).
        public let expiresAt: Int64?
    }

    /// A stanza to be kept.
    public struct NewMessage: Sendable {
        let stanza: [UInt8]
        let receivedAt: Int64
        let expiresAt: Int64?

        /// Times in milliseconds since 1970.
        /// - Parameter receivedAt: when it first came, which may be some time ago.
        public init(_ stanza: [UInt8], receivedAt: Int64, expiresAt: Int64? = nil) {
            self.stanza = stanza
            self.receivedAt = receivedAt
            self.expiresAt = expiresAt
        }
    }

    /// Keeps a stanza, on the disk when this answers: the sender may be told that it arrived. The limit counts in the same
    /// transaction; expired stanzas give way first.
    ///
    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - limit: the most stanzas that may wait for this user (`max_user_offline_messages`); nil: no limit.
    public nonisolated(nonsending) func store(
        _ key: UserKey, _ stanza: NewMessage, now: Int64, limit: Int?
    ) async throws(StorageError) -> StoreResult {
        try await database.write(.durable) { (connection) throws(StorageError) in
            if let limit, try Self.count(key, connection) >= limit {
                try connection.execute(
                    "DELETE FROM offline_message WHERE domain = ? AND username = ? AND expires <= ?",
                    key.domainValue, key.userValue, .integer(now))
                if try Self.count(key, connection) >= limit { return .full }
            }
            try connection.execute(
                """
                INSERT INTO offline_message (domain, username, sequence, received, expires, stanza)
                SELECT ?, ?, CASE WHEN COALESCE(MAX(sequence), 0) < ? THEN ? ELSE COALESCE(MAX(sequence), 0) + 1 END, ?, ?, ?
                FROM offline_message WHERE domain = ? AND username = ?
                """,
                key.domainValue, key.userValue, .integer(now), .integer(now), .integer(stanza.receivedAt),
                .integer(stanza.expiresAt), .bytes(stanza.stanza),
                key.domainValue, key.userValue)
            return .stored
        }
    }

    /// Keeps stanzas of one user in order, on the disk when this answers, without a limit: they have been handed out, and
    /// wait for the word that they arrived.
    /// - Returns: the sequence of each.
    public nonisolated(nonsending) func store(
        _ key: UserKey, _ stanzas: [NewMessage], now: Int64
    ) async throws(StorageError) -> [Int64] {
        try await database.write(.durable) { (connection) throws(StorageError) in
            let last = try connection.first(
                "SELECT COALESCE(MAX(sequence), 0) FROM offline_message WHERE domain = ? AND username = ?",
                key.domainValue, key.userValue
            ) { (row) throws(StorageError) in try row.integer(0) } ?? 0
            var sequence = max(last, now - 1)
            var sequences: [Int64] = []
            for stanza in stanzas {
                sequence += 1
                try connection.execute(
                    "INSERT INTO offline_message (domain, username, sequence, received, expires, stanza) VALUES (?, ?, ?, ?, ?, ?)",
                    key.domainValue, key.userValue, .integer(sequence), .integer(stanza.receivedAt),
                    .integer(stanza.expiresAt), .bytes(stanza.stanza))
                sequences.append(sequence)
            }
            return sequences
        }
    }

    /// Hands out all stanzas that have not expired at `now` (milliseconds since 1970), in order, and forgets them, in one
    /// transaction. Whoever must not lose them when it dies reads with `page` and forgets with `delete` after delivery.
    public nonisolated(nonsending) func take(_ key: UserKey, now: Int64) async throws(StorageError) -> [Message] {
        try await database.write { (connection) throws(StorageError) in
            let messages = try Self.page(key, after: 0, limit: .max, now: now, connection)
            try connection.execute(
                "DELETE FROM offline_message WHERE domain = ? AND username = ?", key.domainValue, key.userValue)
            return messages
        }
    }

    /// Up to `limit` stanzas in order, after the one with sequence `after` (0: from the first), that have not expired at `now`.
    public nonisolated(nonsending) func page(
        _ key: UserKey, after: Int64 = 0, limit: Int, now: Int64
    ) async throws(StorageError) -> [Message] {
        try await database.read { (connection) throws(StorageError) in
            try Self.page(key, after: after, limit: Int64(limit), now: now, connection)
        }
    }

    /// Forgets the stanzas up to and with sequence `last`. Returns how many there were.
    @discardableResult
    public nonisolated(nonsending) func delete(_ key: UserKey, upTo last: Int64) async throws(StorageError) -> Int {
        try await database.write { (connection) throws(StorageError) in
            try connection.execute(
                "DELETE FROM offline_message WHERE domain = ? AND username = ? AND sequence <= ?",
                key.domainValue, key.userValue, .integer(last))
        }
    }

    /// Forgets the stanzas with these sequences.
    public nonisolated(nonsending) func delete(_ key: UserKey, _ sequences: [Int64]) async throws(StorageError) {
        try await database.write { (connection) throws(StorageError) in
            for sequence in sequences {
                try connection.execute(
                    "DELETE FROM offline_message WHERE domain = ? AND username = ? AND sequence = ?",
                    key.domainValue, key.userValue, .integer(sequence))
            }
        }
    }

    /// Which of these sequences are stored.
    public nonisolated(nonsending) func present(_ key: UserKey, _ sequences: [Int64]) async throws(StorageError) -> Set<Int64> {
        try await database.read { (connection) throws(StorageError) in
            var present: Set<Int64> = []
            for sequence in sequences {
                let found = try connection.first(
                    "SELECT 1 FROM offline_message WHERE domain = ? AND username = ? AND sequence = ?",
                    key.domainValue, key.userValue, .integer(sequence)
                ) { (row) throws(StorageError) in try row.integer(0) }
                if found != nil { present.insert(sequence) }
            }
            return present
        }
    }

    /// How many stanzas wait, expired ones included.
    public nonisolated(nonsending) func count(_ key: UserKey) async throws(StorageError) -> Int {
        try await database.read { (connection) throws(StorageError) in try Self.count(key, connection) }
    }

    /// Forgets the stanzas of a host's users that expired before `moment` (milliseconds since 1970). Returns how many.
    public nonisolated(nonsending) func deleteExpired(
        _ domain: String, before moment: Int64
    ) async throws(StorageError) -> Int {
        try await deleteInPortions(domain, where: "expires < ?", moment)
    }

    /// Forgets the stanzas of a host's users that were received before `moment` (milliseconds since 1970). Returns how many.
    public nonisolated(nonsending) func deleteOld(_ domain: String, before moment: Int64) async throws(StorageError) -> Int {
        try await deleteInPortions(domain, where: "received < ?", moment)
    }

    /// Deletes in transactions of at most 1000 rows, between which others may write.
    private nonisolated(nonsending) func deleteInPortions(
        _ domain: String, where condition: String, _ moment: Int64
    ) async throws(StorageError) -> Int {
        let portion = 1000
        let statement = """
            DELETE FROM offline_message WHERE (domain, username, sequence) IN (
                SELECT domain, username, sequence FROM offline_message WHERE domain = ? AND \(condition) LIMIT \(portion))
            """
        var deleted = 0
        while true {
            let count = try await database.write { (connection) throws(StorageError) in
                try connection.execute(statement, .text(domain), .integer(moment))
            }
            deleted += count
            if count < portion { return deleted }
        }
    }

    private static func count(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> Int {
        try connection.first(
            "SELECT COUNT(*) FROM offline_message WHERE domain = ? AND username = ?", key.domainValue, key.userValue
        ) { (row) throws(StorageError) in Int(try row.integer(0)) } ?? 0
    }

    private static func page(
        _ key: UserKey, after: Int64, limit: Int64, now: Int64, _ connection: any SQLConnection
    ) throws(StorageError) -> [Message] {
        try connection.all(
            """
            SELECT sequence, stanza, received, expires FROM offline_message
            WHERE domain = ? AND username = ? AND sequence > ? AND (expires IS NULL OR expires > ?) ORDER BY sequence LIMIT ?
            """,
            key.domainValue, key.userValue, .integer(after), .integer(now), .integer(limit)
        ) { (row) throws(StorageError) in
            Message(
                sequence: try row.integer(0), stanza: try row.bytes(1), receivedAt: try row.integer(2),
                expiresAt: try row.optionalInteger(3))
        }
    }
}

extension SchemaMigration {
    static let offlineMessages = SchemaMigration(3) { dialect in
        [
            """
            CREATE TABLE offline_message (
                domain TEXT NOT NULL, username TEXT NOT NULL, sequence BIGINT NOT NULL, received BIGINT NOT NULL, expires BIGINT,
                stanza \(dialect.bytes) NOT NULL, PRIMARY KEY (domain, username, sequence)
            )
            """,
            "CREATE INDEX offline_message_expiry ON offline_message (domain, expires) WHERE expires IS NOT NULL",
        ]
    }
}
