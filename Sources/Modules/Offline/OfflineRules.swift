internal import XML
internal import XMPP

/// Decides which messages are stored: rules without a server around them.
enum OfflineRules {
    enum Verdict: Equatable {
        case store
        /// Dropped without an error.
        case ignore
        /// Refused: the sender gets an error.
        case refuse
    }

    /// XEP-0160 §3, and the hints of XEP-0334 §4.
    static func verdict(_ message: Element) -> Verdict {
        if message.attribute("type", equals: "error") || message.attribute("type", equals: "headline") { return .ignore }
        var verdict = Verdict.ignore
        for child in message.children {
            if child.isIn(Namespace.hints) {
                if child.isNamed("no-store") { return .refuse }
                if child.isNamed("store") { verdict = .store }
            } else if verdict == .ignore, !child.isNamed("thread"), !child.isIn(Namespace.chatStates) {
                verdict = .store
            }
        }
        return verdict
    }

    /// The lifetime that the sender gives the message (XEP-0023), in milliseconds; nil: for ever.
    static func lifetime(_ message: Element) -> Int64? {
        guard let seconds = message.child("x", "jabber:x:expire")?["seconds"].flatMap({ Int32($0) }), seconds > 0 else {
            return nil
        }
        return Int64(seconds) * 1000
    }

    /// When the message first came to this domain by its delay stamp (XEP-0203), in milliseconds since 1970, at most `now`; nil:
    /// it has none.
    static func firstReceived(_ message: Element, by domain: String, now: Int64) -> Int64? {
        let stamp = message.children.first { $0.is("delay", Namespace.delay) && $0.attribute("from", equals: domain) }
        return stamp?["stamp"].flatMap(DateTime.microseconds).map { min($0 / 1000, now) }
    }
}
