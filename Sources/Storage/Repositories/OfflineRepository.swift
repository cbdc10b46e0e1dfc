/// Stanzas for users who are not there (XEP-0160).
public struct OfflineRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    public enum StoreResult: Sendable, Equatable {
        case stored
        /// As many stanzas wait as the limit allows, or as many bytes of them; this one was not kept.
        case full
    }

    /// Bytes of stanzas that may wait for one user. With so many a stanza is `full`, except where nothing waits: one alone is
    /// kept, whatever its size. What was handed out and waits for an acknowledgement is counted and never refused.
    public static let mostBytes = 32 << 20

    /// One waiting stanza without its bytes.
    public struct Header: Sendable, Equatable {
        public let sequence: Int64
        public let receivedAt: Int64
        /// Bytes of the stanza.
        public let size: Int

        public init(sequence: Int64, receivedAt: Int64, size: Int) {
            self.sequence = sequence
            self.receivedAt = receivedAt
            self.size = size
        }
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

    /// Keeps a stanza, on the disk when this answers: the sender may be told that it arrived. The limits are those of the same
    /// transaction; expired stanzas give way first.
    ///
    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - limit: the most stanzas that may wait for this user (`max_user_offline_messages`); nil: no limit.
    ///   - mostBytes: the most bytes of them.
    public nonisolated(nonsending) func store(
        _ key: UserKey, _ stanza: NewMessage, now: Int64, limit: Int?, mostBytes: Int = OfflineRepository.mostBytes
    ) async throws(StorageError) -> StoreResult {
        try await database.write(.durable) { (connection) throws(StorageError) in
            func isFull() throws(StorageError) -> Bool {
                let usage = try OfflineUsage.of(key, connection)
                return usage.messages >= limit ?? .max || usage.messages > 0 && usage.bytes + stanza.stanza.count > mostBytes
            }
            if try isFull() {
                try Self.delete(key, "AND expires <= ?", .integer(now), connection)
                if try isFull() { return .full }
            }
            try OfflineUsage.add(1, bytes: stanza.stanza.count, key, connection)
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
            let last =
                try connection.first(
                    "SELECT COALESCE(MAX(sequence), 0) FROM offline_message WHERE domain = ? AND username = ?",
                    key.domainValue, key.userValue
                ) { (row) throws(StorageError) in try row.integer(0) } ?? 0
            try OfflineUsage.add(stanzas.count, bytes: stanzas.reduce(0) { $0 + $1.stanza.count }, key, connection)
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

    /// Up to `limit` stanzas in order, after the one with sequence `after` (0: from the first), that have not expired at `now`.
    public nonisolated(nonsending) func page(
        _ key: UserKey, after: Int64 = 0, limit: Int, now: Int64
    ) async throws(StorageError) -> [Message] {
        try await database.read { (connection) throws(StorageError) in
            try Self.page(key, after: after, limit: Int64(limit), now: now, connection)
        }
    }

    /// Up to `limit` stanzas in order without their bytes, after the one with sequence `after` (0: from the first), that have
    /// not expired at `now`.
    public nonisolated(nonsending) func headers(
        _ key: UserKey, after: Int64 = 0, limit: Int, now: Int64
    ) async throws(StorageError) -> [Header] {
        try await database.read { (connection) throws(StorageError) in
            try connection.all(
                """
                SELECT sequence, received, LENGTH(stanza) FROM offline_message
                WHERE domain = ? AND username = ? AND sequence > ? AND (expires IS NULL OR expires > ?) ORDER BY sequence LIMIT ?
                """,
                key.domainValue, key.userValue, .integer(after), .integer(now), .integer(Int64(limit))
            ) { (row) throws(StorageError) in
                Header(sequence: try row.integer(0), receivedAt: try row.integer(1), size: Int(try row.integer(2)))
            }
        }
    }

    /// The stanzas with these sequences, in their order; those that are gone meanwhile are left out. Reads as many bytes as they
    /// have, so the caller asks for few at a time (`headers` says how large they are).
    public nonisolated(nonsending) func stanzas(
        _ key: UserKey, _ sequences: [Int64]
    ) async throws(StorageError) -> [(sequence: Int64, stanza: [UInt8])] {
        try await database.scan { (connection) throws(StorageError) in
            var found: [(sequence: Int64, stanza: [UInt8])] = []
            for sequence in sequences {
                let stanza = try connection.first(
                    "SELECT stanza FROM offline_message WHERE domain = ? AND username = ? AND sequence = ?",
                    key.domainValue, key.userValue, .integer(sequence)
                ) { (row) throws(StorageError) in try row.bytes(0) }
                if let stanza { found.append((sequence, stanza)) }
            }
            return found
        }
    }

    /// Forgets the stanzas up to and with sequence `last`. Returns how many there were.
    @discardableResult
    public nonisolated(nonsending) func delete(_ key: UserKey, upTo last: Int64) async throws(StorageError) -> Int {
        try await database.write { (connection) throws(StorageError) in
            try Self.delete(key, "AND sequence <= ?", .integer(last), connection)
        }
    }

    /// Forgets the stanzas with these sequences.
    public nonisolated(nonsending) func delete(_ key: UserKey, _ sequences: [Int64]) async throws(StorageError) {
        try await database.write { (connection) throws(StorageError) in
            for sequence in sequences { try Self.delete(key, "AND sequence = ?", .integer(sequence), connection) }
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
        try await database.read { (connection) throws(StorageError) in try OfflineUsage.of(key, connection).messages }
    }

    /// Deletes those stanzas of a user that a condition with one parameter is true of. Returns how many there were.
    @discardableResult
    private static func delete(
        _ key: UserKey, _ condition: String, _ parameter: SQLValue, _ connection: any SQLConnection
    ) throws(StorageError) -> Int {
        let rows = "FROM offline_message WHERE domain = ? AND username = ? \(condition)"
        let bytes =
            try connection.first(
                "SELECT COALESCE(SUM(LENGTH(stanza)), 0) \(rows)", key.domainValue, key.userValue, parameter
            ) { (row) throws(StorageError) in Int(try row.integer(0)) } ?? 0
        let count = try connection.execute("DELETE \(rows)", key.domainValue, key.userValue, parameter)
        if count > 0 { try OfflineUsage.add(-count, bytes: -bytes, key, connection) }
        return count
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
