internal import Network
public import XMPP

/// A stanza on its way to a client, as it will be sent.
public struct RenderedStanza {
    public let kind: Stanza.Kind
    public let bytes: [UInt8]
    /// Delays the sender's acknowledgement until the client has the stanza or it is stored; nil where nothing waits for that.
    let ackHold: AckHold?
    /// How many times the mesh has refused it.
    let failures: UInt8

    public init(_ kind: Stanza.Kind, _ bytes: [UInt8]) { self.init(kind, bytes, nil) }

    init(_ kind: Stanza.Kind, _ bytes: [UInt8], _ ackHold: AckHold?, failures: UInt8 = 0) {
        self.kind = kind
        self.bytes = bytes
        self.ackHold = ackHold
        self.failures = failures
    }
}
