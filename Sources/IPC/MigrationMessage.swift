// How a session moves from its worker, the owner, to another, the successor, with nothing lost and nothing overtaken:
//
//   successor → owner: claim                 (a client wants to go on there; left out where the owner leaves)
//   owner → successor: snapshot              (or refused)
//   successor → owner: adopted               (or declined: the session stays); its entry in the session table is the successor's
//   successor → all others: flushMarker      each answers to the owner: flushAck
//   owner → successor: flushed, for each flushAck
//   successor → owner: completed
//
// From the snapshot on the owner keeps what comes for the session, and from `adopted` on it sends that after it. Whatever a
// third worker sent to the owner is there before its flushAck, so it is with the successor before `flushed`; until all have
// been flushed the successor holds back what comes to it directly, from the owner as well: that sees the session there before
// it has heard `adopted` and sent the rest after it.
//
// A full mesh may refuse each message. The sender then retains it and sends it again, in order, until the mesh takes it or
// the receiver is gone (`MeshOutbox`); only `claim` and `snapshot`, which nobody waits for yet, are given up at once.
// If too many are retained, or the other side stays silent for ten seconds, a deadline ends what would wait for ever:
//
//   message     refused by the mesh          never arrives
//   claim       the client is refused        the client is refused, and may try again
//   refused     retained                     as for claim
//   snapshot    the session stays; a claim   as for claim; the owner ends the session as for `adopted`
//               is answered with `refused`
//   adopted     retained                     the owner ends the session with `reset` and routes anew what waited for it; an
//                                            `adopted` that comes later is answered with `close`
//   declined    retained                     as for adopted
//   flushMarker retained                     the successor opens the barrier: order is given up, nothing is lost
//   flushAck    retained                     as for flushMarker
//   flushed     retained                     as for flushMarker
//   completed   retained                     the owner drops the migration; what comes later is routed anew
//
// A stanza, an event or an end that comes late goes after the session to that one session, under its number there; its new
// worker sends it on only if the session has migrated from there, too. So nothing comes back or multiplies.
//
// When a party ends:
//
//   the session, before `adopted`    the owner has the successor end it, or ends it itself if it is declined
//   the session, before `completed`  the course goes on without it up to `completed`; what comes late is routed anew
//   the owner, before `completed`    the successor ends the session with `reset`: something may be missing from it
//   the successor, before `adopted`  the session stays with the owner; it ends with `reset` if others saw it at the successor
//   the successor, later             the session is lost as any session of a worker that dies
//   a third worker                   its flushAck is not awaited any longer

/// One message about a session that moves. `connection` is its number with the owner, `successor` that with its new worker.
public enum MigrationMessage: Sendable, Equatable {
    case claim(ticket: UInt64, connection: UInt64, key: String)
    case refused(ticket: UInt64)
    /// `ticket` is that of the claim, 0 if there was none. The contents are the kernel's.
    case snapshot(ticket: UInt64, connection: UInt64, contents: [UInt8])
    case adopted(connection: UInt64, successor: UInt64)
    case declined(connection: UInt64)
    case flushMarker(connection: UInt64, owner: UInt8)
    case flushAck(connection: UInt64)
    case flushed(successor: UInt64, slot: UInt8)
    case completed(connection: UInt64)

    private enum Tag: UInt8 { case claim = 1, refused, snapshot, adopted, declined, flushMarker, flushAck, flushed, completed }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .claim(let ticket, let connection, let key):
            writer.uint8(Tag.claim.rawValue)
            writer.uint64(ticket)
            writer.uint64(connection)
            writer.string(key)
        case .refused(let ticket): Self.write(.refused, ticket, to: &writer)
        case .snapshot(let ticket, let connection, let contents):
            writer.uint8(Tag.snapshot.rawValue)
            writer.uint64(ticket)
            writer.uint64(connection)
            writer.rest(contents)
        case .adopted(let connection, let successor):
            writer.uint8(Tag.adopted.rawValue)
            writer.uint64(connection)
            writer.uint64(successor)
        case .declined(let connection): Self.write(.declined, connection, to: &writer)
        case .flushMarker(let connection, let owner):
            Self.write(.flushMarker, connection, to: &writer)
            writer.uint8(owner)
        case .flushAck(let connection): Self.write(.flushAck, connection, to: &writer)
        case .flushed(let successor, let slot):
            Self.write(.flushed, successor, to: &writer)
            writer.uint8(slot)
        case .completed(let connection): Self.write(.completed, connection, to: &writer)
        }
    }

    private static func write(_ tag: Tag, _ number: UInt64, to writer: inout ByteWriter) {
        writer.uint8(tag.rawValue)
        writer.uint64(number)
    }

    init(_ reader: inout ByteReader) throws(WireError) {
        let raw = try reader.uint8()
        guard let tag = Tag(rawValue: raw) else { throw .unknownTag(raw) }
        let number = try reader.uint64()
        switch tag {
        case .claim: self = .claim(ticket: number, connection: try reader.uint64(), key: try reader.string())
        case .refused: self = .refused(ticket: number)
        case .snapshot: self = .snapshot(ticket: number, connection: try reader.uint64(), contents: Array(reader.rest()))
        case .adopted: self = .adopted(connection: number, successor: try reader.uint64())
        case .declined: self = .declined(connection: number)
        case .flushMarker: self = .flushMarker(connection: number, owner: try reader.uint8())
        case .flushAck: self = .flushAck(connection: number)
        case .flushed: self = .flushed(successor: number, slot: try reader.uint8())
        case .completed: self = .completed(connection: number)
        }
    }
}
