internal import Network
internal import XML
public import XMPP

/// Routes stanzas anew that a session's client had not acknowledged when the session ended (XEP-0198 §5): to another resource,
/// to the offline store, or back to the sender.
extension Server {
    /// Bytes of what is left that find another way in one turn; a larger stanza goes alone. Order among them is kept; what others
    /// send meanwhile may come before what is left for a later turn.
    private static let redeliveredAtOnce = 64 << 10
    /// Bytes of what is left that are compared in one turn; a larger stanza is compared alone.
    private static let comparedAtOnce = 2 << 20

    /// Routes what an ended session has left.
    /// - Parameter host: of the client; nil: the addressee of each stanza says it.
    func redeliver(_ left: [UndeliveredStanza], on host: Host?) {
        guard let host, left.count > 1 else { return redeliver(left[...], on: host) }
        redeliver(DistinctStanzas(of: host), left[...], on: host)
    }

    /// A client gets once more what went to another session that has ended; one copy goes on.
    private func redeliver(_ distinct: DistinctStanzas, _ left: ArraySlice<UndeliveredStanza>, on host: Host) {
        var (distinct, left, size) = (distinct, left, 0)
        while let next = left.first, size == 0 || size + next.bytes.count <= Self.comparedAtOnce {
            left.removeFirst()
            size += next.bytes.count
            distinct.add(next)
        }
        guard !left.isEmpty else { return redeliver(distinct.stanzas[...], on: host) }
        background { [distinct, left] in
            await Loop.nextTurn()
            self.redeliver(distinct, left, on: host)
        }
    }

    private func redeliver(_ left: ArraySlice<UndeliveredStanza>, on host: Host?) {
        var (left, size) = (left, 0)
        while let next = left.first, size == 0 || size + next.bytes.count <= Self.redeliveredAtOnce {
            left.removeFirst()
            size += next.bytes.count
            if let stanza = stamped(next.bytes, sentAt: next.sentAt, host) { redeliver(stanza, ackHold: next.ackHold) }
        }
        guard !left.isEmpty else { return }
        background { [left] in
            await Loop.nextTurn()
            self.redeliver(left, on: host)
        }
    }

    /// Routes a stanza that its session had not been sent when it ended.
    public func redeliver(_ stanza: RenderedStanza) {
        guard stanza.kind != .presence, let read = self.stanza(stanza.bytes) else { return }
        redeliver(read, ackHold: stanza.ackHold)
    }

    /// Reads a stanza that was sent to a client, and stamps a message with the time at which it was (XEP-0203).
    /// - Parameter sentAt: in milliseconds of `Loop.now`.
    /// - Returns: nil for presence, which is worth nothing later.
    func stamped(_ bytes: [UInt8], sentAt: Int64, _ host: Host?) -> Stanza? {
        guard let stanza = stanza(bytes), stanza.kind != .presence else { return nil }
        // A request goes back with an error, which has no stamp. A stamp of this host is older and stays.
        guard stanza.kind == .message, let stamp = (host ?? stanza.to.flatMap { hosts[$0.domain] })?.delayStamp,
            stamp.place(in: bytes) == nil
        else { return stanza }
        return stanza.appending(stamp.element(Self.time(of: sentAt)))
    }

    /// To the millisecond: stanzas from several workers are put in order by it.
    private static func time(of moment: Int64) -> Int64 { StampClock.milliseconds(of: moment) * 1000 }

    /// Stamps a message for a client without a connection with the time of this turn (XEP-0203).
    func delayed(_ stanza: RenderedStanza, _ host: Host) -> RenderedStanza {
        guard stanza.kind == .message else { return stanza }
        let bytes = host.delayStamp.added(to: stanza.bytes, Self.time(of: Loop.turnBegan))
        return RenderedStanza(.message, bytes, stanza.ackHold, failures: stanza.failures)
    }

    /// Routes a stanza anew.
    /// - Parameters:
    ///   - source: where the stanza came in that is being worked on: its acknowledgement waits until this has found its way.
    ///   - ackHold: does the same for a message whose acknowledgement depends on its delivery.
    ///   - failures: how many times the mesh has refused it.
    func redeliver(_ stanza: Stanza, for source: (any StanzaSource)? = nil, ackHold: AckHold? = nil, failures: UInt8 = 0) {
        guard let rest = router.redeliver(stanza, ackHold, failures: failures) else { return }
        let ack = ackHold == nil ? source?.deferAck() : nil
        background {
            await rest()
            ack?.fulfill()
        }
    }

    /// Reads a stanza that was rendered here or by another worker.
    func stanza(_ bytes: [UInt8]) -> Stanza? {
        guard
            let element = try? bytes.withUnsafeBytes({ try parser.element($0, in: .client, limits: Limits(bytes: .max)) }),
            let kind = Stanza.kind(of: element)
        else { return nil }
        return Stanza(
            kind, from: element["from"].map { JID.prepared($0) }, to: element["to"].map { JID.prepared($0) }, element: element)
    }
}

extension Host {
    /// Reads a message on its way to a client as the offline store would have it, with the time of this turn as its stamp
    /// (XEP-0203).
    /// - Returns: nil for what that store does not take, and for the copies that only this client is to have (XEP-0280).
    public func storable(_ stanza: RenderedStanza) -> Stanza? {
        guard stanza.kind == .message, let offlineStore, let message = server.stamped(stanza.bytes, sentAt: Loop.turnBegan, self),
            offlineStore.accepts(message.element), !message.element.children.contains(where: { $0.isIn(Namespace.carbons) })
        else { return nil }
        return message
    }
}

/// A stanza that was sent to a client and not acknowledged when the session ended.
struct UndeliveredStanza {
    let bytes: [UInt8]
    /// In milliseconds of `Loop.now`.
    let sentAt: Int64
    var ackHold: AckHold?
}
