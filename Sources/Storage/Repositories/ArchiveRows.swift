/// What is written of the archive, within one transaction.
struct ArchiveRows {
    /// Earlier messages of a conversation that are looked at for the one that is retracted.
    private static let retractable = 1000
    /// Bytes of chunks that are read for it: what a sender retracts beyond them keeps its place.
    private static let retractableBytes = 1 << 20

    private let connection: any SQLConnection
    private let known: ArchiveNumbers
    private let isKnownValid: Bool
    private var found = ArchiveNumbers()
    private var nextArchive: Int64
    private var nextPeer: Int64
    private var nextChunk: Int64
    private let indexed: Int64
    private var unindexed: Int64
    /// What has not become a row yet.
    private var chunk = ArchiveChunk()

    init(_ connection: any SQLConnection, knowing numbers: ArchiveNumbers) throws(StorageError) {
        self.connection = connection
        known = numbers
        let state = try Self.state(connection)
        (nextArchive, nextPeer, nextChunk) = (state.nextArchive, state.nextPeer, state.nextChunk)
        (indexed, unindexed) = (state.indexed, state.unindexed)
        isKnownValid = numbers.epoch == state.epoch
        found.epoch = state.epoch
        found.removals = isKnownValid ? known.removals : try Self.removals(connection)
    }

    mutating func append(_ message: ArchivedMessage) throws(StorageError) {
        let (from, to) = (isKnownValid ? known.users[message.from] : nil, isKnownValid ? known.users[message.to] : nil)
        var (sender, recipient): (ArchiveChunk.Side?, ArchiveChunk.Side?)
        if message.isSenders, !isRemoved(message.from, message.id) {
            sender = .init(archive: try archive(message.from, from), peer: try peer(message.to, to))
        }
        if message.isRecipients, !isRemoved(message.to, message.id) {
            recipient = .init(archive: try archive(message.to, to), peer: try peer(message.from, from))
        }
        if sender == nil, recipient == nil { return }
        // Whoever reads a small message does not read a large one with it.
        if !chunk.hasRoom(for: message.stanza) { try flush() }
        chunk.add(message.id, sender, recipient, isGroupchat: message.isGroupchat, message.stanza)
        unindexed += 1
        if chunk.isFull { try flush() }
        guard let retraction = message.retraction else { return }
        try flush()
        if let sender { try retract(retraction, before: message.id, sender.archive, sender.peer) }
        if let recipient { try retract(retraction, before: message.id, recipient.archive, recipient.peer) }
    }

    mutating func finish() throws(StorageError) -> ArchiveRepository.Receipt {
        try flush()
        try connection.execute(
            "UPDATE archive_state SET next_archive = ?, next_peer = ?, next_chunk = ?, unindexed = ?",
            .integer(nextArchive), .integer(nextPeer), .integer(nextChunk), .integer(unindexed))
        return ArchiveRepository.Receipt(found: found, unindexed: Int(unindexed))
    }

    private mutating func flush() throws(StorageError) {
        guard !chunk.facts.isEmpty else { return }
        try connection.execute(
            "INSERT INTO archive_chunk (chunk, facts, stanzas) VALUES (?, ?, ?)",
            .integer(nextChunk), .bytes(chunk.packedFacts), .bytes(chunk.stanzas))
        nextChunk += 1
        chunk.removeAll()
    }

    // MARK: Numbers

    /// Whether the user was removed after the message was sent.
    private func isRemoved(_ user: UserKey, _ id: Int64) -> Bool {
        guard !found.removals.isEmpty, let removed = found.removals[user] else { return false }
        return id <= removed
    }

    private static func removals(_ connection: any SQLConnection) throws(StorageError) -> [UserKey: Int64] {
        var removals: [UserKey: Int64] = [:]
        try connection.run("SELECT owner_domain, owner_user, removed FROM archive_removal", []) { (row) throws(StorageError) in
            removals[UserKey(user: try row.text(1), domain: try row.text(0))] = try row.integer(2)
        }
        return removals
    }

    private mutating func archive(_ key: UserKey, _ known: ArchiveNumbers.Numbers?) throws(StorageError) -> Int64 {
        if let number = known?.archive, number != 0 { return number }
        if let number = found.users[key]?.archive, number != 0 { return number }
        let number: Int64
        if let kept = try ArchiveLookup.archive(key, connection) {
            number = kept
        } else {
            number = nextArchive
            nextArchive += 1
            try connection.execute(
                "INSERT INTO archive_owner (domain, username, archive) VALUES (?, ?, ?)",
                key.domainValue, key.userValue, .integer(number))
        }
        found.users[key, default: known ?? .init()].archive = number
        return number
    }

