public import Network
internal import Telemetry
internal import XMPP

/// A condition of an acknowledgement, usually a commit: until it is fulfilled the peer is not told that its stanza was handled
/// (XEP-0198 §4). Delivery does not wait for it. Its holder calls exactly one of `fulfill` and `fail`, once.
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

    /// Gives the condition up. The stream ends with `internal-server-error`, so that the peer sends again whatever was not
    /// acknowledged; the condition stays open, so the count never passes the stanza.
    public func fail(_ reason: String) {
        guard !source.hasEnded else { return }
        Log.error("a stanza cannot be acknowledged, closing its stream", [Field("session", source.jid), Field("reason", reason)])
        source.close(StreamError(.internalServerError, text: reason))
    }
}
