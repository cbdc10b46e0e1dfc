/// Finds the messages of one archive, within one transaction: those that are indexed, and those at the end that are not yet.
struct ArchiveLookup {
    private static let periodsAtOnce = 64
    private static let blocksAtOnce: Int64 = 64
    /// Entries whose stanzas one snapshot of a search reads at most.
    private static let searchedAtOnce = 256

    private let connection: any SQLConnection
    private let archive: Int64
    private let peer: Int64?
    private let selection: ArchiveSelection
    private let indexed: Int64

    init(archive: Int64, peer: Int64?, _ selection: ArchiveSelection, _ connection: any SQLConnection, indexed: Int64) {
        self.archive = archive
        self.peer = peer
        self.selection = selection
        self.connection = connection
        self.indexed = indexed
    }

    /// Nil where nothing can be found.
    init?(_ owner: UserKey, _ selection: ArchiveSelection, _ connection: any SQLConnection) throws(StorageError) {
        guard !selection.isEmpty, let archive = try Self.archive(owner, connection) else { return nil }
        var peer: Int64?
        if let key = selection.peer {
            peer = try Self.peer(key, connection)
            if peer == nil { return nil }
        }
        self.init(
            archive: archive, peer: peer, selection, connection, indexed: try ArchiveRows.state(connection).indexed)
    }

