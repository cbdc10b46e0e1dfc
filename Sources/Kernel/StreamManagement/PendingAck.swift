public import Network
internal import Telemetry
internal import XMPP

/// Something that must be done, usually a commit, before a client is told that its stanza was handled (XEP-0198 §4).
/// Delivery does not wait for it, the acknowledgement does. Exactly one of `fulfill` and `fail` is called, once.
@LoopActor
public struct PendingAck {
    private let source: any StanzaSource
    /// Nil for a stanza that is not counted.
    private let number: UInt32?

    init(_ source: any StanzaSource, _ number: UInt32?) {
        self.source = source
        self.number = number
    }

    public func fulfill() {
        if let number { source.fulfill(number) }
    }

    /// It cannot be done. The stream ends with `internal-server-error`, so that the client sends again whatever was not
    /// acknowledged; the condition itself stays open for ever.
    public func fail(_ reason: String) {
        guard !source.hasEnded else { return }
        Log.error("a stanza cannot be acknowledged, closing its stream", [Field("session", source.jid), Field("reason", reason)])
        source.close(StreamError(.internalServerError, text: reason))
    }
}
