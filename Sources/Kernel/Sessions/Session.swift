public import Network
public import SharedState
internal import Telemetry
public import XML
public import XMPP

/// The stream under a session, as the kernel sees it: somewhere to write to.
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
    /// Ends the stream, with an error or without a word; the session's `end` follows from it.
    func close(_ error: StreamError?)
    /// The session goes on without this stream, which ends: with an error, or without a word.
    func release(_ error: StreamError?)
    func pauseReading()
    func resumeReading()
}

/// One bound resource of a user: a serial inbox of what its client sends, and the way to that client. With stream
/// management (XEP-0198) it outlives its connection and may be resumed on another.
@LoopActor
public final class Session {
    public let jid: JID
    /// The number of the connection that it began with, unique in this process; it keeps the number when it is resumed.
    public let connection: UInt64
    /// Its own, since work of a session may be under way when its host is gone.
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
    /// Keeps what others send in order while the session is new on this worker.
    var barrier: ReorderBarrier?
    private var states: [(index: Int, value: Any)] = []
    public var inbox = StanzaInbox()
    private var settledHandlers: [@LoopActor () -> Void] = []
    private var unreadStanzas: Int32 = 0
    private var written: UInt64 = 0
    private var pins: Int32 = 0

    /// Decides on each stanza for this client: what it answers is sent. Set while a module holds things back (XEP-0352).
    public var outputFilter: (@LoopActor (RenderedStanza) -> [RenderedStanza])?

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

    /// Takes the client's next stanza; while an earlier one waits for storage it is kept in order.
    public func receive(_ element: Element) {
        lastHeard = Loop.turnBegan
        admit(element, isInjected: false)
    }

    /// Handles a stanza that a module made as if the client had sent it, in order with those that it did send. The client
    /// did not count it, so it is not counted here either (XEP-0198 §4).
    public func inject(_ element: Element) { admit(element, isInjected: true) }

    /// Runs something that sends to this client and is nobody's stanza: the session does not move before it is done.
    public func runPinned(_ body: @escaping @LoopActor () async -> Void) {
        pins += 1
        Loop.spawn { [self] in
            await body()
            pins -= 1
            notifyIfSettled()
        }
    }

    /// Whether something runs that its client must be heard for.
    var isPinned: Bool { pins > 0 }

    /// Waits until everything has come that was sent to this session at its former worker, or it has ended.
    public func waitForBarrier() async {
        if let barrier { await barrier.waitUntilOpen() }
    }

    /// Nothing that came from the client is being worked on.
    var isSettled: Bool { pins == 0 && inbox.isSettled && streamManagement?.isStoring != true }

    /// Calls `body` as soon as nothing is being worked on, or the session has ended.
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

    /// Sends bytes that are a stanza of this kind.
    public func deliver(_ kind: Stanza.Kind, _ bytes: [UInt8]) { deliver(RenderedStanza(kind, bytes)) }

    public func deliver(_ stanza: RenderedStanza) {
        if stanza.kind == .message { host.server.counters.messagesDelivered += 1 }
        if let barrier { return barrier.hold(stanza) }
        writeThroughFilter(stanza)
    }

    /// The same past the barrier.
    private func writeThroughFilter(_ stanza: RenderedStanza) {
        if let outputFilter {
            for held in outputFilter(stanza) { write(held) }
        } else {
            write(stanza)
        }
    }

    /// The same for bytes that are valid during the call only, from another worker.
    /// - Parameter follows: they were sent after the session by the worker that had it before.
    func deliver(_ kind: Stanza.Kind, _ bytes: UnsafeRawBufferPointer, follows: Bool, _ ackHold: AckHold?) {
        if kind == .message { host.server.counters.messagesDelivered += 1 }
        if barrier == nil, outputFilter == nil, streamManagement == nil {
            transmit(bytes)
        } else if let barrier, !follows {
            barrier.hold(RenderedStanza(kind, Array(bytes), ackHold))
        } else {
            writeThroughFilter(RenderedStanza(kind, Array(bytes), ackHold))
        }
    }

    /// Sends a stanza past the filter.
    public func write(_ stanza: RenderedStanza) {
        guard !hasEnded else { return stanza.ackHold == nil ? () : host.server.redeliver(stanza) }
        guard let streamManagement else { return stanza.bytes.withUnsafeBytes { transmit($0) } }
        // What comes while there is no connection says when it came; what a stream has taken is sent again as it was.
        let stanza = stream == nil ? host.server.delayed(stanza, host) : stanza
        streamManagement.recordSent(stanza, self)
        stanza.bytes.withUnsafeBytes { transmit($0) }
    }

    /// Gives bytes to the network.
    private func transmit(_ bytes: UnsafeRawBufferPointer) {
        guard let stream, !hasEnded else { return }
        if stream.queuedBytes == 0 { unreadStanzas = 0 }
        guard !isOverBound(stream) else { return overflow() }
        unreadStanzas += 1
        written += UInt64(bytes.count)
        stream.send(bytes)
    }

    /// The network has taken everything.
    public func streamDidDrain() { unreadStanzas = 0 }

    /// Whether too much waited before the stanza that is next: how large that is, and what else was written in this turn,
    /// says nothing of whether the client reads.
    private func isOverBound(_ stream: any SessionStream) -> Bool {
        guard stream.isBlocked else { return false }
        if stream.queuedBytes > Session.longestQueue { return true }
        guard let bound = stream.queueBound else { return false }
        return unreadStanzas >= bound && stream.queuedBytes > Connection.highWater
    }

    /// Bytes that may wait for a client that does not read; the next stanza closes its stream. So much, and one stanza of
    /// whatever size, may be unacknowledged where the client acknowledges (XEP-0198).
    static let longestQueue = 8 << 20

    private func overflow() {
        host.server.counters.slowReadersClosed += 1
        Log.notice(
            "client does not read, closing its stream",
            [Field("session", jid), Field("queued_bytes", queuedBytes), Field("queued_stanzas", unreadStanzas)])
        close(StreamError(.resourceConstraint, text: "Too many stanzas are waiting for this client"))
    }

    /// Ends the session and its stream; without an error the client is told nothing but the end.
    public func close(_ error: StreamError?) {
        guard !hasEnded else { return }
        stream?.close(error)
        end()
    }

    /// The session is over: everything that was known of it goes, and what its client has not got finds another way. One
    /// that is about to migrate ends where it is adopted, or here if it stays.
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

    /// Another worker has the session now: here it is as if it had never been.
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
        outputFilter = nil
        barrier?.resumeWaiters()
        barrier = nil
        notifyIfSettled()
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
}