    static func archive(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> Int64? {
        try connection.first(
            "SELECT archive FROM archive_owner WHERE domain = ? AND username = ?", key.domainValue, key.userValue
        ) { (row) throws(StorageError) in try row.integer(0) }
    }

    static func peer(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> Int64? {
        try connection.first(
            "SELECT peer FROM archive_peer WHERE peer_domain = ? AND peer_user = ?", key.domainValue, key.userValue
        ) { (row) throws(StorageError) in try row.integer(0) }
    }

    // MARK: Answers

    /// What one snapshot may cost.
    struct Bounds {
        /// Messages and bytes of their stanzas that are answered; one stanza is answered whatever its size.
        var messages: Int
        var bytes = Int.max
        /// Entries that are looked at.
        var entries = Int.max
        /// Bytes of chunks that are read, but for the last one.
        var readBytes = Int.max
    }

    /// A page, and what it cost.
    struct Part {
        var page = ArchivePage()
        var entries = 0
        var readBytes = 0
    }

    /// Entries in the direction of the reading: the last one first if it is backward.
    struct Found {
        var entries: [ArchiveEntry] = []
        /// Up to here all was looked at; nil: to the end.
        var end: Int64?
        /// Entries that were looked at.
        var examined = 0
    }

    func page(
        isBackward: Bool, _ bounds: Bounds, where condition: (([UInt8]) -> Bool)? = nil
    ) throws(StorageError) -> Part {
        let wanted = condition == nil ? bounds.messages + 1 : max(bounds.messages, Self.searchedAtOnce)
        let found = try entries(isBackward: isBackward, limit: wanted, examining: bounds.entries)
        var (part, size, last) = (Part(), 0, Int64(0))
        part.entries = found.examined
        (part.page.isComplete, part.page.end) = (found.end == nil, found.end)
        // Neighbours often lie in the same chunk.
        var (number, chunk): (Int64, ArchiveChunk?) = (0, nil)
        for entry in found.entries {
            if part.page.messages.count >= bounds.messages || size >= bounds.bytes || part.readBytes >= bounds.readBytes {
                (part.page.isComplete, part.page.end) = (false, last)
                break
            }
            if number != ArchivePlace.chunk(entry.place) {
                number = ArchivePlace.chunk(entry.place)
                chunk = try ArchiveRows.chunk(number, connection)
                part.readBytes += chunk?.stanzas.count ?? 0
            }
            last = entry.id
            guard let stanza = chunk?.stanza(ArchivePlace.index(entry.place)), condition?(stanza) ?? true else { continue }
            part.page.messages.append(ArchivePage.Message(id: entry.id, stanza: stanza))
            size += stanza.count
        }
        if isBackward { part.page.messages.reverse() }
        return part
    }

    /// Up to `limit` entries, of `most` that are looked at.
    func entries(isBackward: Bool, limit: Int, examining most: Int = .max) throws(StorageError) -> Found {
        var found = Found()
        try walk(isBackward) { entry in
            found.examined += 1
            if isSelected(entry) { found.entries.append(entry) }
            guard found.entries.count >= limit || found.examined >= most else { return true }
            found.end = entry.id
            return false
        }
        if let end = found.end, (isBackward ? selection.before : end) < (try oldestUnindexed()) { return found }
        let new = try unindexedEntries().filter { entry in
            found.end.map { isBackward ? entry.id > $0 : entry.id < $0 } ?? true
        }
        if new.isEmpty { return found }
        found.examined += new.count
        let all = (found.entries + new).sorted { isBackward ? $0.id > $1.id : $0.id < $1.id }
        found.entries = Array(all.prefix(limit))
        if all.count > limit { found.end = found.entries.last?.id }
        return found
    }

    /// How many messages are selected among the first `most`, and up to where that was looked at; at most one more than `limit`.
    func count(limit: Int, examining most: Int) throws(StorageError) -> (count: Int, end: Int64?, examined: Int) {
        var (count, examined) = (0, 0)
        var end: Int64?
        try walk(false) { entry in
            examined += 1
            if isSelected(entry) { count += 1 }
            guard count > limit || examined >= most else { return true }
            end = entry.id
            return false
        }
        if count > limit { return (limit + 1, end, examined) }
        let new = try unindexedEntries().count { entry in end.map { entry.id < $0 } ?? true }
        return (min(count + new, limit + 1), end, examined + new)
    }

    /// Those of these ids that the archive has, in its order.
    func existing(_ ids: Set<Int64>) throws(StorageError) -> [Int64] {
        guard let least = ids.min(), let greatest = ids.max() else { return [] }
        let range = narrowed(after: least - 1, before: greatest == .max ? .max : greatest + 1)
        var found = Set(try range.unindexedEntries().map(\.id)).intersection(ids)
        for id in ids.subtracting(found) {
            let blocks = try blocks("first <= ? ORDER BY first DESC", .integer(id), limit: 1)
            if blocks.contains(where: { $0.entries.contains { $0.id == id && isSelected($0) } }) { found.insert(id) }
        }
        return found.sorted()
    }

    func message(_ id: Int64) throws(StorageError) -> ArchivePage.Message? {
        let lookup = narrowed(after: id - 1, before: id == .max ? id : id + 1)
        return try lookup.page(isBackward: false, Bounds(messages: 1)).page.messages.first
    }

    private func narrowed(after: Int64, before: Int64) -> ArchiveLookup {
        var narrow = selection
        (narrow.after, narrow.before) = (max(after, selection.after), min(before, selection.before))
        return ArchiveLookup(archive: archive, peer: peer, narrow, connection, indexed: indexed)
    }

    private func isSelected(_ entry: ArchiveEntry) -> Bool {
        (peer == nil || entry.peer == peer) && !(selection.withoutGroupchat && entry.isGroupchat)
    }

    // MARK: Indexed messages

    /// Hands those between the bounds to `take` in order, selected or not, until that answers false.
    private func walk(_ isBackward: Bool, _ take: (ArchiveEntry) -> Bool) throws(StorageError) {
        guard let peer else {
            _ = try walk(selection.after, selection.before, isBackward, take)
            return
        }
        var (low, high) = (selection.after >> ArchiveRepository.periodShift, selection.before >> ArchiveRepository.periodShift)
        while low <= high {
            let periods = try connection.all(
                """
                SELECT period FROM archive_contact WHERE archive = ? AND peer = ? AND period >= ? AND period <= ?
                ORDER BY period \(isBackward ? "DESC" : "ASC") LIMIT \(Self.periodsAtOnce)
                """, .integer(archive), .integer(peer), .integer(low), .integer(high)
            ) { (row) throws(StorageError) in try row.integer(0) }
            for range in Self.ranges(isBackward ? periods.reversed() : periods, isBackward) {
                let after = max(selection.after, range.lowerBound << ArchiveRepository.periodShift - 1)
                let end = (range.upperBound + 1).multipliedReportingOverflow(by: 1 << ArchiveRepository.periodShift)
                let before = min(selection.before, end.overflow ? .max : end.partialValue)
                guard try walk(after, before, isBackward, take) else { return }
            }
            guard periods.count == Self.periodsAtOnce, let last = periods.last else { return }
            if isBackward { high = last - 1 } else { low = last + 1 }
        }
    }

    /// Periods without a gap between them become one range.
    private static func ranges(_ periods: [Int64], _ isBackward: Bool) -> [ClosedRange<Int64>] {
        var ranges: [ClosedRange<Int64>] = []
        for period in periods {
            if let last = ranges.last, last.upperBound + 1 == period {
                ranges[ranges.count - 1] = last.lowerBound...period
            } else {
                ranges.append(period...period)
            }
        }
        return isBackward ? ranges.reversed() : ranges
    }

    /// The same between two ids. False when `take` wants no more.
    private func walk(
        _ after: Int64, _ before: Int64, _ isBackward: Bool, _ take: (ArchiveEntry) -> Bool
    ) throws(StorageError) -> Bool {
        // The block that begins before the range reaches into it, perhaps.
        var blocks = isBackward ? [] : try blocks("first <= ? ORDER BY first DESC", .integer(after), limit: 1)
        var position = isBackward ? before : after
        var portion: Int64 = 2
        while true {
            for block in blocks {
                for entry in isBackward ? block.entries.reversed() : block.entries
                where entry.id > after && entry.id < before {
                    guard take(entry) else { return false }
                }
                if isBackward ? block.first <= after : block.last >= before - 1 { return true }
                position = isBackward ? block.first : max(position, block.first)
            }
            blocks =
                isBackward
                ? try self.blocks("first < ? ORDER BY first DESC", .integer(position), limit: portion)
                : try self.blocks("first > ? ORDER BY first", .integer(position), limit: portion)
            if blocks.isEmpty { return true }
            portion = min(2 * portion, Self.blocksAtOnce)
        }
    }

    private func blocks(_ condition: String, _ position: SQLValue, limit: Int64) throws(StorageError) -> [ArchiveBlock] {
        try connection.all(
            "SELECT first, entries FROM archive_block WHERE archive = ? AND \(condition) LIMIT ?",
            .integer(archive), position, .integer(limit)
        ) { (row) throws(StorageError) in try ArchiveBlock(first: try row.integer(0), packed: try row.bytes(1)) }
    }

    // MARK: Messages that are not indexed yet

    private func unindexedEntries() throws(StorageError) -> [ArchiveEntry] {
        var entries: [ArchiveEntry] = []
        try connection.run("SELECT chunk, facts FROM archive_chunk WHERE chunk > ?", [.integer(indexed)]) {
            (row) throws(StorageError) in
            let chunk = try row.integer(0)
            for (index, fact) in try ArchiveChunk.facts(try row.bytes(1)).enumerated()
            where fact.id > selection.after && fact.id < selection.before {
                guard let side = fact.side(archive, with: peer) else { continue }
                let entry = ArchiveEntry(
                    id: fact.id, place: ArchivePlace.of(index, in: chunk), peer: side.peer, isGroupchat: fact.isGroupchat)
                if isSelected(entry) { entries.append(entry) }
            }
        }
        return entries
    }

    /// No message that is not indexed has a smaller id.
    private func oldestUnindexed() throws(StorageError) -> Int64 {
        let last = try connection.first("SELECT facts FROM archive_chunk WHERE chunk = ?", .integer(indexed)) {
            (row) throws(StorageError) in try ArchiveChunk.facts(try row.bytes(0)).last?.id
        }
        return ((last ?? nil) ?? 0) - ArchiveRepository.longestWay
    }
}
