public import XMPP

/// A key that one server wants to be checked by the authority for the domain that has sent it (XEP-0220 §2.2).
///
/// An incoming stream asks for the check, an outgoing stream to the authority makes it, and its answer goes back.
public struct DialbackRequest: Hashable, Sendable {
    /// `remote` is the domain to be proved.
    public let pair: DomainPair
    /// The id of the incoming stream, as its current header had it.
    public let streamID: String
    public let key: String

    public init(pair: DomainPair, streamID: String, key: String) {
        self.pair = pair
        self.streamID = streamID
        self.key = key
    }
}

/// What a check of a key has shown.
public enum DialbackAnswer: Equatable, Sendable {
    case valid
    case invalid
    /// There was no check; the peer is told why (XEP-0220 §2.5), the log the rest.
    case error(StanzaError.Condition, reason: String)
}
