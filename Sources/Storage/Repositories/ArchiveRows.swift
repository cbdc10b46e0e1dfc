/// What is written of the archive, within one transaction.
struct ArchiveRows {
    /// Earlier messages of a conversation that are looked at for the one that is retracted.
    private static let retractable = 1000

    private let connection: any SQLConnection
    private let known: ArchiveNumbers
    private let isKnownValid: Bool
    private var found = ArchiveNumbers()
    private var nextArchive: Int64
    private var nextPeer: Int64
    private var nextSequence: Int64
    private let indexed: Int64

    init(_ connection: any SQLConnection, knowing numbers: ArchiveNumbers) throws(StorageError) {
        self.connection = connection
        known = numbers
        let state = try Self.state(connection)
        (nextArchive, nextPeer, nextSequence, indexed) = (state.nextArchive, state.nextPeer, state.nextSequence, state.indexed)
        isKnownValid = numbers.epoch == state.epoch
        found.epoch = state.epoch
        found.removals = isKnownValid ? known.removals : try Self.removals(connection)
    }

    mutating func append(_ message: ArchivedMessage) throws(StorageError) {
        let sender = try numbers(message.sender, message.id)
        let recipient = try numbers(message.recipient, message.id)
        if sender == nil, recipient == nil { return }
        try connection.execute(
            """
            INSERT INTO archive_message (sequence, id, sender, sender_peer, recipient, recipient_peer, groupchat, stanza)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .integer(nextSequence), .integer(message.id), .integer(sender?.archive), .integer(sender?.peer),
            .integer(recipient?.archive), .integer(recipient?.peer), .flag(message.isGroupchat), .bytes(message.stanza))
        nextSequence += 1
        guard let retraction = message.retraction else { return }
        if let sender { try retract(retraction, before: message.id, sender.archive, sender.peer) }
        if let recipient { try retract(retraction, before: message.id, recipient.archive, recipient.peer) }
    }

    func finish() throws(StorageError) -> ArchiveRepository.Receipt {
        try connection.execute(
            "UPDATE archive_state SET next_archive = ?, next_peer = ?, next_sequence = ?",
            .integer(nextArchive), .integer(nextPeer), .integer(nextSequence))
        return ArchiveRepository.Receipt(found: found, unindexed: Int(nextSequence - 1 - indexed))
    }

    // MARK: Numbers

    /// Nil where there is no such side, or its user was removed after the message was sent.
    private mutating func numbers(
        _ side: ArchivedMessage.Side?, _ id: Int64
    ) throws(StorageError) -> (archive: Int64, peer: Int64)? {
        guard let side else { return nil }
        if !found.removals.isEmpty, let removed = found.removals[side.owner], id <= removed { return nil }
        return (try archive(side.owner), try peer(side.peer))
    }

    private static func removals(_ connection: any SQLConnection) throws(StorageError) -> [UserKey: Int64] {
        var removals: [UserKey: Int64] = [:]
        try connection.run("SELECT owner_domain, owner_user, removed FROM archive_removal", []) { (row) throws(StorageError) in
            removals[UserKey(user: try row.text(1), domain: try row.text(0))] = try row.integer(2)
        }
        return removals
    }

    private mutating func archive(_ key: UserKey) throws(StorageError) -> Int64 {
        if isKnownValid, let number = known.archives[key] { return number }
        if let number = found.archives[key] { return number }
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
        found.archives[key] = number
        return number
    }

    private mutating func peer(_ key: UserKey) throws(StorageError) -> Int64 {
        if isKnownValid, let number = known.peers[key] { return number }
        if let number = found.peers[key] { return number }
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
        found.peers[key] = number
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
        for entry in try lookup.entries(isBackward: true, limit: Self.retractable) {
            guard let stanza = try lookup.stanza(entry.sequence), let tombstone = retraction.tombstone(stanza) else { continue }
            try connection.execute(
                "UPDATE archive_message SET stanza = ? WHERE sequence = ?", .bytes(tombstone), .integer(entry.sequence))
            return
        }
    }

    // MARK: Index

    static func index(atLeast: Int64, limit: Int64, _ connection: any SQLConnection) throws(StorageError) -> Int {
        let state = try Self.state(connection)
        let last = state.nextSequence - 1
        guard last - state.indexed >= max(1, atLeast) else { return Int(last - state.indexed) }
        let end = min(last, state.indexed + limit)
        let range: [SQLValue] = [.integer(state.indexed), .integer(end)]
        let sides = { (columns: String) in
            """
            SELECT sender AS archive, sender_peer AS peer, \(columns) FROM archive_message
            WHERE sequence > ? AND sequence <= ? AND sender IS NOT NULL
            UNION ALL SELECT recipient, recipient_peer, \(columns) FROM archive_message
            WHERE sequence > ? AND sequence <= ? AND recipient IS NOT NULL
            """
        }
        try connection.run(
            """
            INSERT INTO archive_entry (archive, peer, id, sequence, groupchat)
            SELECT archive, peer, id, sequence, groupchat FROM (\(sides("id, sequence, groupchat"))) AS side WHERE true
            ORDER BY archive, id ON CONFLICT DO NOTHING
            """, range + range) { (_) throws(StorageError) in }
        try connection.run(
            """
            INSERT INTO archive_contact (archive, peer, period)
            SELECT DISTINCT archive, peer, id >> \(ArchiveRepository.periodShift) FROM (\(sides("id"))) AS side WHERE true
            ON CONFLICT DO NOTHING
            """, range + range) { (_) throws(StorageError) in }
        try connection.execute("UPDATE archive_state SET indexed = ?", .integer(end))
        return Int(last - end)
    }

    // MARK: Garbage

    static func collectGarbage(limit: Int64, _ connection: any SQLConnection) throws(StorageError) -> Bool {
        let archive = try connection.first("SELECT archive FROM archive_garbage ORDER BY archive LIMIT 1") {
            (row) throws(StorageError) in try row.integer(0)
        }
        guard let archive else { return false }
        while try index(atLeast: 1, limit: 8192, connection) > 0 {}
        let entries = try connection.all(
            "SELECT id, sequence FROM archive_entry WHERE archive = ? ORDER BY id LIMIT ?", .integer(archive), .integer(limit)
        ) { (row) throws(StorageError) in (id: try row.integer(0), sequence: try row.integer(1)) }
        for entry in entries {
            for side in ["sender", "recipient"] {
                try connection.execute(
                    "UPDATE archive_message SET \(side) = NULL WHERE sequence = ? AND \(side) = ?",
                    .integer(entry.sequence), .integer(archive))
            }
            try connection.execute(
                "DELETE FROM archive_message WHERE sequence = ? AND sender IS NULL AND recipient IS NULL", .integer(entry.sequence))
        }
        if let last = entries.last {
            try connection.execute(
                "DELETE FROM archive_entry WHERE archive = ? AND id <= ?", .integer(archive), .integer(last.id))
            return true
        }
        try connection.execute("DELETE FROM archive_contact WHERE archive = ?", .integer(archive))
        try connection.execute("DELETE FROM archive_garbage WHERE archive = ?", .integer(archive))
        return true
    }

    // MARK: State

    struct State {
        let epoch, nextArchive, nextPeer, nextSequence, indexed: Int64
    }

    static func state(_ connection: any SQLConnection) throws(StorageError) -> State {
        let state = try connection.first(
            "SELECT epoch, next_archive, next_peer, next_sequence, indexed FROM archive_state"
        ) { (row) throws(StorageError) in
            State(
                epoch: try row.integer(0), nextArchive: try row.integer(1), nextPeer: try row.integer(2),
                nextSequence: try row.integer(3), indexed: try row.integer(4))
        }
        guard let state else { throw .corrupt("archive_state is empty") }
        return state
    }
}
