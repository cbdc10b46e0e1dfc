import Glibc

/// The rosters of all users, with their versions (RFC 6121 §2, §2.6, appendix A).
public struct RosterRepository: Sendable {
    private let database: any SQLDatabase
    private let maxItems: Int
    private let maxRequests: Int
    private let maxBytes: Int
    private let now: @Sendable () -> Int64

    /// Requests of contacts that are not listed which may wait for one user's answer; one more is `full`.
    public static let mostRequests = 500
    /// Bytes of addresses, names and groups that the listed items of one user may have; a larger item is `full`. Items of the size
    /// that `maxItems` of them may have on average are always let in, so that a roster has twice as many bytes at most.
    public static let mostBytes = 2 << 20

    /// - Parameters:
    ///   - maxItems: the most contacts of one user.
    ///   - maxRequests: the most requests beside them.
    ///   - maxBytes: the most bytes of those contacts.
    ///   - now: milliseconds since 1970. A roster's first version is the moment of its first change, so that the roster of a user
    ///     who was removed and registered again never counts versions that a client may still have.
    public init(
        _ database: any SQLDatabase, maxItems: Int = 5000, maxRequests: Int = RosterRepository.mostRequests,
        maxBytes: Int = RosterRepository.mostBytes,
        now: @escaping @Sendable () -> Int64 = RosterRepository.wallClock
    ) {
        self.database = database
        self.maxItems = maxItems
        self.maxRequests = maxRequests
        self.maxBytes = maxBytes
        self.now = now
    }

    public enum Outcome: Sendable, Equatable {
        case done(RosterChange)
        /// The user has as many contacts, requests or bytes as the limits allow; nothing was changed.
        case full
    }

    /// A contact's request to see the user's presence, which waits for an answer.
    public struct Request: Sendable, Equatable {
        public let contact: String
        /// As it is delivered.
        public let stanza: [UInt8]
    }

    /// Changes what is kept of one contact, as one step that no other process can come between. All subscription states change
    /// through this.
    ///
    /// `change` is handed the item, or nil, and returns what shall be kept, or nil for nothing. It may be called more than once.
    public nonisolated(nonsending) func modify(
        _ key: UserKey, _ contact: String, _ change: @escaping @Sendable (RosterItem?) -> RosterItem?
    ) async throws(StorageError) -> Outcome {
        try await database.write { (connection) throws(StorageError) in
            let rows = RosterRows(key: key, connection: connection)
            let old = try rows.item(contact)
            let new = change(old)
            if let new, new.contact != contact { throw .constraint("a roster item cannot change its contact") }
            if old == new {
                return .done(RosterChange(old: old, new: new, version: try rows.version(), isVisible: false))
            }
            if let new, try isFull(rows, old, new) { return .full }
            return .done(try store(rows, contact, old, new))
        }
    }

    public nonisolated(nonsending) func item(_ key: UserKey, _ contact: String) async throws(StorageError) -> RosterItem? {
        try await database.read { (connection) throws(StorageError) in
            try RosterRows(key: key, connection: connection).item(contact)
        }
    }

    /// The whole roster and its version.
    public nonisolated(nonsending) func roster(_ key: UserKey) async throws(StorageError) -> StoredRoster {
        try await database.read { (connection) throws(StorageError) in
            let rows = RosterRows(key: key, connection: connection)
            return StoredRoster(items: try rows.items(), version: try rows.version())
        }
    }

    /// Waiting requests in the order of their contacts' addresses, after that of `contact` (empty: from the first): at most `limit`,
    /// and `bytes` of them, but one at least if there is one.
    public nonisolated(nonsending) func requests(
        _ key: UserKey, after contact: String = "", limit: Int, bytes: Int
    ) async throws(StorageError) -> [Request] {
        try await database.read { (connection) throws(StorageError) in
            try RosterRows(key: key, connection: connection).requests(after: contact, limit: limit, bytes: bytes)
        }
    }

    /// All items in the order of their addresses, those that are not listed among them.
    public nonisolated(nonsending) func items(_ key: UserKey) async throws(StorageError) -> [RosterItem] {
        try await roster(key).items
    }

