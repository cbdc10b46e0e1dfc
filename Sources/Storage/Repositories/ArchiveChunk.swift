/// Messages that were committed together: a row of `archive_chunk`. One row for many costs a fraction of a row for each.
struct ArchiveChunk {
    struct Side: Equatable {
        let archive, peer: Int64
    }

    /// What is known of a message. One that no archive has any more keeps its place, with an empty stanza.
    struct Fact {
        let id: Int64
        var sender: Side?
        var recipient: Side?
        let isGroupchat: Bool
        /// Bytes of the stanza.
        var length: Int

        /// The side whose archive this is, if the message is there.
        func side(_ archive: Int64, with peer: Int64?) -> Side? {
            if let sender, sender.archive == archive, peer == nil || sender.peer == peer { return sender }
            if let recipient, recipient.archive == archive, peer == nil || recipient.peer == peer { return recipient }
            return nil
        }
    }

    /// A chunk of so many messages, or so many bytes, takes no more. The first is what `ArchivePlace` can tell apart.
    static let mostMessages = 64
    private static let fullBytes = 8192

    private(set) var facts: [Fact] = []
    private(set) var stanzas: [UInt8] = []

    init() {
        facts.reserveCapacity(Self.mostMessages)
        stanzas.reserveCapacity(Self.fullBytes + 2048)
    }

    /// Reads the columns of a row.
    init(facts packed: [UInt8], stanzas: [UInt8]) throws(StorageError) {
        facts = try Self.facts(packed)
        self.stanzas = stanzas
        guard facts.reduce(0, { $0 + $1.length }) == stanzas.count else {
            throw .corrupt("a chunk of the archive has another length")
        }
    }

    var isFull: Bool { facts.count >= Self.mostMessages || stanzas.count >= Self.fullBytes }

    /// Whether a stanza may be added to those that are there.
    func hasRoom(for stanza: [UInt8]) -> Bool { facts.isEmpty || stanzas.count + stanza.count <= Self.fullBytes + 2048 }

    /// Whether no archive has any of its messages.
    var isDead: Bool { facts.allSatisfy { $0.sender == nil && $0.recipient == nil } }

    mutating func add(
        _ id: Int64, _ sender: Side?, _ recipient: Side?, isGroupchat: Bool, _ stanza: [UInt8]
    ) {
        facts.append(Fact(id: id, sender: sender, recipient: recipient, isGroupchat: isGroupchat, length: stanza.count))
        stanzas += stanza
    }

    mutating func removeAll() {
        facts.removeAll(keepingCapacity: true)
        stanzas.removeAll(keepingCapacity: true)
    }

    // MARK: One message

    /// Nil where there is no such message.
    func stanza(_ index: Int) -> [UInt8]? {
        guard let range = range(index), !range.isEmpty else { return nil }
        return Array(stanzas[range])
    }

    mutating func replace(_ index: Int, by stanza: [UInt8]) {
        guard let range = range(index) else { return }
        stanzas.replaceSubrange(range, with: stanza)
        facts[index].length = stanza.count
    }

    /// Takes a message out of an archive.
    mutating func remove(_ index: Int, from archive: Int64) {
        guard facts.indices.contains(index) else { return }
        if facts[index].sender?.archive == archive { facts[index].sender = nil }
        if facts[index].recipient?.archive == archive { facts[index].recipient = nil }
        if facts[index].sender == nil, facts[index].recipient == nil { replace(index, by: []) }
    }

    private func range(_ index: Int) -> Range<Int>? {
        guard facts.indices.contains(index) else { return nil }
        let start = facts[..<index].reduce(0) { $0 + $1.length }
        return start..<start + facts[index].length
    }

    // MARK: Columns

    private static let isGroupchat: Int64 = 1
    private static let hasSender: Int64 = 2
    private static let hasRecipient: Int64 = 4

    var packedFacts: [UInt8] {
        var writer = NumberWriter(reserving: 24 * facts.count)
        var last: Int64 = 0
        for fact in facts {
            writer.add(from: last, to: fact.id)
            last = fact.id
            writer.add(
                Int64(fact.length) << 3 | (fact.isGroupchat ? Self.isGroupchat : 0)
                    | (fact.sender == nil ? 0 : Self.hasSender) | (fact.recipient == nil ? 0 : Self.hasRecipient))
            for side in [fact.sender, fact.recipient] {
                guard let side else { continue }
                writer.add(side.archive)
                writer.add(side.peer)
            }
        }
        return writer.bytes
    }

    static func facts(_ packed: [UInt8]) throws(StorageError) -> [Fact] {
        var reader = NumberReader(packed)
        var facts: [Fact] = []
        facts.reserveCapacity(mostMessages)
        var id: Int64 = 0
        while !reader.isAtEnd {
            id = try reader.next(from: id)
            let word = try reader.next()
            guard word >= 0 else { throw .corrupt("a stanza of the archive has a negative length") }
            let sender = word & hasSender == 0 ? nil : Side(archive: try reader.next(), peer: try reader.next())
            let recipient = word & hasRecipient == 0 ? nil : Side(archive: try reader.next(), peer: try reader.next())
            facts.append(
                Fact(id: id, sender: sender, recipient: recipient, isGroupchat: word & isGroupchat != 0, length: Int(word >> 3)))
        }
        return facts
    }
}

/// Where a message lies: the number of its chunk and which of its messages it is.
enum ArchivePlace {
    private static let bits: Int64 = 6

    static func of(_ index: Int, in chunk: Int64) -> Int64 { chunk << bits | Int64(index) }
    static func chunk(_ place: Int64) -> Int64 { place >> bits }
    static func index(_ place: Int64) -> Int { Int(place & (1 << bits - 1)) }
}
