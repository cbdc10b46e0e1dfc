/// Finds the messages of one archive, within one transaction: those that are indexed, and those at the end that are not yet.
struct ArchiveLookup {
    struct Entry: Equatable {
        let id: Int64
        let sequence: Int64
    }

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
        for entry in entries {
            guard let stanza = try stanza(entry.sequence) else { continue }
            page.messages.append(ArchivePage.Message(id: entry.id, stanza: stanza))
        }
        return page
    }

    /// In the order of the reading: the last one first if `isBackward`.
    func entries(isBackward: Bool, limit: Int) throws(StorageError) -> [Entry] {
        let old = try indexedEntries(isBackward, limit)
        if old.count == limit, let end = isBackward ? selection.before : old.last?.id, end < (try oldestUnindexed()) { return old }
        let new = try unindexedEntries(isBackward, limit)
        if new.isEmpty { return old }
        let all = (old + new).sorted { isBackward ? $0.id > $1.id : $0.id < $1.id }
        return Array(all.prefix(limit))
    }

    /// At most one more than `limit`.
    func count(limit: Int) throws(StorageError) -> Int {
        let (source, parameters) = indexedRows()
        let old = try connection.oneNumber(
            "SELECT COUNT(*) FROM (SELECT 1 AS one \(source) LIMIT ?) AS counted", parameters + [.integer(Int64(limit) + 1)])
        let (tail, tailParameters) = unindexedRows()
        let new = try connection.oneNumber("SELECT COUNT(*) \(tail)", tailParameters)
        return Int(old + new)
    }

    func message(_ id: Int64) throws(StorageError) -> ArchivePage.Message? {
        var one = selection
        one.after = id - 1
        one.before = id + 1
        let lookup = ArchiveLookup(archive: archive, peer: peer, one, connection, indexed: indexed)
        guard let entry = try lookup.entries(isBackward: false, limit: 1).first, let stanza = try stanza(entry.sequence) else {
            return nil
        }
        return ArchivePage.Message(id: id, stanza: stanza)
    }

    func stanza(_ sequence: Int64) throws(StorageError) -> [UInt8]? {
        try connection.first("SELECT stanza FROM archive_message WHERE sequence = ?", .integer(sequence)) {
            (row) throws(StorageError) in try row.bytes(0)
        }
    }

    // MARK: Rows

    private func indexedEntries(_ isBackward: Bool, _ limit: Int) throws(StorageError) -> [Entry] {
        let direction = isBackward ? "DESC" : "ASC"
        let order = peer == nil ? "ORDER BY e.id \(direction)" : "ORDER BY c.period \(direction), e.id \(direction)"
        let (source, parameters) = indexedRows()
        return try entries("SELECT e.id, e.sequence \(source) \(order) LIMIT ?", parameters + [.integer(Int64(limit))])
    }

    private func indexedRows() -> (sql: String, parameters: [SQLValue]) {
        let shift = ArchiveRepository.periodShift
        let groupchat = selection.withoutGroupchat ? " AND e.groupchat = 0" : ""
        let range: [SQLValue] = [.integer(selection.after), .integer(selection.before)]
        guard let peer else {
            return ("FROM archive_entry e WHERE e.archive = ? AND e.id > ? AND e.id < ?\(groupchat)", [.integer(archive)] + range)
        }
        // The periods are walked through in order, in each the messages: nothing is sorted.
        return (
            """
            FROM archive_contact c CROSS JOIN archive_entry e
            WHERE c.archive = ? AND c.peer = ? AND c.period >= ? AND c.period <= ?
            AND e.archive = c.archive AND e.id >= c.period << \(shift) AND e.id < (c.period + 1) << \(shift)
            AND e.peer = c.peer AND e.id > ? AND e.id < ?\(groupchat)
            """,
            [
                .integer(archive), .integer(peer), .integer(selection.after >> shift), .integer(selection.before >> shift),
            ] + range
        )
    }

    private func unindexedEntries(_ isBackward: Bool, _ limit: Int) throws(StorageError) -> [Entry] {
        let (source, parameters) = unindexedRows()
        return try entries(
            "SELECT id, sequence \(source) ORDER BY id \(isBackward ? "DESC" : "ASC") LIMIT ?",
            parameters + [.integer(Int64(limit))])
    }

    private func unindexedRows() -> (sql: String, parameters: [SQLValue]) {
        let groupchat = selection.withoutGroupchat ? " AND groupchat = 0" : ""
        let end: [SQLValue] = [.integer(selection.after), .integer(selection.before)]
        let sides = ["sender", "recipient"].map { side in
            peer == nil ? "\(side) = ?" : "(\(side) = ? AND \(side)_peer = ?)"
        }.joined(separator: " OR ")
        let side: [SQLValue] = [.integer(archive)] + (peer.map { [.integer($0)] } ?? [])
        return (
            "FROM archive_message WHERE sequence > ? AND (\(sides)) AND id > ? AND id < ?\(groupchat)",
            [.integer(indexed)] + side + side + end
        )
    }

    /// No message that is not indexed has a smaller id.
    private func oldestUnindexed() throws(StorageError) -> Int64 {
        let last = try connection.first("SELECT id FROM archive_message WHERE sequence = ?", .integer(indexed)) {
            (row) throws(StorageError) in try row.integer(0)
        }
        return (last ?? 0) - ArchiveRepository.longestWay
    }

    private func entries(_ sql: String, _ parameters: [SQLValue]) throws(StorageError) -> [Entry] {
        var entries: [Entry] = []
        try connection.run(sql, parameters) { (row) throws(StorageError) in
            entries.append(Entry(id: try row.integer(0), sequence: try row.integer(1)))
        }
        return entries
    }
}

extension SQLConnection {
    /// The number in the one row of an answer.
    fileprivate func oneNumber(_ sql: String, _ parameters: [SQLValue]) throws(StorageError) -> Int64 {
        var number: Int64 = 0
        try run(sql, parameters) { (row) throws(StorageError) in number = try row.integer(0) }
        return number
    }
}
