internal import Network
internal import XML
internal import XMPP

/// Routes stanzas anew that a session's client had not acknowledged when the session ended (XEP-0198 §5): to another resource,
/// to the offline store, or back to the sender.
extension Server {
    /// Routes what an ended session has left. All stanzas are on their way before the first has arrived, so later ones stay
    /// behind them.
    func redeliver(_ left: [UndeliveredStanza], on host: Host) {
        var stanzas: [(stanza: Stanza, ackHold: AckHold?)] = []
        var places: [[UInt8]: Int] = [:]
        let mayRepeat = left.count > 1
        for left in left {
            guard let stanza = stamped(left.bytes, sentAt: left.sentAt, host) else { continue }
            // The client had been sent the message twice, once by a session that ended before: one copy goes on.
            if mayRepeat, let identity = identity(of: stanza, host) {
                if let place = places[identity] {
                    if stanzas[place].ackHold == nil { stanzas[place].ackHold = left.ackHold }
                    continue
                }
                places[identity] = stanzas.count
            }
            stanzas.append((stanza, left.ackHold))
        }
        for (stanza, ackHold) in stanzas { redeliver(stanza, ackHold: ackHold) }
    }

    /// The bytes that all copies of a message share; nil for a message without an id, of which two alike may be two messages.
    private func identity(of stanza: Stanza, _ host: Host) -> [UInt8]? {
        guard stanza.kind == .message, stanza.id != nil else { return nil }
        var copy = stanza
        copy.element = stanza.element.replacingContents(
            stanza.element.contents.filter { content in
                guard case .element(let child) = content, child.is("delay", Namespace.delay) else { return true }
                return child["from"] != host.domain
            })
        return copy.rendered()
    }

    /// Routes a stanza that its session had not been sent when it ended.
    public func redeliver(_ stanza: RenderedStanza) {
        guard stanza.kind != .presence, let read = self.stanza(stanza.bytes) else { return }
        redeliver(read, ackHold: stanza.ackHold)
    }

    /// Reads a stanza that was sent to a client, and stamps a message with the time at which it was (XEP-0203).
    /// - Parameter sentAt: in milliseconds of `Loop.now`.
    /// - Returns: nil for presence, which is worth nothing later.
    func stamped(_ bytes: [UInt8], sentAt: Int64, _ host: Host) -> Stanza? {
        guard let stanza = stanza(bytes), stanza.kind != .presence else { return nil }
        // A request goes back with an error, which has no stamp. A stamp of this host is older and stays.
        guard stanza.kind == .message, !isStamped(stanza, by: host) else { return stanza }
        // To the millisecond: stanzas from several workers are put in order by it.
        let stamp = DateTime.text(StampClock.milliseconds(of: sentAt) * 1000)
        return stanza.appending([Element("delay", Namespace.delay, ["from": host.domain, "stamp": stamp])])
    }

    private func isStamped(_ stanza: Stanza, by host: Host) -> Bool {
        stanza.element.children.contains { $0.is("delay", Namespace.delay) && $0["from"] == host.domain }
    }

    /// Stamps a message for a client without a connection with the time of this turn (XEP-0203).
    func delayed(_ stanza: RenderedStanza, _ host: Host) -> RenderedStanza {
        guard stanza.kind == .message, let stamped = stamped(stanza.bytes, sentAt: Loop.turnBegan, host) else { return stanza }
        return RenderedStanza(.message, stamped.rendered(), stanza.ackHold, failures: stanza.failures)
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

/// A stanza that was sent to a client and not acknowledged when the session ended.
struct UndeliveredStanza {
    let bytes: [UInt8]
    /// In milliseconds of `Loop.now`.
    let sentAt: Int64
    let ackHold: AckHold?
}
