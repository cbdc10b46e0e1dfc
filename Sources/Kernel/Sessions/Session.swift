public import Network
public import SharedState
internal import Telemetry
public import XML
public import XMPP

/// The stream under a session, as the kernel sees it: bytes to its client, and whether the client is read.
@LoopActor
public protocol SessionStream: AnyObject {
    /// The client's address, as text.
    var address: String { get }
    var isSecure: Bool { get }
    /// Bytes accepted and not yet taken by the network.
    var queuedBytes: Int { get }
    /// Whether the network has refused some of them: what is queued was not merely written in this turn of the loop.
    var isBlocked: Bool { get }
    /// Stanzas that may wait for the client before it counts as one that does not read; nil: only bytes are bounded.
    var queueBound: Int? { get }
    func send(_ bytes: UnsafeRawBufferPointer)
    /// Ends the stream, with an error or without one; the session's `end` follows from it.
    func close(_ error: StreamError?)
    /// Ends the stream, with an error or without one; the session goes on without it.
    func release(_ error: StreamError?)
    func pauseReading()
    func resumeReading()
}

/// One bound resource of a user: the source of what its client sends, and the way to that client. With stream management
/// (XEP-0198) it outlives its connection and may be resumed on another.
///
/// A stanza to the client takes these steps; the earlier it enters, the more of them it takes:
/// `deliver` (waits behind the barrier of a migration) → `filters` → `write` (stream management) → `transmit` (the bound of
/// a client that does not read) → stream.
@LoopActor
public final class Session {
    public let jid: JID
    /// The number of the connection that it began with, unique in this process; it keeps the number when it is resumed.
    public let connection: UInt64
    /// Strong: handling of a session's stanzas may be under way when the server has no such host any more.
    public let host: Host
    public private(set) var flags: SessionFlags
    public private(set) var priority: Int8 = 0
    /// When it was bound, in seconds since 1970.
    public let since: Int64
    public private(set) var hasEnded = false
    /// When the client was last heard, in milliseconds of `Loop.now`.
    public private(set) var lastHeard = Loop.now

    /// Nil while the session waits to be resumed.
    public internal(set) var stream: (any SessionStream)?
    public internal(set) var address: String
    /// Once the client has enabled stream management.
    public internal(set) var streamManagement: StreamManagementState?
    /// Holds stanzas back while the session is new on this worker; nil when it is not.
    var barrier: ReorderBarrier?
    private var states: [(index: Int, value: Any)] = []
    public var inbox = StanzaInbox()
    private var settledHandlers: [@LoopActor () -> Void] = []
    /// Called at the end; set while the session ends after its inbox.
    private var endHandler: (@LoopActor () -> Void)?
    private var unread = UnreadBound()
    private var written: UInt64 = 0
    private var pins: Int32 = 0

    /// Take each stanza for this client one after another and return those to send now. None unless a module holds stanzas back.
    var filters: [(stage: OutputStage, filter: any OutputFilter)] = []

    init(
        jid: JID, connection: UInt64, host: Host, stream: (any SessionStream)?, address: String = "", since: Int64,
        flags: SessionFlags = [], priority: Int8 = 0
    ) {
        self.priority = priority
        self.jid = jid
        self.connection = connection
        self.host = host
        self.stream = stream
        self.address = stream?.address ?? address
        self.since = since
        self.flags = flags
    }

    /// Its owner in the table.
    public var owner: SessionOwner {
        SessionOwner(slot: host.server.slot, incarnation: host.server.incarnation, connection: connection)
    }

    public var isAvailable: Bool { flags.contains(.available) }
    /// Bytes for the client that the network has not taken yet.
    public var queuedBytes: Int { stream?.queuedBytes ?? 0 }
    /// Bytes of stanzas that were written for the client since it was bound.
    public var writtenBytes: UInt64 { written }

    public subscript<Value>(_ key: SessionKey<Value>) -> Value? {
        get { states.first { $0.index == key.index }?.value as? Value }
        set {
            if let at = states.firstIndex(where: { $0.index == key.index }) {
                if let newValue { states[at].value = newValue } else { states.remove(at: at) }
            } else if let newValue {
                states.append((key.index, newValue))
            }
        }
    }

