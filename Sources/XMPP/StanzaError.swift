public import XML

/// Why a stanza was not processed, as its sender is told (RFC 6120 §8.3).
public struct StanzaError: Error, Sendable, Equatable {
    /// What the sender may do about it (RFC 6120 §8.3.2).
    public enum Kind: String, Sendable {
        case auth, cancel, `continue`, modify, wait
    }

    /// The defined conditions of RFC 6120 §8.3.3, by their names on the wire.
    public enum Condition: String, Sendable, CaseIterable {
        case badRequest = "bad-request"
        case conflict
        case featureNotImplemented = "feature-not-implemented"
        case forbidden
        case gone
        case internalServerError = "internal-server-error"
        case itemNotFound = "item-not-found"
        case jidMalformed = "jid-malformed"
        case notAcceptable = "not-acceptable"
        case notAllowed = "not-allowed"
        case notAuthorized = "not-authorized"
        case policyViolation = "policy-violation"
        case recipientUnavailable = "recipient-unavailable"
        case redirect
        case registrationRequired = "registration-required"
        case remoteServerNotFound = "remote-server-not-found"
        case remoteServerTimeout = "remote-server-timeout"
        case resourceConstraint = "resource-constraint"
        case serviceUnavailable = "service-unavailable"
        case subscriptionRequired = "subscription-required"
        case undefinedCondition = "undefined-condition"
        case unexpectedRequest = "unexpected-request"

        /// The kind that RFC 6120 §8.3.3 recommends for the condition.
        public var kind: Kind {
            switch self {
            case .badRequest, .jidMalformed, .notAcceptable, .policyViolation, .redirect: .modify
            case .forbidden, .notAuthorized, .registrationRequired, .subscriptionRequired: .auth
            case .recipientUnavailable, .remoteServerTimeout, .resourceConstraint, .unexpectedRequest: .wait
            case .conflict, .featureNotImplemented, .gone, .internalServerError, .itemNotFound, .notAllowed,
                .remoteServerNotFound, .serviceUnavailable, .undefinedCondition:
                .cancel
            }
        }
    }

    public var condition: Condition
    public var kind: Kind
    /// Words for a person, in English.
    public var text: String?
    /// A condition of an extension beside the defined one, such as `<blocked/>` of XEP-0191.
    public var detail: Element?

    public init(_ condition: Condition, _ kind: Kind? = nil, text: String? = nil, detail: Element? = nil) {
        self.condition = condition
        self.kind = kind ?? condition.kind
        self.text = text
        self.detail = detail
    }

    /// The `<error/>` element.
    public var element: Element {
        var children = [Element(condition.rawValue, Namespace.stanzas)]
        if let text { children.append(Element("text", Namespace.stanzas, ["xml:lang": "en"], text: text)) }
        if let detail { children.append(detail) }
        return Element("error", Namespace.client, ["type": kind.rawValue], children)
    }
}
