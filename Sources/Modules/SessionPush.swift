internal import Kernel
internal import Network
internal import XML
internal import XMPP

extension Session {
    /// Sends the client an IQ of type `set` that tells it of a change (RFC 6121 §2.1.6, XEP-0191 §3.2).
    /// - Parameter payload: an element as it stands within a stanza.
    func push(_ payload: [UInt8]) {
        PushNumbers.last += 1
        var writer = ElementWriter()
        writer.raw("<iq type='set' id='push")
        writer.escaped(String(PushNumbers.last))
        writer.raw("' to='")
        writer.escaped(jid.description)
        writer.raw("'>")
        writer.raw(payload)
        writer.raw("</iq>")
        deliver(.iq, writer.finish())
    }
}

/// The ids of pushes of this worker; no answer is awaited.
@LoopActor
private enum PushNumbers {
    static var last: UInt64 = 0
}
