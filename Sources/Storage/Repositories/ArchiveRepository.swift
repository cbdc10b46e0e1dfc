import Glibc

/// The messages of users (XEP-0313), each in the archives of both sides.
public struct ArchiveRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    /// Bits of an id below its microseconds.
    public static let idShift: Int64 = 8
    /// Bits of an id below the number of its period, about 18 minutes (`archive_contact`).
    static let periodShift: Int64 = 38
    /// No message is committed so much later than its id says: 60 seconds.
    static let longestWay: Int64 = 60_000_000 << idShift

    /// What an `append` found out.
    public struct Receipt: Sendable {
        /// Numbers that the caller did not know.
        public let found: ArchiveNumbers
        /// Messages of all processes that have not been indexed yet.
        public let unindexed: Int
    }

    /// Keeps messages, on the disk when this answers.
    ///
    /// - Parameter numbers: what the caller learned from earlier receipts.
    public nonisolated(nonsending) func append(
        _ messages: [ArchivedMessage], knowing numbers: ArchiveNumbers
    ) async throws(StorageError) -> Receipt {
        try await database.write(.durable) { (connection) throws(StorageError) in
            var rows = try ArchiveRows(connection, knowing: numbers)
            for index in messages.indices { try rows.append(messages[index]) }
            return try rows.finish()
        }
    }

    /// Makes the rows by which messages are found, for `limit` messages or a few more; for none if fewer than `atLeast` lack them.
    /// Returns how many messages lack them afterwards.
    @discardableResult
    public nonisolated(nonsending) func index(atLeast: Int = 1, limit: Int = 8192) async throws(StorageError) -> Int {
        try await database.write { (connection) throws(StorageError) in
            try ArchiveIndex.extend(atLeast: Int64(atLeast), limit: Int64(limit), connection)
        }
    }

    // MARK: Reading

    /// Up to `limit` messages: the first ones that are selected, or the last ones if `isBackward`.
    public nonisolated(nonsending) func page(
        _ owner: UserKey, _ selection: ArchiveSelection, isBackward: Bool = false, limit: Int
    ) async throws(StorageError) -> ArchivePage {
        try await database.read { (connection) throws(StorageError) in
            guard let lookup = try ArchiveLookup(owner, selection, connection) else { return ArchivePage() }
            return try lookup.page(isBackward: isBackward, limit: limit)
        }
    }

    /// The same of those whose stanza fulfils a condition, which the reading thread asks for each that is otherwise selected.
    /// Others are read between portions. After `most` stanzas the page ends with what was found.
    public nonisolated(nonsending) func page(
        _ owner: UserKey, _ selection: ArchiveSelection, isBackward: Bool = false, limit: Int, most: Int = 100_000,
        where condition: @escaping @Sendable (_ stanza: [UInt8]) -> Bool
    ) async throws(StorageError) -> ArchivePage {
        let portion = 250
        var rest = selection
        var found: [ArchivePage.Message] = []
        var examined = 0
        while true {
            let part = try await page(owner, rest, isBackward: isBackward, limit: portion)
            examined += part.messages.count
            let matching = part.messages.filter { condition($0.stanza) }
            found = isBackward ? matching + found : found + matching
            if found.count > limit {
                found = isBackward ? Array(found.suffix(limit)) : Array(found.prefix(limit))
                return ArchivePage(messages: found, isComplete: false, end: isBackward ? found.first?.id : found.last?.id)
            }
            guard !part.isComplete, let end = part.end else { return ArchivePage(messages: found) }
            if examined >= most { return ArchivePage(messages: found, isComplete: false, end: end) }
            if isBackward { rest.before = end } else { rest.after = end }
        }
    }

    /// How many messages are selected; nil if more than `limit`.
    public nonisolated(nonsending) func count(
        _ owner: UserKey, _ selection: ArchiveSelection, limit: Int
    ) async throws(StorageError) -> Int? {
        try await database.read { (connection) throws(StorageError) in
            guard let lookup = try ArchiveLookup(owner, selection, connection) else { return 0 }
            let count = try lookup.count(limit: limit)
            return count > limit ? nil : count
        }
    }

    /// The first `limit` messages that are selected: how many there are, and the id of the last of them, 0 if there is none.
    public nonisolated(nonsending) func first(
        _ limit: Int, _ owner: UserKey, _ selection: ArchiveSelection
    ) async throws(StorageError) -> (count: Int, last: Int64) {
        try await database.read { (connection) throws(StorageError) in
            guard let lookup = try ArchiveLookup(owner, selection, connection) else { return (0, 0) }
            let entries = try lookup.entries(isBackward: false, limit: limit)
            return (entries.count, entries.last?.id ?? 0)
        }
    }

    /// The messages with these ids, in the archive's order; those that it does not have are missing.
    public nonisolated(nonsending) func messages(
        _ owner: UserKey, ids: [Int64]
    ) async throws(StorageError) -> [ArchivePage.Message] {
        try await database.read { (connection) throws(StorageError) in
            guard let lookup = try ArchiveLookup(owner, ArchiveSelection(), connection) else { return [] }
            var found: [ArchivePage.Message] = []
            for id in Set(ids).sorted() {
                if let message = try lookup.message(id) { found.append(message) }
            }
            return found
        }
    }

    /// The ids of the first and the last message; nil for an empty archive.
    public nonisolated(nonsending) func bounds(_ owner: UserKey) async throws(StorageError) -> (first: Int64, last: Int64)? {
        try await database.read { (connection) throws(StorageError) in
            guard let lookup = try ArchiveLookup(owner, ArchiveSelection(), connection),
                let first = try lookup.entries(isBackward: false, limit: 1).first,
                let last = try lookup.entries(isBackward: true, limit: 1).first
            else { return nil }
            return (first.id, last.id)
        }
    }

    // MARK: Removal

    /// Removes about `limit` messages of archives whose owners are gone; false when there are none left.
    public nonisolated(nonsending) func collectGarbage(limit: Int = 500) async throws(StorageError) -> Bool {
        try await database.write { (connection) throws(StorageError) in
            try ArchiveRows.collectGarbage(limit: limit, connection)
        }
    }

    /// Notes the archive of a user whose rows are about to be removed, which is how it is found: `collectGarbage` removes it.
    static func part(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) {
        let now = now()
        try connection.execute("DELETE FROM archive_removal WHERE removed < ?", .integer(now - longestWay))
        let count = try connection.execute(
            "INSERT INTO archive_garbage (archive) SELECT archive FROM archive_owner WHERE domain = ? AND username = ?",
            key.domainValue, key.userValue)
        guard count > 0 else { return }
        try connection.execute(
            """
            INSERT INTO archive_removal (owner_domain, owner_user, removed) VALUES (?, ?, ?)
            ON CONFLICT (owner_domain, owner_user) DO UPDATE SET removed = excluded.removed
            """, key.domainValue, key.userValue, .integer(now))
        try connection.execute("UPDATE archive_state SET epoch = epoch + 1")
    }

    /// The id of a message that would be sent now.
    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000) << idShift
    }
}
