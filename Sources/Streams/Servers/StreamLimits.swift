internal import XML

/// What one side of a stream takes at most (XEP-0478).
public struct StreamLimits: Equatable, Sendable {
    static let namespace = "urn:xmpp:stream-limits:0"

    /// Bytes of one top-level element; nil: not told.
    public var maxBytes: Int?
    /// How long nothing may come before the stream counts as idle; nil: not told.
    public var idleSeconds: Int?

    public init(maxBytes: Int? = nil, idleSeconds: Int? = nil) {
        self.maxBytes = maxBytes
        self.idleSeconds = idleSeconds
    }

    /// Reads the limits out of a features element or a request for both directions; what is no number there is not told.
    init?(in parent: Element) {
        guard let limits = parent.child("limits", Self.namespace) else { return nil }
        func number(_ name: String) -> Int? { limits.child(name).flatMap { Int($0.trimmedText) }.flatMap { $0 > 0 ? $0 : nil } }
        self.init(maxBytes: number("max-bytes"), idleSeconds: number("idle-seconds"))
    }

    /// Nil if there is nothing to tell.
    var element: Element? {
        let numbers = [("max-bytes", maxBytes), ("idle-seconds", idleSeconds)]
        let children = numbers.compactMap { name, value in value.map { Element(name, Self.namespace, text: String($0)) } }
        return children.isEmpty ? nil : Element("limits", Self.namespace, [:], children)
    }
}