    /// Changes what other workers see of this session.
    public func update(flags: SessionFlags, priority: Int8) {
        guard !hasEnded, flags != self.flags || priority != self.priority else { return }
        host.server.directory.update(jid, owner: owner, priority: priority, flags: flags)
        self.flags = flags
        self.priority = priority
    }

    public func set(_ flag: SessionFlags, _ on: Bool) {
        update(flags: on ? flags.union(flag) : flags.subtracting(flag), priority: priority)
    }

    // MARK: From the client

    /// Takes the client's next stanza, which has its turn after those before it.
    public func receive(_ element: Element) {
        lastHeard = Loop.turnBegan
        admit(element, isInjected: false)
    }

    /// Handles a stanza that a module made as if the client had sent it, in order with those that it did send. The client
    /// did not count it, so it is not counted here either (XEP-0198 §4).
    public func inject(_ element: Element) { admit(element, isInjected: true) }

    /// Runs work that sends to this client without a stanza of the client's. The session does not migrate before it is done.
    public func runPinned(_ body: @escaping @LoopActor () async -> Void) {
        pins += 1
        Loop.spawn { [self] in
            await body()
            pins -= 1
            notifyIfSettled()
        }
    }

    /// Whether such work runs. The client is read meanwhile, since the work may wait for its acknowledgement.
    var isPinned: Bool { pins > 0 }

    /// Waits until all stanzas have come that were sent to this session at its former worker, or the session has ended.
    public func waitForBarrier() async {
        if let barrier { await barrier.waitUntilOpen() }
    }

    /// No stanza of the client is being handled, no pinned work runs, and nothing is being stored: the session can migrate.
    var isSettled: Bool { pins == 0 && inbox.isSettled && streamManagement?.isStoring != true }

    /// Calls `body` as soon as the session is settled or has ended.
    func whenSettled(_ body: @escaping @LoopActor () -> Void) {
        if isSettled || hasEnded { body() } else { settledHandlers.append(body) }
    }

    func notifyIfSettled() {
        guard !settledHandlers.isEmpty, isSettled || hasEnded else { return }
        let handlers = settledHandlers
        settledHandlers = []
        for handler in handlers { handler() }
    }

    // MARK: To the client

    /// Sends a stanza to this client.
    public func send(_ stanza: Stanza) { deliver(stanza.kind, stanza.rendered()) }

    /// Sends bytes that are one rendered stanza of this kind.
    public func deliver(_ kind: Stanza.Kind, _ bytes: [UInt8]) { deliver(RenderedStanza(kind, bytes)) }

    /// Sends a rendered stanza, in order behind those that the barrier of a migration holds back.
    public func deliver(_ stanza: RenderedStanza) {
        if stanza.kind == .message { host.server.counters.messagesDelivered += 1 }
        if let barrier { return hold(stanza, behind: barrier) }
        writeThroughFilters(stanza)
    }

    /// Sends a stanza from another worker, whose bytes are valid during the call only: they are copied if it must wait.
    /// - Parameter follows: the session's former worker sent them after it, so the barrier lets them pass.
    func deliver(_ kind: Stanza.Kind, _ bytes: UnsafeRawBufferPointer, follows: Bool, _ ackHold: AckHold?) {
        if kind == .message { host.server.counters.messagesDelivered += 1 }
        if barrier == nil, filters.isEmpty, streamManagement == nil {
            transmit(bytes)
        } else if let barrier, !follows {
            hold(RenderedStanza(kind, Array(bytes), ackHold), behind: barrier)
        } else {
            writeThroughFilters(RenderedStanza(kind, Array(bytes), ackHold))
        }
    }

    /// What is held must not gather without end: with more than may wait for a client the barrier opens, and order is given up.
    private func hold(_ stanza: RenderedStanza, behind barrier: ReorderBarrier) {
        guard barrier.hold(stanza) else { return }
        // Not now: the caller is in the middle of a delivery.
        Loop.endOfTurn { [self] in
            if self.barrier === barrier { host.server.migration.openBarrier(of: self) }
        }
    }

