internal import Network
internal import XMPP

/// A message that is with somebody who may still lose it. As long as this is referred to, its sender is not told that it
/// was handled (XEP-0198 §4); so nobody who has a part in the delivery can forget to say that it is done.
@LoopActor
final class Custody {
    /// Whom its end concerns.
    enum Owner {
        case sender(Promise)
        /// The worker that has it, too, and keeps it until the ticket is given back.
        case peer(slot: UInt8, ticket: UInt64)
        /// Nobody: it is stored under this number, and forgotten then.
        case row(Int64, user: JID, any OfflineKeeper)
    }

    /// Like everything that refers to it, it lives and ends on the loop.
    private nonisolated(unsafe) let owner: Owner
    private nonisolated let custodies: Custodies

    init(of promise: Promise, _ custodies: Custodies) {
        owner = .sender(promise)
        self.custodies = custodies
    }

    init(of ticket: UInt64, _ slot: UInt8, _ custodies: Custodies) {
        owner = .peer(slot: slot, ticket: ticket)
        self.custodies = custodies
    }

    init(of row: Int64, _ user: JID, _ keeper: any OfflineKeeper, _ custodies: Custodies) {
        owner = .row(row, user: user, keeper)
        self.custodies = custodies
    }

    deinit { custodies.ended(owner) }
}
