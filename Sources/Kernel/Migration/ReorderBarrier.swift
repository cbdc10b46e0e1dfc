internal import Network
internal import XMPP

/// Keeps the order of each sender's stanzas to a session that has migrated here (RFC 6120 §10.1).
///
/// They come on two paths: through the former worker, which sends them after the session, and directly. Direct ones are held
/// until every worker's marker has come back through the former one. That worker's own direct ones are held, too: it sees the
/// session here before it has sent the rest after it.
@LoopActor
final class ReorderBarrier {
    /// The former worker.
    let origin: UInt8
    /// The session's number there.
    let connection: UInt64
    /// The workers whose markers have not come back.
    private(set) var awaited: Set<UInt8>
    private var held: [RenderedStanza] = []
    private var heldBytes = 0
    private let opened = Loop.Signal()

    init(origin: UInt8, connection: UInt64, awaited: Set<UInt8>) {
        self.origin = origin
        self.connection = connection
        self.awaited = awaited
    }

    /// Holds a stanza back.
    /// - Returns: whether more is held than may wait for a client (`UnreadBound.longestQueue`); one stanza is never too much.
    func hold(_ stanza: RenderedStanza) -> Bool {
        let isOverBound = heldBytes > UnreadBound.longestQueue
        held.append(stanza)
        heldBytes += stanza.bytes.count
        return isOverBound
    }

    /// Takes note that a worker's marker has come back.
    /// - Returns: whether it was the last.
    func confirmFlush(of slot: UInt8) -> Bool {
        awaited.remove(slot)
        return awaited.isEmpty
    }

    /// Delivers what was held, in order, and holds nothing any more.
    func open(_ session: Session) {
        session.barrier = nil
        for stanza in held { session.deliver(stanza) }
        held = []
        heldBytes = 0
        resumeWaiters()
    }

    /// Waits until the barrier is open, or its session has ended.
    func waitUntilOpen() async { await opened.wait() }

    /// Ends all waits.
    func resumeWaiters() { opened.fire() }
}
