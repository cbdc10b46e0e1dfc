public import XMPP

/// Why stanzas between two domains cannot pass, or a stream between servers came to a bad end.
public struct ServerFailure: Error, Equatable, Sendable {
    /// For a person who reads the log or the bounce, in English; begins in lower case and has no full stop.
    public let reason: String
    /// What the senders of waiting stanzas are told (RFC 6120 §8.3.3).
    public let condition: StanzaError.Condition
    /// Whether another connection that does without SASL EXTERNAL may get further: the peer ended this one over it.
    public let isWorthDialback: Bool

    public init(_ reason: String, _ condition: StanzaError.Condition = .remoteServerTimeout, isWorthDialback: Bool = false) {
        self.reason = reason
        self.condition = condition
        self.isWorthDialback = isWorthDialback
    }

    /// The error for a stanza that was to go over the stream.
    public var stanzaError: StanzaError { StanzaError(condition, text: reason) }
}
