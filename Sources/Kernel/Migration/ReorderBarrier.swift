internal import Network
internal import XMPP

/// Holds back what comes directly for a session that is new on this worker, until everything has come that was sent to
/// its former worker: so that nothing is overtaken (RFC 6120 §10.1). What the former worker sends after it passes; what
/// that sends of its own is held back, too, since it sees the session here before it may send the rest after it.
@LoopActor
final class ReorderBarrier {
    /// The former worker.
    let origin: UInt8
    /// The session's number there.
    let connection: UInt64
    /// The workers of which earlier stanzas may still be on their way.
    private(set) var awaited: Set<UInt8>
    private var held: [RenderedStanza] = []
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(origin: UInt8, connection: UInt64, awaited: Set<UInt8>) {
        self.origin = origin
        self.connection = connection
        self.awaited = awaited
    }

    func hold(_ stanza: RenderedStanza) { held.append(stanza) }

    /// Nothing more comes from that worker by way of the former one; whether that was the last.
    func confirmFlush(of slot: UInt8) -> Bool {
        awaited.remove(slot)
        return awaited.isEmpty
    }

    func open(_ session: Session) {
        session.barrier = nil
        for stanza in held { session.deliver(stanza) }
        held = []
        resumeWaiters()
    }

    /// Waits until it is open, or until its session is no more.
    func waitUntilOpen() async { await withCheckedContinuation { waiters.append($0) } }

    /// Nobody is to wait any longer.
    func resumeWaiters() {
        let waiters = waiters
        self.waiters = []
        for waiter in waiters { waiter.resume() }
    }
}
