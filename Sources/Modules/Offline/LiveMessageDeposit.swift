internal import Kernel
internal import Network
internal import Storage
internal import Telemetry
internal import XMPP

/// Stores the messages that come for a session without a connection while older ones are stored that it was not sent. Among
/// what its client has not acknowledged they would be sent first at the resumption (XEP-0198 §5), before those older ones.
@LoopActor
final class LiveMessageDeposit: OutputFilter {
    static let key = SessionKey<LiveMessageDeposit>()
    /// Bytes that may wait to be stored; with more, all join the unacknowledged and the order is given up.
    private static let mostBytes = 1 << 20
    /// Messages that may come while others are being stored; with more, the same: a client that comes back waits for them.
    private static let mostMessages = 500

    private struct Message {
        /// Its hold delays the sender's acknowledgement until it is stored.
        let rendered: RenderedStanza
        let stanza: Stanza
    }

    /// The session owns this.
    private unowned let session: Session
    private let limitRule: String
    /// Those that are stored next, the first of them at the end; behind them come those that are held.
    private var due: [Message] = []
    private var held: [Message] = []
    private var size = 0
    private var isStoring = false
    /// Messages that have come since storing began.
    private var count = 0
    /// Whether all goes on as it comes: too much waits, or cannot be stored.
    private var isOpen = false

    private init(_ session: Session, _ limitRule: String) {
        self.session = session
        self.limitRule = limitRule
    }

    /// Has the messages of a session stored from now on; nothing happens if they are, or its client is connected.
    static func begin(for session: Session, _ limitRule: String) {
        guard !session.hasEnded, !session.isAttached, session.streamManagement != nil, session[key] == nil else { return }
        let deposit = LiveMessageDeposit(session, limitRule)
        session[key] = deposit
        session.add(deposit, at: .order)
    }

    /// The session has its client again, or ends: what is not being stored goes on.
    static func end(for session: Session) {
        guard let deposit = session[key] else { return }
        session[key] = nil
        session.remove(deposit)
    }

    func filter(_ stanza: RenderedStanza) -> [RenderedStanza] {
        guard !isOpen, let message = session.host.storable(stanza) else { return [stanza] }
        held.append(Message(rendered: stanza, stanza: message))
        size += stanza.bytes.count
        count += 1
        guard size <= Self.mostBytes, count <= Self.mostMessages else {
            isOpen = true
            return takeAll()
        }
        store()
        return []
    }

    func takeAll() -> [RenderedStanza] {
        defer { (due, held, size) = ([], [], 0) }
        return (due.reversed() + held).map(\.rendered)
    }

    /// Stores what is held, one message after the other. The session is neither resumed nor migrates meanwhile.
    private func store() {
        guard !isStoring else { return }
        isStoring = true
        session.runPinned { [self, session] in
            while let next = next() { await store(next, of: session) }
            isStoring = false
            count = 0
        }
    }

    private func next() -> Message? {
        if due.isEmpty {
            due = held.reversed()
            held = []
        }
        guard let next = due.popLast() else { return nil }
        size -= next.rendered.bytes.count
        return next
    }

    private func store(_ message: Message, of session: Session) async {
        let (host, user, now) = (session.host, session.jid.bare, ClockText.milliseconds)
        let receivedAt = OfflineRules.firstReceived(message.stanza.element, by: host.domain, now: now) ?? now
        do throws(StorageError) {
            let result = try await OfflineMessages.store(message.stanza, for: user, on: host, receivedAt: receivedAt, limitRule)
            // Other resources have not been told of it, and this one asks no more.
            if result == .stored { return session.hasEnded ? OfflineMessages.wake(user, on: host) : () }
        } catch {
            Log.error(
                "cannot store a message for a session without a connection",
                [Field("session", session.jid), Field("error", error)])
        }
        giveUp(message, of: session)
    }

    /// Lets a message that is not stored, and all behind it, go on.
    private func giveUp(_ message: Message, of session: Session) {
        isOpen = true
        guard session[Self.key] === self else {
            return session.hasEnded ? session.host.server.redeliver(message.rendered) : session.deliver(message.rendered)
        }
        due.append(message)
        session.remove(self)
    }
}
