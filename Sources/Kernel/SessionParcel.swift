internal import Configuration
internal import IPC
internal import Network
internal import SharedState
internal import Streams
internal import XMPP

/// A session as it travels to another worker: everything but its connection.
struct SessionParcel: Equatable {
    var user: String
    var resource: String
    var flags: SessionFlags
    var priority: Int8
    var since: Int64
    var address: String
    var terms: Acknowledgements.Terms
    var key: String
    /// The client's stanzas that were handled.
    var handled: UInt32
    /// What the client has acknowledged, and what waits.
    var acknowledged: UInt32
    var lastReceipt: Int64
    var waiting: [UnacknowledgedStanzas.Entry]
    /// Which of these, by their counts, have a row of their own, and of which the sender is not told yet: a ticket.
    var inCustody: [(number: UInt32, row: Int64, ticket: UInt64)]
    /// Where its worker stores: under which path.
    var database: String
    /// By the modules' names.
    var luggage: [(name: String, contents: [UInt8])]

    static func == (one: SessionParcel, other: SessionParcel) -> Bool { one.encoded() == other.encoded() }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 256 + waiting.reduce(0) { $0 + $1.bytes.count + 24 })
        writer.string(user)
        writer.string(resource)
        writer.uint16(flags.rawValue)
        writer.int8(priority)
        writer.int64(since)
        writer.string(address)
        for limit in [
            terms.mostWaiting.map { Int64(clamping: $0) }, terms.askAfter.map { Int64(clamping: $0) }, terms.resumeTimeout,
            terms.countKeptFor,
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
        writer.count(inCustody.count)
        for message in inCustody {
            writer.uint32(message.number)
            writer.int64(message.row)
            writer.uint64(message.ticket)
        }
        writer.string(database)
        writer.count(luggage.count)
        for piece in luggage {
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
        terms = Acknowledgements.Terms(
            mostWaiting: limits.0 < 0 ? nil : Int(limits.0), askAfter: limits.1 < 0 ? nil : Int(limits.1),
            resumeTimeout: limits.2 < 0 ? nil : limits.2, countKeptFor: limits.3 < 0 ? nil : limits.3)
        key = try reader.string()
        handled = try reader.uint32()
        acknowledged = try reader.uint32()
        lastReceipt = try reader.int64()
        waiting = []
        for _ in 0..<(try reader.count(ofSize: 20)) {
            let (sentAt, receipt) = (try reader.int64(), try reader.int64())
            waiting.append(.init(bytes: Array(try reader.data()), sentAt: sentAt, receipt: receipt))
        }
        inCustody = []
        for _ in 0..<(try reader.count(ofSize: 20)) {
            inCustody.append((try reader.uint32(), try reader.int64(), try reader.uint64()))
        }
        database = try reader.string()
        luggage = []
        for _ in 0..<(try reader.count(ofSize: 8)) { luggage.append((try reader.string(), Array(try reader.data()))) }
        try reader.end()
    }
}

extension SessionParcel {
    /// The session must be settled, and resumable.
    /// - Parameter tickets: for its messages that wait in custody, in order.
    @LoopActor
    init(_ session: Session, _ acknowledgements: Acknowledgements, _ tickets: [UInt64]) {
        user = session.jid.bareText
        resource = session.jid.resource
        flags = session.flags.union(.detached)
        priority = session.priority
        since = session.since
        address = session.address
        terms = acknowledgements.terms
        key = acknowledgements.key
        handled = acknowledgements.handled(session)
        acknowledged = acknowledgements.waiting.acknowledged
        lastReceipt = acknowledgements.waiting.lastReceipt
        waiting = Array(acknowledgements.waiting.waiting)
        inCustody = acknowledgements.inCustody.stored.map { ($0.number, $0.row, 0) }
        inCustody += zip(acknowledgements.inCustody.waiting, tickets).map { ($0.number, 0, $1) }
        database = session.host.server.configuration.native.storagePath
        luggage = []
        for (name, piece) in session.host.luggage {
            if let contents = piece.pack(session) { luggage.append((name, contents)) }
        }
    }

    /// The session at its new worker, waiting to be resumed; not yet in any table.
    @LoopActor
    func session(_ connection: UInt64, on host: Host, from origin: UInt8) -> Session {
        let session = Session(
            jid: JID.prepared(user).with(resource: resource), connection: connection, host: host, stream: nil,
            address: address, since: since, flags: flags, priority: priority)
        // What another database has is not stored in this one, and its numbers mean something else here.
        let isStored = database == host.server.configuration.native.storagePath
        var queue = UnacknowledgedStanzas(acknowledged: acknowledged, lastReceipt: isStored ? lastReceipt : 0)
        for entry in waiting { queue.append(entry.bytes, at: entry.sentAt, receipt: isStored ? entry.receipt : 0) }
        session.acknowledgements = Acknowledgements(terms, key: key, session: session, handled: handled, waiting: queue)
        restoreCustody(of: session, origin, isStored: isStored)
        return session
    }

    @LoopActor
    private func restoreCustody(of session: Session, _ origin: UInt8, isStored: Bool) {
        guard !inCustody.isEmpty, let acknowledgements = session.acknowledgements else { return }
        for message in inCustody {
            let place = Int(message.number &- acknowledged) - 1
            guard waiting.indices.contains(place) else { continue }
            let entry = waiting[place]
            if message.ticket != 0 {
                let custody = Custody(of: message.ticket, origin, session.host.server.custodies)
                acknowledgements.inCustody.add(message.number, entry.bytes, since: entry.sentAt, custody)
            } else if isStored {
                acknowledgements.inCustody.add(message.number, entry.bytes, since: entry.sentAt, row: message.row)
            }
        }
        acknowledgements.watch(session)
    }

    /// Gives the modules their parts; the session is in the tables.
    @LoopActor
    func unpack(for session: Session) {
        for piece in luggage { session.host.luggage[piece.name]?.unpack(session, piece.contents) }
    }
}
