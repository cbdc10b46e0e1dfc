internal import Network
internal import XMPP

/// Something that comes for a session after its snapshot was sent, and follows it to its new worker.
enum MigrationFollowUp {
    case stanza(RenderedStanza)
    case event(UserEvent)
    /// The session is to end: the server closes it, or its own stream has ended.
    case close(StreamError)
    /// The worker in this slot has acknowledged the marker: what it had sent here before has followed the session.
    case flushed(slot: UInt8)

    fileprivate var byteCount: Int {
        switch self {
        case .stanza(let stanza): stanza.bytes.count
        case .event(let event): event.payload.count
        case .close, .flushed: 0
        }
    }
}

/// A session that was sent to another worker, from its snapshot to the end of the course.
@LoopActor
final class OutgoingMigration {
    /// Milliseconds from the snapshot to `completed`. A migration that lasts longer is dropped: before `adopted` its session
    /// ends with `reset`, after that what comes late is routed anew instead of being sent after the session.
    static let deadlineMilliseconds: Int64 = 10_000
    /// Follow-ups that wait for `adopted`, and their bytes; with more the session ends with `reset`, and its stanzas are
    /// routed anew.
    static let maxPending = 4096
    static let maxPendingBytes = 8 << 20

    let session: Session
    let slot: UInt8
    /// When its snapshot was sent, in milliseconds of `Loop.now`.
    let since = Loop.now
    /// One for each of its messages that delays its sender's acknowledgement, in order.
    let tickets: [UInt64]
    /// The session's number with its new worker, once that has adopted it.
    var successor: UInt64?
    var timer: Loop.Timer?
    /// The session ends as soon as it is known which worker has it.
    var isEnding = false
    private var pending: [MigrationFollowUp] = []
    private var pendingBytes = 0

    init(_ session: Session, to slot: UInt8, _ tickets: [UInt64]) {
        self.tickets = tickets
        self.session = session
        self.slot = slot
    }

    /// Holds a follow-up until it is known which worker has the session.
    /// - Returns: false if too much waits now.
    func hold(_ followUp: MigrationFollowUp) -> Bool {
        pending.append(followUp)
        pendingBytes += followUp.byteCount
        return pending.count <= Self.maxPending && pendingBytes <= Self.maxPendingBytes
    }

    /// Removes the follow-ups that wait.
    func removePending() -> [MigrationFollowUp] {
        defer { (pending, pendingBytes) = ([], 0) }
        return pending
    }
}
