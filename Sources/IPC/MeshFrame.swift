/// The version of everything in this file. Workers of different versions never serve together.
public let meshVersion: UInt16 = 6

/// What workers say to one another over the mesh. Fire and forget: none of these has a reply of its own.
///
/// Written as the payload of a mesh frame (length, then these bytes). A malformed frame costs the connection to the
/// peer that sent it.
public enum MeshFrame: Sendable, Equatable {
    /// The bytes of one stanza, addresses included, for sessions of the receiving worker. With a ticket other than 0 the
    /// sending worker keeps it, too, until that is given back. `follows`: it is sent after a session that has moved, by the
    /// worker that it had been sent to before. The kind is less than 128.
    case stanza(connections: [UInt64], kind: UInt8, follows: Bool, bytes: [UInt8], ticket: UInt64)
    /// The stanzas with these tickets need not be kept for the receiving worker's own sake any more.
    case confirmed(tickets: [UInt64])
    /// Something happened to a user who has these sessions with the receiving worker: roster push, probe, changed lists.
    /// `topic` names the module's handler, `payload` is its own. A session that has migrated is told by its new worker.
    case event(topic: String, user: String, connections: [UInt64], payload: [UInt8])
    /// Something that all workers must know, such as a cache to be forgotten.
    case broadcast(topic: String, domain: String, payload: [UInt8])
    /// End one of the receiving worker's sessions with this stream error.
    case close(connection: UInt64, condition: String, text: String)

    /// The sending worker knows that the receiving one is there: what is for its sessions is sent to it.
    case greeting
    /// A session moves between the two workers, or a third helps to keep the order.
    case transfer(MigrationMessage)
    /// Something for the owner of a key, or about who owns what.
    case owned(OwnershipMessage)

    private enum Tag: UInt8 { case stanza = 1, event, broadcast, close, transfer, confirmed, greeting, owned }
    /// The bit beside a stanza's kind.
    private static let following: UInt8 = 128

    /// The frame as bytes, without a length.
    public func encoded() -> [UInt8] {
        switch self {
        case .stanza(let connections, let kind, let follows, let bytes, let ticket):
            var writer = ByteWriter(reservingCapacity: bytes.count + 24 + 8 * connections.count)
            writer.uint8(Tag.stanza.rawValue)
            writer.uint8(kind & ~Self.following | (follows ? Self.following : 0))
            writer.uint64(ticket)
            writer.count(connections.count)
            for connection in connections { writer.uint64(connection) }
            writer.rest(bytes)
            return writer.bytes
        case .confirmed(let tickets):
            var writer = ByteWriter(reservingCapacity: 8 + 8 * tickets.count)
            writer.uint8(Tag.confirmed.rawValue)
            writer.count(tickets.count)
            for ticket in tickets { writer.uint64(ticket) }
            return writer.bytes
        case .greeting: return [Tag.greeting.rawValue]
        case .event(let topic, let user, let connections, let payload):
            var writer = ByteWriter(reservingCapacity: payload.count + 64 + 8 * connections.count)
            writer.uint8(Tag.event.rawValue)
            writer.string(topic)
            writer.string(user)
            writer.count(connections.count)
            for connection in connections { writer.uint64(connection) }
            writer.rest(payload)
            return writer.bytes
        case .broadcast(let topic, let domain, let payload):
            var writer = ByteWriter(reservingCapacity: payload.count + 64)
            writer.uint8(Tag.broadcast.rawValue)
            writer.string(topic)
            writer.string(domain)
            writer.rest(payload)
            return writer.bytes
        case .close(let connection, let condition, let text):
            var writer = ByteWriter()
            writer.uint8(Tag.close.rawValue)
            writer.uint64(connection)
            writer.string(condition)
            writer.string(text)
            return writer.bytes
        case .transfer(let message):
            var writer = ByteWriter()
            writer.uint8(Tag.transfer.rawValue)
            message.write(to: &writer)
            return writer.bytes
        case .owned(let message):
            var writer = ByteWriter()
            writer.uint8(Tag.owned.rawValue)
            message.write(to: &writer)
            return writer.bytes
        }
    }

    /// A stanza frame read where it lies: nearly all that comes over the mesh, so it is not copied.
    public struct StanzaView {
        public let kind: UInt8
        public let follows: Bool
        public let ticket: UInt64
        /// The stanza. Valid as long as the frame.
        public let bytes: UnsafeRawBufferPointer
        private let numbers: UnsafeRawBufferPointer

        public var count: Int { numbers.count / 8 }

        /// The connection at a place from 0 to `count` - 1.
        public func connection(_ place: Int) -> UInt64 {
            UInt64(littleEndian: numbers.loadUnaligned(fromByteOffset: 8 * place, as: UInt64.self))
        }

        /// Nil if the frame is another one or malformed; `MeshFrame(decoding:)` tells which.
        public init?(_ frame: UnsafeRawBufferPointer) {
            let head = 14
            guard frame.count >= head, frame[0] == Tag.stanza.rawValue else { return nil }
            let count = Int(UInt32(littleEndian: frame.loadUnaligned(fromByteOffset: 10, as: UInt32.self)))
            guard count <= (frame.count - head) / 8 else { return nil }
            kind = frame[1] & ~MeshFrame.following
            follows = frame[1] & MeshFrame.following != 0
            ticket = UInt64(littleEndian: frame.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            numbers = UnsafeRawBufferPointer(rebasing: frame[head..<head + 8 * count])
            bytes = UnsafeRawBufferPointer(rebasing: frame[(head + 8 * count)...])
        }
    }

    public init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let raw = try reader.uint8()
        guard let tag = Tag(rawValue: raw) else { throw .unknownTag(raw) }
        switch tag {
        case .stanza:
            let (kind, ticket) = (try reader.uint8(), try reader.uint64())
            var connections: [UInt64] = []
            for _ in 0..<(try reader.count(ofSize: 8)) { connections.append(try reader.uint64()) }
            self = .stanza(
                connections: connections, kind: kind & ~Self.following, follows: kind & Self.following != 0,
                bytes: Array(reader.rest()), ticket: ticket)
        case .event:
            let (topic, user) = (try reader.string(), try reader.string())
            var connections: [UInt64] = []
            for _ in 0..<(try reader.count(ofSize: 8)) { connections.append(try reader.uint64()) }
            self = .event(topic: topic, user: user, connections: connections, payload: Array(reader.rest()))
        case .broadcast:
            self = .broadcast(topic: try reader.string(), domain: try reader.string(), payload: Array(reader.rest()))
        case .close:
            self = .close(connection: try reader.uint64(), condition: try reader.string(), text: try reader.string())
            try reader.end()
        case .transfer:
            self = .transfer(try MigrationMessage(&reader))
            try reader.end()
        case .owned:
            self = .owned(try OwnershipMessage(&reader))
            try reader.end()
        case .confirmed:
            var tickets: [UInt64] = []
            for _ in 0..<(try reader.count(ofSize: 8)) { tickets.append(try reader.uint64()) }
            self = .confirmed(tickets: tickets)
            try reader.end()
        case .greeting:
            self = .greeting
            try reader.end()
        }
    }
}