    private mutating func peer(_ key: UserKey, _ known: ArchiveNumbers.Numbers?) throws(StorageError) -> Int64 {
        if let number = known?.peer, number != 0 { return number }
        if let number = found.users[key]?.peer, number != 0 { return number }
        let number: Int64
        if let kept = try ArchiveLookup.peer(key, connection) {
            number = kept
        } else {
            number = nextPeer
            nextPeer += 1
            try connection.execute(
                "INSERT INTO archive_peer (peer_domain, peer_user, peer) VALUES (?, ?, ?)",
                key.domainValue, key.userValue, .integer(number))
        }
        found.users[key, default: known ?? .init()].peer = number
        return number
    }

    // MARK: Retraction

    /// Puts a tombstone in the place of the message that is meant, if it is among the last of the conversation.
    private func retract(
        _ retraction: ArchivedMessage.Retraction, before id: Int64, _ archive: Int64, _ peer: Int64
    ) throws(StorageError) {
        var selection = ArchiveSelection()
        selection.before = id
        let lookup = ArchiveLookup(archive: archive, peer: peer, selection, connection, indexed: indexed)
        let found = try lookup.entries(isBackward: true, limit: Self.retractable, examining: 16 * Self.retractable)
        var (number, kept, readBytes): (Int64, ArchiveChunk?, Int) = (0, nil, 0)
        for entry in found.entries {
            if number != ArchivePlace.chunk(entry.place) {
                guard readBytes < Self.retractableBytes else { return }
                number = ArchivePlace.chunk(entry.place)
                kept = try Self.chunk(number, connection)
                readBytes += kept?.stanzas.count ?? 0
            }
            guard var chunk = kept,
                let tombstone = chunk.stanza(ArchivePlace.index(entry.place)).flatMap({ retraction.tombstone($0, entry.id) })
            else { continue }
            chunk.replace(ArchivePlace.index(entry.place), by: tombstone)
            return try Self.update(number, chunk, connection)
        }
    }

    // MARK: Chunks

    static func chunk(_ number: Int64, _ connection: any SQLConnection) throws(StorageError) -> ArchiveChunk? {
        try connection.first("SELECT facts, stanzas FROM archive_chunk WHERE chunk = ?", .integer(number)) {
            (row) throws(StorageError) in try ArchiveChunk(facts: try row.bytes(0), stanzas: try row.bytes(1))
        }
    }

    private static func update(_ number: Int64, _ chunk: ArchiveChunk, _ connection: any SQLConnection) throws(StorageError) {
        try connection.execute(
            "UPDATE archive_chunk SET facts = ?, stanzas = ? WHERE chunk = ?",
            .bytes(chunk.packedFacts), .bytes(chunk.stanzas), .integer(number))
    }

    // MARK: Garbage

    static func collectGarbage(limit: Int, _ connection: any SQLConnection) throws(StorageError) -> Bool {
        let archive = try connection.first("SELECT archive FROM archive_garbage ORDER BY archive LIMIT 1") {
            (row) throws(StorageError) in try row.integer(0)
        }
        guard let archive else { return false }
        while try ArchiveIndex.extend(atLeast: 1, limit: 8192, connection) > 0 {}
        let blocks = try connection.all(
            "SELECT first, entries FROM archive_block WHERE archive = ? ORDER BY first LIMIT ?",
            .integer(archive), .integer(Int64(max(1, limit / 64)))
        ) { (row) throws(StorageError) in try ArchiveBlock(first: try row.integer(0), packed: try row.bytes(1)) }
        guard let last = blocks.last else {
            try connection.execute("DELETE FROM archive_contact WHERE archive = ?", .integer(archive))
            try connection.execute("DELETE FROM archive_garbage WHERE archive = ?", .integer(archive))
            return true
        }
        let places = Dictionary(grouping: blocks.flatMap(\.entries).map(\.place), by: ArchivePlace.chunk)
        for (number, places) in places.sorted(by: { $0.key < $1.key }) {
            guard var chunk = try chunk(number, connection) else { continue }
            for place in places { chunk.remove(ArchivePlace.index(place), from: archive) }
            if chunk.isDead {
                try connection.execute("DELETE FROM archive_chunk WHERE chunk = ?", .integer(number))
            } else {
                try update(number, chunk, connection)
            }
        }
        try connection.execute(
            "DELETE FROM archive_block WHERE archive = ? AND first <= ?", .integer(archive), .integer(last.first))
        return true
    }

    // MARK: State

    struct State {
        /// `indexed` is the last chunk that is indexed, `unindexed` the number of messages behind it.
        let epoch, nextArchive, nextPeer, nextChunk, indexed, unindexed: Int64
    }

    static func state(_ connection: any SQLConnection) throws(StorageError) -> State {
        let state = try connection.first(
            "SELECT epoch, next_archive, next_peer, next_chunk, indexed, unindexed FROM archive_state"
        ) { (row) throws(StorageError) in
            State(
                epoch: try row.integer(0), nextArchive: try row.integer(1), nextPeer: try row.integer(2),
                nextChunk: try row.integer(3), indexed: try row.integer(4), unindexed: try row.integer(5))
        }
        guard let state else { throw .corrupt("archive_state is empty") }
        return state
    }
}
