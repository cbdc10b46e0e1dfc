internal import XML
internal import XMPP

/// What every stanza must be, whatever it says (RFC 6120 §8.1–§8.3).
enum StanzaRules {
    /// Why a client's stanza cannot be processed at all, or `nil`.
    static func violation(_ stanza: Stanza) -> StanzaError? {
        switch stanza.kind {
        case .iq: iqViolation(stanza)
        case .presence: presenceTypes.contains(stanza.type ?? "") ? nil : StanzaError(.badRequest)
        case .message: nil
        }
    }

    private static let presenceTypes: Set<String> = [
        "", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error",
    ]

    /// RFC 6120 §8.2.3: an id, one of four types, exactly one child in a request.
    private static func iqViolation(_ stanza: Stanza) -> StanzaError? {
        guard stanza.element["id"] != nil else { return StanzaError(.badRequest, text: "An IQ needs an id") }
        switch stanza.type {
        case "get", "set":
            var children = stanza.element.children
            guard children.next() != nil, children.next() == nil else {
                return StanzaError(.badRequest, text: "A request has exactly one child element")
            }
            return nil
        case "result", "error": return nil
        default: return StanzaError(.badRequest, text: "An IQ is of type get, set, result or error")
        }
    }

    /// Whether an error may be sent in answer: never to an error, and of IQs only to requests (RFC 6120 §8.3.1).
    static func mayBeAnswered(_ stanza: Stanza) -> Bool {
        switch stanza.kind {
        case .iq: !stanza.isError && !stanza.isType("result")
        case .message, .presence: !stanza.isError
        }
    }
}
