internal import Glibc
internal import Network
internal import XML

/// What a session has left, without the second copies of messages. Each byte is looked at a fixed number of times: senders choose how
/// much alike their messages are.
@LoopActor
struct DistinctStanzas {
    private(set) var stanzas: [UndeliveredStanza] = []
    private var places: [Identity: Int] = [:]
    private let host: Host

    init(of host: Host) { self.host = host }

    mutating func add(_ stanza: UndeliveredStanza) {
        if let identity = identity(of: stanza.bytes) {
            if let place = places[identity] {
                if stanzas[place].ackHold == nil { stanzas[place].ackHold = stanza.ackHold }
                return
            }
            places[identity] = stanzas.count
        }
        stanzas.append(stanza)
    }

    /// What is the same in all copies of a message; nil where two that are alike may be two messages, since they have no id.
    private func identity(of message: [UInt8]) -> Identity? {
        guard Self.hasID(message) else { return nil }
        return Identity(message, count: host.delayStamp.place(in: message) ?? message.count - Self.messageEnd.count)
    }

    private static func hasID(_ message: [UInt8]) -> Bool {
        message.withUnsafeBytes { bytes in
            guard bytes.count > messageStart.count + messageEnd.count, let base = bytes.baseAddress,
                memcmp(base, messageStart, messageStart.count) == 0,
                let end = memchr(base, Int32(UInt8(ascii: ">")), bytes.count)
            else { return false }
            let tag = UnsafeRawBufferPointer(start: base, count: UnsafeRawPointer(end) - base)
            return tag.indices.contains { tag[$0] == idStart[0] && tag[$0...].starts(with: idStart) }
        }
    }

    private static let messageStart = Array("<message ".utf8)
    private static let messageEnd = Array("</message>".utf8)
    private static let idStart = Array(" id='".utf8)

    /// The first bytes of a message, hashed as a whole and compared as a whole.
    private struct Identity: Hashable {
        let bytes: [UInt8]
        let count: Int

        init(_ bytes: [UInt8], count: Int) {
            self.bytes = bytes
            self.count = count
        }

        func hash(into hasher: inout Hasher) {
            bytes.withUnsafeBytes { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }

        static func == (one: Identity, other: Identity) -> Bool {
            one.count == other.count
                && one.bytes.withUnsafeBytes { mine in
                    other.bytes.withUnsafeBytes { theirs in
                        guard let mine = mine.baseAddress, let theirs = theirs.baseAddress else { return one.count == 0 }
                        return memcmp(mine, theirs, one.count) == 0
                    }
                }
        }
    }
}
