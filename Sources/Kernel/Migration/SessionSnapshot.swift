internal import Configuration
internal import IPC
internal import Network
internal import SharedState
internal import Streams
internal import XMPP

/// A session serialized for another worker: everything but its connection.
struct SessionSnapshot: Equatable {
    var user: String
    var resource: String
    var flags: SessionFlags
    var priority: Int8
    var since: Int64
    var address: String
    var terms: StreamManagementState.Terms
    var key: String
    /// The client's stanzas that were handled.
    var handled: UInt32
    /// The client's acknowledged count, and the stanzas behind it.
    var acknowledged: UInt32
    var lastReceipt: Int64
    var waiting: [UnacknowledgedStanzas.Entry]
    /// The messages among these, by their counts, that are stored (`row`, or 0) or delay their sender's acknowledgement
    /// (`ticket`, or 0).
    var unacked: [(number: UInt32, row: Int64, ticket: UInt64)]
    /// The path of the database in which its worker stores.
    var database: String
    /// The modules' parts of the session's state, by the names of their codecs.
    var migrationCodecs: [(name: String, contents: [UInt8])]

    static func == (one: SessionSnapshot, other: SessionSnapshot) -> Bool { one.encoded() == other.encoded() }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 256 + waiting.reduce(0) { $0 + $1.bytes.count + 24 })
        writer.string(user)
        writer.string(resource)
        writer.uint16(flags.rawValue)
        writer.int8(priority)
        writer.int64(since)
        writer.string(address)
        for limit in [
            terms.maxUnacked.map { Int64(clamping: $0) }, terms.stanzasPerRequest.map { Int64(clamping: $0) },
            terms.resumeMilliseconds,
            terms.resumeCountSeconds,
        ] { writer.int64(limit ?? -1) }
        writer.string(key)
        writer.uint32(handled)
        writer.uint32(acknowledged)
        writer.int64(lastReceipt)
        writer.count(waiting.count)
        for entry in waiting {
            writer.int64(entry.sentAt)
            writer.int64(entry.receipt)
            writer.data(entry.bytes)
        }
        writer.count(unacked.count)
        for message in unacked {
            writer.uint32(message.number)
            writer.int64(message.row)
            writer.uint64(message.ticket)
        }
        writer.string(database)
        writer.count(migrationCodecs.count)
        for piece in migrationCodecs {
            writer.string(piece.name)
            writer.data(piece.contents)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        user = try reader.string()
        resource = try reader.string()
        flags = SessionFlags(rawValue: try reader.uint16())
        priority = try reader.int8()
        since = try reader.int64()
        address = try reader.string()
        let limits = (try reader.int64(), try reader.int64(), try reader.int64(), try reader.int64())
        terms = StreamManagementState.Terms(
            maxUnacked: limits.0 < 0 ? nil : Int(limits.0), stanzasPerRequest: limits.1 < 0 ? nil : Int(limits.1),
            resumeMilliseconds: limits.2 < 0 ? nil : limits.2, resumeCountSeconds: limits.3 < 0 ? nil : limits.3)
        key = try reader.string()
        handled = try reader.uint32()
        acknowledged = try reader.uint32()
        lastReceipt = try reader.int64()
        waiting = []
        for _ in 0..<(try reader.count(ofSize: 20)) {
            let (sentAt, receipt) = (try reader.int64(), try reader.int64())
            waiting.append(.init(bytes: Array(try reader.data()), sentAt: sentAt, receipt: receipt))
        }
        unacked = []
        for _ in 0..<(try reader.count(ofSize: 20)) {
            unacked.append((try reader.uint32(), try reader.int64(), try reader.uint64()))
        }
        database = try reader.string()
        migrationCodecs = []
        for _ in 0..<(try reader.count(ofSize: 8)) { migrationCodecs.append((try reader.string(), Array(try reader.data()))) }
        try reader.end()
    }
}

extension SessionSnapshot {
    /// Takes the snapshot of a session that is settled and resumable.
    /// - Parameter tickets: one for each message that delays its sender's acknowledgement, in order.
    @LoopActor
    init(_ session: Session, _ streamManagement: StreamManagementState, _ tickets: [UInt64]) {
        user = session.jid.bareText
        resource = session.jid.resource
        flags = session.flags.union(.detached)
        priority = session.priority
        since = session.since
        address = session.address
        terms = streamManagement.terms
        key = streamManagement.key
        handled = streamManagement.handled(session)
        acknowledged = streamManagement.waiting.acknowledged
        lastReceipt = streamManagement.waiting.lastReceipt
        waiting = Array(streamManagement.waiting.waiting)
        unacked = streamManagement.unacked.stored.map { ($0.number, $0.row, 0) }
        unacked += zip(streamManagement.unacked.waiting, tickets).map { ($0.number, 0, $1) }
        database = session.host.server.configuration.native.storagePath
        migrationCodecs = []
        for (name, piece) in session.host.migrationCodecs {
            if let contents = piece.encode(session) { migrationCodecs.append((name, contents)) }
        }
    }

    /// Makes the session on its new worker, waiting to be resumed; it is in no table yet.
    @LoopActor
    func makeSession(_ connection: UInt64, on host: Host, from origin: UInt8) -> Session {
        let session = Session(
            jid: JID.prepared(user).with(resource: resource), connection: connection, host: host, stream: nil,
            address: address, since: since, flags: flags, priority: priority)
        // Another database has not the rows of this one: their numbers mean nothing here.
        let isStored = database == host.server.configuration.native.storagePath
        var queue = UnacknowledgedStanzas(acknowledged: acknowledged, lastReceipt: isStored ? lastReceipt : 0)
        for entry in waiting { queue.append(entry.bytes, at: entry.sentAt, receipt: isStored ? entry.receipt : 0) }
        session.streamManagement = StreamManagementState(terms, key: key, session: session, handled: handled, waiting: queue)
        restoreAckHolds(of: session, origin, isStored: isStored)
        return session
    }

    @LoopActor
    private func restoreAckHolds(of session: Session, _ origin: UInt8, isStored: Bool) {
        guard !unacked.isEmpty, let streamManagement = session.streamManagement else { return }
        for message in unacked {
            let place = Int(message.number &- acknowledged) - 1
            guard waiting.indices.contains(place) else { continue }
            let entry = waiting[place]
            if message.ticket != 0 {
                let ackHold = AckHold(of: message.ticket, origin, session.host.server.ackHolds)
                streamManagement.unacked.add(message.number, entry.bytes, since: entry.sentAt, ackHold)
            } else if isStored {
                streamManagement.unacked.add(message.number, entry.bytes, since: entry.sentAt, row: message.row)
            }
        }
        streamManagement.watch(session)
    }

    /// Gives the modules their parts; the session is in the tables.
    @LoopActor
    func decodeModuleState(for session: Session) {
        for piece in migrationCodecs { session.host.migrationCodecs[piece.name]?.decode(session, piece.contents) }
    }
}