    /// The contacts whose subscription is one of `subscriptions`: `from` and `both` for those who see the user's presence, `to` and
    /// `both` for those whose presence the user sees.
    public nonisolated(nonsending) func contacts(
        _ key: UserKey, with subscriptions: Set<RosterItem.Subscription>
    ) async throws(StorageError) -> [String] {
        try await database.read { (connection) throws(StorageError) in
            try connection.all(
                "SELECT contact, subscription FROM roster_item WHERE domain = ? AND username = ? AND subscription > 0 ORDER BY contact",
                key.domainValue, key.userValue
            ) { (row) throws(StorageError) in
                let subscription = RosterItem.Subscription(rawValue: try row.integer(1))
                return subscription.map(subscriptions.contains) == true ? try row.text(0) : nil
            }.compactMap { $0 }
        }
    }

    private func isFull(_ rows: RosterRows, _ old: RosterItem?, _ new: RosterItem) throws(StorageError) -> Bool {
        guard new.isListed else {
            guard old == nil else { return false }
            return try rows.count(listed: false) >= maxRequests
        }
        if old?.isListed != true {
            let count = try rows.count(listed: true)
            if count >= maxItems { return true }
        }
        let sizeBefore = old?.isListed == true ? old?.size ?? 0 : 0
        guard new.size > maxBytes / max(1, maxItems), new.size > sizeBefore else { return false }
        return try rows.size() - sizeBefore + new.size > maxBytes
    }

    private func store(
        _ rows: RosterRows, _ contact: String, _ old: RosterItem?, _ new: RosterItem?
    ) throws(StorageError) -> RosterChange {
        let isVisible = Self.isVisible(old, new)
        if let new { try rows.put(new) } else { try rows.delete(contact) }
        var version = try rows.version()
        if isVisible {
            version = (version == 0 ? now() : version) + 1
            try rows.setVersion(version)
        }
        return RosterChange(old: old, new: new, version: version, isVisible: isVisible)
    }

    private static func isVisible(_ old: RosterItem?, _ new: RosterItem?) -> Bool {
        switch (old?.isListed == true ? old : nil, new?.isListed == true ? new : nil) {
        case (nil, nil): false
        case (let old?, let new?): !old.looksLike(new)
        case (nil, _?), (_?, nil): true
        }
    }

    /// Milliseconds since 1970.
    @Sendable public static func wallClock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

extension SchemaMigration {
    static let rosters = SchemaMigration(2) { dialect in
        [
            """
            CREATE TABLE roster_item (
                domain TEXT NOT NULL, username TEXT NOT NULL, contact TEXT NOT NULL, name TEXT, in_groups TEXT NOT NULL,
                subscription BIGINT NOT NULL, pending_out BIGINT NOT NULL, pending_in BIGINT NOT NULL,
                pending_in_stanza \(dialect.bytes), approved BIGINT NOT NULL, listed BIGINT NOT NULL, version BIGINT NOT NULL,
                PRIMARY KEY (domain, username, contact)
            )\(dialect.clustered)
            """,
            """
            CREATE TABLE roster_removal (
                domain TEXT NOT NULL, username TEXT NOT NULL, contact TEXT NOT NULL, version BIGINT NOT NULL,
                PRIMARY KEY (domain, username, contact)
            )\(dialect.clustered)
            """,
            """
            CREATE TABLE roster_version (
                domain TEXT NOT NULL, username TEXT NOT NULL, version BIGINT NOT NULL, floor BIGINT NOT NULL,
                PRIMARY KEY (domain, username)
            )\(dialect.clustered)
            """,
        ]
    }

    /// Clients get the whole roster or nothing, so nobody asks what changed since a version.
    static let rosterVersions = SchemaMigration(12) { _ in
        [
            "DROP TABLE roster_removal",
            "ALTER TABLE roster_item DROP COLUMN version",
            "ALTER TABLE roster_version DROP COLUMN floor",
        ]
    }
}