    /// Sends a stanza past the filters. One for a session that has ended is routed anew if its sender waits for it.
    public func write(_ stanza: RenderedStanza) {
        guard !hasEnded else { return stanza.ackHold == nil ? () : host.server.redeliver(stanza) }
        guard let streamManagement else { return stanza.bytes.withUnsafeBytes { transmit($0) } }
        // Without a connection it is stamped with the time (XEP-0203). What a stream has taken is sent again as it was.
        let stanza = stream == nil ? host.server.delayed(stanza, host) : stanza
        streamManagement.recordSent(stanza, self)
        if streamManagement.isResending { return }
        stanza.bytes.withUnsafeBytes { transmit($0) }
    }

    /// Gives bytes to the stream, or closes the session if too much waits for its client. Without a stream they are dropped:
    /// stream management has them.
    private func transmit(_ bytes: UnsafeRawBufferPointer) {
        guard let stream, !hasEnded else { return }
        guard unread.admits(stream) else { return overflow() }
        written += UInt64(bytes.count)
        stream.send(bytes)
    }

    /// Takes note that the network has accepted all bytes.
    public func streamDidDrain() { unread.drain() }

    private func overflow() {
        host.server.counters.slowReadersClosed += 1
        Log.notice(
            "client does not read, closing its stream",
            [Field("session", jid), Field("queued_bytes", queuedBytes), Field("queued_stanzas", unread.stanzas)])
        close(StreamError(.resourceConstraint, text: "Too many stanzas are waiting for this client"))
    }

    /// Ends the session and its stream, with an error or without one.
    public func close(_ error: StreamError?) {
        guard !hasEnded else { return }
        stream?.close(error)
        end()
    }

    /// Nothing more comes from the client. Its stanzas that came before and wait for an earlier one are handled first (RFC
    /// 6120 §10.1); then the session ends, and `body` is called.
    public func endAfterInbox(then body: @escaping @LoopActor () -> Void) {
        guard !endsAfterInbox else { return }
        endHandler = body
        if inbox.isIdle || hasEnded { endNow() }
    }

    /// Whether it ends as soon as its client's stanzas are handled.
    public var endsAfterInbox: Bool { endHandler != nil }

    private func endNow() {
        end()
        callEndHandler()
    }

    private func callEndHandler() {
        let body = endHandler
        endHandler = nil
        body?()
    }

    /// Ends the session: its entry and its state go, and what its client has not acknowledged is routed anew. A session that is
    /// migrating ends with the worker that adopts it, or here if it stays.
    public func end() {
        guard !hasEnded, !host.server.migration.deferEnd(of: self) else { return }
        barrier?.open(self)
        guard !hasEnded else { return }
        host.hooks.sessionEnding.tell(self)
        guard !hasEnded else { return }
        let left = streamManagement?.sessionDidEnd(self) ?? []
        hasEnded = true
        host.server.remove(self)
        if flags.contains(.anonymous) { host.forgetAnonymous(jid.bare) }
        forget()
        host.server.redeliver(left, on: host)
    }

    /// Drops the session without any effect on others: another worker has it now.
    func discardAfterMigration() {
        hasEnded = true
        stream?.release(nil)
        streamManagement?.cancel()
        streamManagement?.unacked = UnackedMessages()
        forget()
    }

    private func forget() {
        stream = nil
        states = []
        inbox.removeAll()
        filters = []
        barrier?.resumeWaiters()
        barrier = nil
        notifyIfSettled()
        callEndHandler()
    }
}

extension Session: StanzaSource {
    public var session: Session? { self }
    public var acknowledges: Bool { streamManagement != nil }
    public func pauseReading() { stream?.pauseReading() }
    public func resumeReading() { stream?.resumeReading() }

    public func handle(_ element: Element) {
        host.server.currentStanza = CurrentStanza(element, of: connection)
        host.router.accept(element, from: self)
    }

    public func inboxDidAdvance() {
        streamManagement?.answerIfHandled(self)
        notifyIfSettled()
    }

    public func inboxDidBecomeIdle() { if endsAfterInbox { endNow() } }
}
