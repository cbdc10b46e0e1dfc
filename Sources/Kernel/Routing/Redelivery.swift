internal import Network
internal import XML
internal import XMPP

/// What a session's client has not got when the session ends finds another way (XEP-0198 §5): another resource, what is
/// kept for users who are not there, or back to the sender.
extension Server {
    func redeliver(_ left: [UndeliveredStanza], on host: Host) {
        var stanzas: [(stanza: Stanza, ackHold: AckHold?)] = []
        var places: [[UInt8]: Int] = [:]
        let mayRepeat = left.count > 1
        for left in left {
            guard let stanza = stamped(left.bytes, sentAt: left.sentAt, host) else { continue }
            // A client gets once more what went to another session that has ended; one copy goes on.
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

    /// What is the same in all copies of a message; nil where two that are alike may be two messages.
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

    /// A session has ended that this was for and that has not been sent it.
    public func redeliver(_ stanza: RenderedStanza) {
        guard stanza.kind != .presence, let read = self.stanza(stanza.bytes) else { return }
        redeliver(read, ackHold: stanza.ackHold)
    }

    /// What was sent to a client, with the time at which it was; nil for what is worth nothing later.
    /// - Parameter sentAt: in milliseconds of `Loop.now`.
    func stamped(_ bytes: [UInt8], sentAt: Int64, _ host: Host) -> Stanza? {
        guard let stanza = stanza(bytes), stanza.kind != .presence else { return nil }
        // A request goes back with an error, which tells of no time. The sender's own stamp says when it was written.
        guard stanza.kind == .message, !isStamped(stanza, by: host) else { return stanza }
        // To the millisecond: what comes from several workers is put in order by it.
        let stamp = DateTime.text((ClockText.milliseconds - (Loop.now - sentAt)) * 1000)
        return stanza.appending([Element("delay", Namespace.delay, ["from": host.domain, "stamp": stamp])])
    }

    private func isStamped(_ stanza: Stanza, by host: Host) -> Bool {
        stanza.element.children.contains { $0.is("delay", Namespace.delay) && $0["from"] == host.domain }
    }

    /// A message that comes for a client without a connection, with the time at which it came (XEP-0203).
    func delayed(_ stanza: RenderedStanza, _ host: Host) -> RenderedStanza {
        guard stanza.kind == .message, let stamped = stamped(stanza.bytes, sentAt: Loop.turnBegan, host) else { return stanza }
        return RenderedStanza(.message, stamped.rendered(), stanza.ackHold, failures: stanza.failures)
    }

    /// All are on their way before the first has arrived, so that what comes later stays behind them.
    /// - Parameters:
    ///   - source: where the stanza came in that is being worked on: its acknowledgement waits until this has found its way.
    ///   - custody: the same where it depends on who gets it.
    ///   - failures: how many times another worker could not be given it.
    func redeliver(_ stanza: Stanza, for source: (any StanzaSource)? = nil, ackHold: AckHold? = nil, failures: UInt8 = 0) {
        guard let rest = router.redeliver(stanza, ackHold, failures: failures) else { return }
        let ack = ackHold == nil ? source?.deferAck() : nil
        background {
            await rest()
            ack?.fulfill()
        }
    }

    /// Reads what was rendered here or at another worker.
    func stanza(_ bytes: [UInt8]) -> Stanza? {
        guard
            let element = try? bytes.withUnsafeBytes({ try parser.element($0, in: .client, limits: Limits(bytes: .max)) }),
            let kind = Stanza.kind(of: element)
        else { return nil }
        return Stanza(
            kind, from: element["from"].map { JID.prepared($0) }, to: element["to"].map { JID.prepared($0) }, element: element)
    }
}

/// What was sent to a client that has not said to have it, when its session ended.
struct UndeliveredStanza {
    let bytes: [UInt8]
    /// By `Loop.now`.
    let sentAt: Int64
    let ackHold: AckHold?
}
