public import XML

/// Why a stream ends, as the other side is told (RFC 6120 §4.9).
public struct StreamError: Error, Sendable, Equatable {
    /// The defined conditions of RFC 6120 §4.9.3, by their names on the wire.
    public enum Condition: String, Sendable, CaseIterable {
        case badFormat = "bad-format"
        case badNamespacePrefix = "bad-namespace-prefix"
        case conflict
        case connectionTimeout = "connection-timeout"
        case hostGone = "host-gone"
        case hostUnknown = "host-unknown"
        case improperAddressing = "improper-addressing"
        case internalServerError = "internal-server-error"
        case invalidFrom = "invalid-from"
        case invalidNamespace = "invalid-namespace"
        case invalidXML = "invalid-xml"
        case notAuthorized = "not-authorized"
        case notWellFormed = "not-well-formed"
        case policyViolation = "policy-violation"
        case remoteConnectionFailed = "remote-connection-failed"
        case reset
        case resourceConstraint = "resource-constraint"
        case restrictedXML = "restricted-xml"
        case seeOtherHost = "see-other-host"
        case systemShutdown = "system-shutdown"
        case undefinedCondition = "undefined-condition"
        case unsupportedEncoding = "unsupported-encoding"
        case unsupportedFeature = "unsupported-feature"
        case unsupportedStanzaType = "unsupported-stanza-type"
        case unsupportedVersion = "unsupported-version"
    }

    public var condition: Condition
    /// Words for a person who reads the other side's log, in English.
    public var text: String?
    /// What a protocol of its own has to say about it (RFC 6120 §4.9.4).
    public var detail: Element?

    public init(_ condition: Condition, text: String? = nil, detail: Element? = nil) {
        self.condition = condition
        self.text = text
        self.detail = detail
    }

    /// What the parser found, in the words of the stream.
    public init(malformed: Malformed) {
        switch malformed {
        case .notWellFormed: self.init(.notWellFormed)
        case .restricted: self.init(.restrictedXML)
        case .unsupportedEncoding: self.init(.unsupportedEncoding)
        case .tooBig: self.init(.policyViolation, text: "The element is too big")
        case .tooDeep: self.init(.policyViolation, text: "The element is nested too deeply")
        case .tooManyAttributes: self.init(.policyViolation, text: "The element has too many attributes")
        }
    }

    /// The `<stream:error/>` element.
    public var element: Element {
        var children = [Element(condition.rawValue, Namespace.streams)]
        if let text { children.append(Element("text", Namespace.streams, ["xml:lang": "en"], text: text)) }
        if let detail { children.append(detail) }
        return Element("error", Namespace.stream, [:], children)
    }
}
