// How a session moves from its worker, the owner, to another, the successor, with nothing lost and nothing overtaken:
//
//   successor → owner: claim                 (a client wants to go on there; left out where the owner leaves)
//   owner → successor: parcel                (or refused)
//   successor → owner: adopted               (or declined: the session stays); its entry in the session table is the successor's
//   successor → all others: fence            each answers to the owner: echo
//   owner → successor: passed, for each echo
//   successor → owner: settled
//
// From the parcel on the owner keeps what comes for the session, and from `adopted` on it sends that after it. Whatever a
// third worker sent to the owner is there before its echo, so it is with the successor before `passed`; until all have
// passed the successor holds back what comes to it directly, from the owner as well: that sees the session there before
// it has heard `adopted` and sent the rest after it.
//
// A full mesh may refuse each message. The sender then retains it and sends it again, in order, until the mesh takes it or
// the receiver is gone (`MigrationOutbox`); only `claim` and `parcel`, which nobody waits for yet, are given up at once.
// If too many are retained, or the other side stays silent for ten seconds, a deadline ends what would wait for ever:
//
//   message   refused by the mesh          never arrives
//   claim     the client is refused        the client is refused, and may try again
//   refused   retained                     as for claim
//   parcel    the session stays; a claim   as for claim; the owner ends the session as for `adopted`
//             is answered with `refused`
//   adopted   retained                     the owner ends the session with `reset` and routes anew what waited for it; an
//                                          `adopted` that comes later is answered with `close`
//   declined  retained                     as for adopted
//   barrier   retained                     the successor opens the barrier: order is given up, nothing is lost
//   echo      retained                     as for barrier
//   passed    retained                     as for barrier
//   settled   retained                     the owner drops the migration; what comes later is routed anew
//
// A stanza, an event or an end that comes late goes after the session to that one session, under its number there; its new
// worker sends it on only if the session has migrated from there, too. So nothing comes back or multiplies.
//
// When a party ends:
//
//   the session, before `adopted`    the owner has the successor end it, or ends it itself if it is declined
//   the session, before `settled`    the course goes on without it up to `settled`; what comes late is routed anew
//   the owner, before `settled`      the successor ends the session with `reset`: something may be missing from it
//   the successor, before `adopted`  the session stays with the owner; it ends with `reset` if others saw it at the successor
//   the successor, later             the session is lost as any session of a worker that dies
//   a third worker                   its echo is not awaited any longer

/// One message about a session that moves. `connection` is its number with the owner, `successor` that with its new worker.
public enum MigrationMessage: Sendable, Equatable {
    case claim(ticket: UInt64, connection: UInt64, key: String)
    case refused(ticket: UInt64)
    /// `ticket` is that of the claim, 0 if there was none. The contents are the kernel's.
    case parcel(ticket: UInt64, connection: UInt64, contents: [UInt8])
    case adopted(connection: UInt64, successor: UInt64)
    case declined(connection: UInt64)
    case barrier(connection: UInt64, owner: UInt8)
    case echo(connection: UInt64)
    case passed(successor: UInt64, slot: UInt8)
    case settled(connection: UInt64)

    private enum Tag: UInt8 { case claim = 1, refused, parcel, adopted, declined, barrier, echo, passed, settled }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .claim(let ticket, let connection, let key):
            writer.uint8(Tag.claim.rawValue)
            writer.uint64(ticket)
            writer.uint64(connection)
            writer.string(key)
        case .refused(let ticket): Self.write(.refused, ticket, to: &writer)
        case .parcel(let ticket, let connection, let contents):
            writer.uint8(Tag.parcel.rawValue)
            writer.uint64(ticket)
            writer.uint64(connection)
            writer.rest(contents)
        case .adopted(let connection, let successor):
            writer.uint8(Tag.adopted.rawValue)
            writer.uint64(connection)
            writer.uint64(successor)
        case .declined(let connection): Self.write(.declined, connection, to: &writer)
        case .barrier(let connection, let owner):
            Self.write(.barrier, connection, to: &writer)
            writer.uint8(owner)
        case .echo(let connection): Self.write(.echo, connection, to: &writer)
        case .passed(let successor, let slot):
            Self.write(.passed, successor, to: &writer)
            writer.uint8(slot)
        case .settled(let connection): Self.write(.settled, connection, to: &writer)
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
        case .parcel: self = .parcel(ticket: number, connection: try reader.uint64(), contents: Array(reader.rest()))
        case .adopted: self = .adopted(connection: number, successor: try reader.uint64())
        case .declined: self = .declined(connection: number)
        case .barrier: self = .barrier(connection: number, owner: try reader.uint8())
        case .echo: self = .echo(connection: number)
        case .passed: self = .passed(successor: number, slot: try reader.uint8())
        case .settled: self = .settled(connection: number)
        }
    }
}
