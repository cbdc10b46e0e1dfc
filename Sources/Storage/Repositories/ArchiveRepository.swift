import Glibc

/// The messages of users (XEP-0313), each in the archives of both sides.
public struct ArchiveRepository: Sendable {
    private let database: any SQLDatabase

    /// What a query may cost that names no budget of its own.
    private let budget: ArchiveBudget

    public init(_ database: any SQLDatabase, budget: ArchiveBudget = ArchiveBudget()) {
        self.database = database
        self.budget = budget
    }

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
    ///
    /// The page ends earlier when it has `budget.pageBytes`, and when it has cost as much as it may; then it goes on behind `end`.
    /// With a condition, only messages whose stanza fulfils it are found. That is asked on the thread for scans, never on the caller's.
    public nonisolated(nonsending) func page(
        _ owner: UserKey, _ selection: ArchiveSelection, isBackward: Bool = false, limit: Int, budget: ArchiveBudget? = nil,
        where condition: (@Sendable (_ stanza: [UInt8]) -> Bool)? = nil
    ) async throws(StorageError) -> ArchivePage {
        let budget = budget ?? self.budget
        var cost = ArchiveCost(budget)
        var (rest, whole, size) = (selection, ArchivePage(), 0)
        // With a condition, one more than is wanted tells whether the page is the last one.
        let most = condition == nil ? limit : limit + 1
        while true {
            let bounds = cost.bounds(messages: most - whole.messages.count, bytes: budget.pageBytes - size)
            let part = try await part(owner, rest, isBackward, bounds, isScan: cost.hasBegun || condition != nil, condition)
            cost.add(part)
            size += part.page.messages.reduce(0) { $0 + $1.stanza.count }
            whole.messages = isBackward ? part.page.messages + whole.messages : whole.messages + part.page.messages
            (whole.isComplete, whole.end) = (part.page.isComplete, part.page.end)
            if whole.messages.count > limit {
                if isBackward { whole.messages.removeFirst() } else { whole.messages.removeLast() }
                (whole.isComplete, whole.end) = (false, isBackward ? whole.messages.first?.id : whole.messages.last?.id)
                return whole
            }
            guard !whole.isComplete, let end = whole.end else { return whole }
            if whole.messages.count == most || size >= budget.pageBytes || cost.isOver { return whole }
            if isBackward { rest.before = end } else { rest.after = end }
        }
    }

    private nonisolated(nonsending) func part(
        _ owner: UserKey, _ selection: ArchiveSelection, _ isBackward: Bool, _ bounds: ArchiveLookup.Bounds, isScan: Bool,
        _ condition: (@Sendable ([UInt8]) -> Bool)?
    ) async throws(StorageError) -> ArchiveLookup.Part {
        try await read(isScan: isScan) { (connection) throws(StorageError) in
            guard let lookup = try ArchiveLookup(owner, selection, connection) else { return ArchiveLookup.Part() }
            return try lookup.page(isBackward: isBackward, bounds, where: condition)
        }
    }

    private nonisolated(nonsending) func read<T: Sendable>(
        isScan: Bool, _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        isScan ? try await database.scan(work) : try await database.read(work)
    }

    /// How many messages are selected; nil if more than `limit`, or if it costs too much to find out.
    public nonisolated(nonsending) func count(
        _ owner: UserKey, _ selection: ArchiveSelection, limit: Int, budget: ArchiveBudget? = nil
    ) async throws(StorageError) -> Int? {
        let budget = budget ?? self.budget
        var cost = ArchiveCost(budget)
        var (rest, count) = (selection, 0)
        while true {
            let (left, selection, entries) = (limit - count, rest, cost.bounds(messages: 0, bytes: 0).entries)
            let part = try await read(isScan: cost.hasBegun) { (connection) throws(StorageError) in
                guard let lookup = try ArchiveLookup(owner, selection, connection) else {
                    return (count: 0, end: Int64?.none, examined: 0)
                }
                return try lookup.count(limit: left, examining: entries)
            }
            cost.add(entries: part.examined)
            count += part.count
            if count > limit { return nil }
            guard let end = part.end else { return count }
            if cost.isOver { return nil }
            rest.after = end
        }
    }

    /// The first `limit` messages that are selected: how many there are, and the id of the last of them, 0 if there is none.
    /// Nil if it costs too much to find out.
    public nonisolated(nonsending) func first(
        _ limit: Int, _ owner: UserKey, _ selection: ArchiveSelection, budget: ArchiveBudget? = nil
    ) async throws(StorageError) -> (count: Int, last: Int64)? {
        let budget = budget ?? self.budget
        var cost = ArchiveCost(budget)
        var (rest, count, last) = (selection, 0, Int64(0))
        while true {
            let (left, selection, entries) = (limit - count, rest, cost.bounds(messages: 0, bytes: 0).entries)
            let found = try await read(isScan: cost.hasBegun) { (connection) throws(StorageError) in
                guard let lookup = try ArchiveLookup(owner, selection, connection) else { return ArchiveLookup.Found() }
                return try lookup.entries(isBackward: false, limit: left, examining: entries)
            }
            cost.add(entries: found.examined)
            count += found.entries.count
            last = found.entries.last?.id ?? last
            guard count < limit, let end = found.end else { return (count, last) }
            if cost.isOver { return nil }
            rest.after = end
        }
    }

    /// The messages with these ids, in the archive's order; those that it does not have are missing. They are read in the order
    /// in which they are named, and not any more once there are so many bytes.
    public nonisolated(nonsending) func messages(
        _ owner: UserKey, ids: [Int64], bytes: Int = .max
    ) async throws(StorageError) -> [ArchivePage.Message] {
        try await read(isScan: ids.count > 1) { (connection) throws(StorageError) in
            guard let lookup = try ArchiveLookup(owner, ArchiveSelection(), connection) else { return [] }
            var found: [ArchivePage.Message] = []
            var size = 0
            for id in ids where size < bytes {
                guard let message = try lookup.message(id) else { continue }
                found.append(message)
                size += message.stanza.count
            }
            return found.sorted { $0.id < $1.id }
        }
    }

    /// Those of these ids that the archive has, in its order.
    public nonisolated(nonsending) func existing(_ owner: UserKey, ids: Set<Int64>) async throws(StorageError) -> [Int64] {
        try await read(isScan: ids.count > 8) { (connection) throws(StorageError) in
            try ArchiveLookup(owner, ArchiveSelection(), connection)?.existing(ids) ?? []
        }
    }

    /// The ids of the first and the last message; nil for an empty archive.
    public nonisolated(nonsending) func bounds(_ owner: UserKey) async throws(StorageError) -> (first: Int64, last: Int64)? {
        try await database.read { (connection) throws(StorageError) in
            guard let lookup = try ArchiveLookup(owner, ArchiveSelection(), connection),
                let first = try lookup.entries(isBackward: false, limit: 1).entries.first,
                let last = try lookup.entries(isBackward: true, limit: 1).entries.first
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
