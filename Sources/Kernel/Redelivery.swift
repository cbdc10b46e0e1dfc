internal import Network
internal import Streams
internal import XML
internal import XMPP

/// What a session's client has not got when the session ends finds another way (XEP-0198 §5): another resource, what is
/// kept for users who are not there, or back to the sender.
extension Server {
    func redeliver(_ entries: [UnacknowledgedStanzas.Entry], on host: Host) {
        guard !entries.isEmpty else { return }
        let stanzas = entries.compactMap { entry -> Stanza? in
            guard var stanza = stanza(entry.bytes), stanza.kind != .presence else { return nil }
            // A request goes back with an error, which tells of no time.
            if stanza.kind == .message, stanza.element.child("delay", Namespace.delay) == nil {
                let stamp = ClockText.utc(ClockText.now - (Loop.now - entry.sentAt) / 1000)
                let delay = Element("delay", Namespace.delay, ["from": host.domain, "stamp": stamp])
                stanza = stanza.appending([delay])
            }
            return stanza
        }
        for stanza in stanzas { redeliver(stanza) }
    }

    /// All are on their way before the first has arrived, so that what comes later stays behind them.
    /// - Parameter sender: whose stanza it is that is being worked on; it does not count as handled before this is done.
    func redeliver(_ stanza: Stanza, for sender: Session? = nil) {
        guard let rest = router.redeliver(stanza) else { return }
        let promise = sender?.promise()
        background {
            await rest()
            promise?.keep()
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
