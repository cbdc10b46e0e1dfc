/// Makes the rows by which messages are found, for many messages at once, in one transaction.
struct ArchiveIndex {
    /// Chunks that are read at once.
    private static let portion: Int64 = 128

    private struct Contact: Hashable {
        let archive, peer, period: Int64
    }

    private let connection: any SQLConnection
    private var entries: [Int64: [ArchiveEntry]] = [:]
    private var contacts: Set<Contact> = []

    private init(_ connection: any SQLConnection) { self.connection = connection }

    /// For the oldest messages that lack them, `limit` or a few more; for none if fewer than `atLeast` lack them. Returns how many
    /// lack them afterwards.
    static func extend(atLeast: Int64, limit: Int64, _ connection: any SQLConnection) throws(StorageError) -> Int {
        let state = try ArchiveRows.state(connection)
        guard state.unindexed >= max(1, atLeast) else { return Int(state.unindexed) }
        var index = ArchiveIndex(connection)
        let (end, count) = try index.gather(after: state.indexed, limit: limit)
        try index.write()
        let left = end.map { _ in max(0, state.unindexed - count) } ?? 0
        try connection.execute(
            "UPDATE archive_state SET indexed = ?, unindexed = ?", .integer(end ?? state.nextChunk - 1), .integer(left))
        return Int(left)
    }

    /// The last chunk that was read, nil if there is no other; and how many messages there were.
    private mutating func gather(after indexed: Int64, limit: Int64) throws(StorageError) -> (end: Int64?, count: Int64) {
        var (end, count) = (indexed, Int64(0))
        while count < limit {
            let chunks = try connection.all(
                "SELECT chunk, facts FROM archive_chunk WHERE chunk > ? ORDER BY chunk LIMIT ?", .integer(end),
                .integer(Self.portion)
            ) { (row) throws(StorageError) in (number: try row.integer(0), facts: try row.bytes(1)) }
            if chunks.isEmpty { return (nil, count) }
            for chunk in chunks where count < limit {
                let facts = try ArchiveChunk.facts(chunk.facts)
                for (index, fact) in facts.enumerated() { add(fact, ArchivePlace.of(index, in: chunk.number)) }
                count += Int64(facts.count)
                end = chunk.number
            }
        }
        return (end, count)
    }

    private mutating func add(_ fact: ArchiveChunk.Fact, _ place: Int64) {
        for side in [fact.sender, fact.recipient == fact.sender ? nil : fact.recipient] {
            guard let side else { continue }
            entries[side.archive, default: []].append(
                ArchiveEntry(id: fact.id, place: place, peer: side.peer, isGroupchat: fact.isGroupchat))
            contacts.insert(Contact(archive: side.archive, peer: side.peer, period: fact.id >> ArchiveRepository.periodShift))
        }
    }

    /// In the order of the keys, so that each page of the file is touched once.
    private func write() throws(StorageError) {
        for (archive, new) in entries.sorted(by: { $0.key < $1.key }) { try write(archive, new.sorted { $0.id < $1.id }) }
        for contact in contacts.sorted(by: { ($0.archive, $0.peer, $0.period) < ($1.archive, $1.peer, $1.period) }) {
            try connection.execute(
                "INSERT INTO archive_contact (archive, peer, period) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                .integer(contact.archive), .integer(contact.peer), .integer(contact.period))
        }
    }

    /// Puts entries behind those that are there. Blocks that have later ones are made anew, and so is the last one if it has room.
    private func write(_ archive: Int64, _ new: [ArchiveEntry]) throws(StorageError) {
        guard let start = new.first?.id else { return }
        var all = new
        var replaced: [Int64] = []
        var position = Int64.max
        while let block = try block(of: archive, before: position) {
            let overlaps = block.last >= start
            guard overlaps || replaced.isEmpty && !block.isFull else { break }
            all = Self.merged(block.entries, all)
            replaced.append(block.first)
            position = block.first
            if !overlaps { break }
        }
        let rows = ArchiveBlock.rows(all)
        for first in replaced where !rows.contains(where: { $0.first == first }) {
            try connection.execute(
                "DELETE FROM archive_block WHERE archive = ? AND first = ?", .integer(archive), .integer(first))
        }
        for row in rows {
            try connection.execute(
                """
                INSERT INTO archive_block (archive, first, entries) VALUES (?, ?, ?)
                ON CONFLICT (archive, first) DO UPDATE SET entries = excluded.entries
                """, .integer(archive), .integer(row.first), .bytes(row.packed))
        }
    }

    private func block(of archive: Int64, before position: Int64) throws(StorageError) -> ArchiveBlock? {
        try connection.first(
            "SELECT first, entries FROM archive_block WHERE archive = ? AND first < ? ORDER BY first DESC LIMIT 1",
            .integer(archive), .integer(position)
        ) { (row) throws(StorageError) in try ArchiveBlock(first: try row.integer(0), packed: try row.bytes(1)) }
    }

    /// Both are in order; of two with the same id the first one stays.
    private static func merged(_ old: [ArchiveEntry], _ new: [ArchiveEntry]) -> [ArchiveEntry] {
        var all: [ArchiveEntry] = []
        all.reserveCapacity(old.count + new.count)
        var (one, other) = (0, 0)
        while one < old.count, other < new.count {
            if old[one].id <= new[other].id {
                if old[one].id == new[other].id { other += 1 }
                all.append(old[one])
                one += 1
            } else {
                all.append(new[other])
                other += 1
            }
        }
        return all + old[one...] + new[other...]
    }
}
