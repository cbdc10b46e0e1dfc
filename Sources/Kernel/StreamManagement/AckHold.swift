internal import Network
internal import XMPP

/// Delays the sender's acknowledgement of a message (XEP-0198 §4) while a crash could still lose it.
///
/// Each carrier of the message keeps a reference: the rendered stanza on its way, the send window of another worker, the
/// unacknowledged messages of the recipient's client. The last reference that goes releases the hold, so no carrier can
/// forget to. A carrier drops its reference when the client has the message, or when it is stored.
@LoopActor
final class AckHold {
    /// What the release ends.
    enum Owner {
        /// The condition of the sender's acknowledgement, on the sender's worker.
        case sender(PendingAck)
        /// The entry in the send window of the worker that sent the message here, which gets the ticket back.
        case peer(slot: UInt8, ticket: UInt64)
        /// The stored copy under this number, which is deleted. The sender has its acknowledgement already.
        case row(Int64, user: JID, any OfflineStore)
    }

    /// Read in `deinit` only, which runs on the loop as all carriers do.
    private nonisolated(unsafe) let owner: Owner
    private nonisolated let ackHolds: AckHolds

    init(of ack: PendingAck, _ ackHolds: AckHolds) {
        owner = .sender(ack)
        self.ackHolds = ackHolds
    }

    init(of ticket: UInt64, _ slot: UInt8, _ ackHolds: AckHolds) {
        owner = .peer(slot: slot, ticket: ticket)
        self.ackHolds = ackHolds
    }

    init(of row: Int64, _ user: JID, _ offlineStore: any OfflineStore, _ ackHolds: AckHolds) {
        owner = .row(row, user: user, offlineStore)
        self.ackHolds = ackHolds
    }

    deinit { ackHolds.releaseLater(owner) }
}
