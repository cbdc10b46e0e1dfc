internal import Network
public import XMPP

/// A stanza on its way to a client, as it will be sent.
public struct RenderedStanza {
    public let kind: Stanza.Kind
    public let bytes: [UInt8]
    /// Held until the client has it, or somebody else.
    let ackHold: AckHold?
    /// How many times another worker could not be given it.
    let failures: UInt8

    public init(_ kind: Stanza.Kind, _ bytes: [UInt8]) { self.init(kind, bytes, nil) }

    init(_ kind: Stanza.Kind, _ bytes: [UInt8], _ ackHold: AckHold?, failures: UInt8 = 0) {
        self.kind = kind
        self.bytes = bytes
        self.ackHold = ackHold
        self.failures = failures
    }
}
