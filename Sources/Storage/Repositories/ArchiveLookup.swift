/// Finds the messages of one archive, within one transaction: those that are indexed, and those at the end that are not yet.
struct ArchiveLookup {
    private static let periodsAtOnce = 64
    private static let blocksAtOnce: Int64 = 64

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

    func page(isBackward: Bool, limit: Int) throws(StorageError) -> ArchivePage {
        var entries = try entries(isBackward: isBackward, limit: limit + 1)
        var page = ArchivePage()
        if entries.count > limit {
            entries.removeLast()
            page.isComplete = false
            page.end = entries.last?.id
        }
        if isBackward { entries.reverse() }
        page.messages.reserveCapacity(entries.count)
        // Neighbours often lie in the same chunk.
        var (number, chunk): (Int64, ArchiveChunk?) = (0, nil)
        for entry in entries {
            if number != ArchivePlace.chunk(entry.place) {
                number = ArchivePlace.chunk(entry.place)
                chunk = try ArchiveRows.chunk(number, connection)
            }
            guard let stanza = chunk?.stanza(ArchivePlace.index(entry.place)) else { continue }
            page.messages.append(ArchivePage.Message(id: entry.id, stanza: stanza))
        }
        return page
    }

    /// In the order of the reading: the last one first if `isBackward`.
    func entries(isBackward: Bool, limit: Int) throws(StorageError) -> [ArchiveEntry] {
        var old: [ArchiveEntry] = []
        try walk(isBackward) { entry in
            old.append(entry)
            return old.count < limit
        }
        if old.count == limit, let end = isBackward ? selection.before : old.last?.id, end < (try oldestUnindexed()) { return old }
        let new = try unindexedEntries()
        if new.isEmpty { return old }
        let all = (old + new).sorted { isBackward ? $0.id > $1.id : $0.id < $1.id }
        return Array(all.prefix(limit))
    }

    /// At most one more than `limit`.
    func count(limit: Int) throws(StorageError) -> Int {
        var count = try unindexedEntries().count
        if count > limit { return limit + 1 }
        try walk(false) { _ in
            count += 1
            return count <= limit
        }
        return count
    }

    func message(_ id: Int64) throws(StorageError) -> ArchivePage.Message? {
        var one = selection
        one.after = id - 1
        one.before = id + 1
        let lookup = ArchiveLookup(archive: archive, peer: peer, one, connection, indexed: indexed)
        return try lookup.page(isBackward: false, limit: 1).messages.first
    }

    private func isSelected(_ entry: ArchiveEntry) -> Bool {
        (peer == nil || entry.peer == peer) && !(selection.withoutGroupchat && entry.isGroupchat)
    }

    // MARK: Indexed messages

    /// Hands them to `take` in order, until that answers false.
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
                where entry.id > after && entry.id < before && isSelected(entry) {
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
