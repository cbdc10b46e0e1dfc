internal import Network
internal import XMPP

/// A message that is with somebody who may still lose it. As long as this is referred to, its sender is not told that it
/// was handled (XEP-0198 §4); so nobody who has a part in the delivery can forget to say that it is done.
@LoopActor
final class AckHold {
    /// Whom its end concerns.
    enum Owner {
        case sender(PendingAck)
        /// The worker that has it, too, and keeps it until the ticket is given back.
        case peer(slot: UInt8, ticket: UInt64)
        /// Nobody: it is stored under this number, and forgotten then.
        case row(Int64, user: JID, any OfflineStore)
    }

    /// Like everything that refers to it, it lives and ends on the loop.
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
