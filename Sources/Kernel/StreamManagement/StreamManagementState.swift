public import Network
internal import SharedState
internal import Storage
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// Stream management of one session (XEP-0198): counts in both directions, and what the client has not acknowledged.
///
/// Requests and answers are gathered and sent once at the end of a turn, so that a client that asks without end costs
/// no more than its own bytes.
@LoopActor
public final class StreamManagementState {
    /// What was agreed when it was enabled.
    public struct Terms: Sendable, Equatable {
        /// Stanzas that may wait for acknowledgement; nil: as many as there are.
        public var maxUnacked: Int?
        /// After how many stanzas the client is asked; nil: never.
        public var requestInterval: Int?
        /// Milliseconds for which the session can be resumed; nil: it cannot.
        public var resumeTimeout: Int64?
        /// Seconds for which the count of a session that was not resumed is remembered; nil: it is not.
        public var resumeCountLifetime: Int64?

        public init(maxUnacked: Int?, requestInterval: Int?, resumeTimeout: Int64?, resumeCountLifetime: Int64?) {
            self.maxUnacked = maxUnacked
            self.requestInterval = requestInterval
            self.resumeTimeout = resumeTimeout
            self.resumeCountLifetime = resumeCountLifetime
        }
    }

    let terms: Terms
    /// Whoever knows it may resume the session, if it is the same user; empty: nobody.
    public let key: String
    var waiting: UnacknowledgedStanzas
    /// The session's count when the client's began.
    private let base: UInt32
    /// The counts of the first request that waits for its answer, and of the last.
    private var openRequests: (first: UInt32, last: UInt32)?
    private var sinceRequest = 0
    private var mustRequest = false
    private var isFlushScheduled = false
    /// When the session ends unless it is resumed; or the client's patience is over.
    private var timer: Loop.Timer?
    /// Stanzas sent meanwhile are still stored under this number.
    private var receipt: Int64 = 0
    /// What its sender is not told to be handled before the client has it.
    var unacked = UnackedMessages()
    /// Some of that is being stored.
    var isStoring = false
    var isWatched = false

    public static let keyLength = 18
    /// How long a client may leave too many stanzas unacknowledged before its stream is closed.
    private static let overflowMilliseconds: Int64 = 5_000
    /// So many times the agreed number is too much at once.
    private static let farOverFactor = 10

    init(_ terms: Terms, key: String, session: Session, handled: UInt32 = 0, waiting: UnacknowledgedStanzas = .init()) {
        self.terms = terms
        self.key = key
        self.waiting = waiting
        base = session.inbox.received &- handled
    }

    var isResumable: Bool { terms.resumeTimeout != nil }

    /// How many of the client's stanzas have been handled.
    func handled(_ session: Session) -> UInt32 {
        let count = session.inbox.handled &- base
        // What was begun before the count began may still be worked on.
        return count > UInt32.max / 2 && session.inbox.received &- base < UInt32.max / 2 ? 0 : count
    }

    // MARK: From the client

    /// The client wants to know what was handled: it is told when all that it has sent is.
    func handleRequest(_ session: Session) {
        let count = session.inbox.received &- base
        openRequests = (openRequests?.first ?? count, count)
        if isAnswerable(session) { scheduleFlush(session) }
    }

    func answerIfHandled(_ session: Session) {
        if openRequests != nil, isAnswerable(session) { scheduleFlush(session) }
    }

    /// Whether all that the client asked about first has been handled: who asks without a pause is answered, too.
    private func isAnswerable(_ session: Session) -> Bool {
        openRequests.map { has(handled(session), reached: $0.first) } ?? false
    }

    private func has(_ count: UInt32, reached other: UInt32) -> Bool { count &- other <= UInt32.max / 2 }

    /// - Throws: the client says to have got more than it was sent.
    func acknowledge(_ count: UInt32, _ session: Session) throws(UnacknowledgedStanzas.TooHigh) {
        let receipt = try waiting.acknowledge(count)
        if !unacked.isEmpty { forgetAcknowledged(session) }
        if receipt != 0 { session.host.hooks.storedStanzasAcknowledged.tell(StoredStanzas(session: session, upTo: receipt)) }
        if session.stream != nil, let timer, !isOverBound {
            timer.cancel()
            self.timer = nil
        }
    }

    // MARK: To the client

    func recordSent(_ stanza: RenderedStanza, _ session: Session) {
        waiting.append(stanza.bytes, at: Loop.turnBegan, receipt: receipt)
        if let ackHold = stanza.ackHold { trackUnacked(stanza.bytes, ackHold, session) }
        guard session.stream != nil else { return isOverBound ? overflow(session) : () }
        sinceRequest += 1
        if let interval = terms.requestInterval, sinceRequest >= interval {
            mustRequest = true
            scheduleFlush(session)
        }
        if isOverBound { overflow(session) }
    }

    /// What is sent meanwhile is stored under this number until it is acknowledged.
    func stored(_ number: Int64, _ body: () -> Void) {
        receipt = number
        body()
        receipt = 0
    }

    private func scheduleFlush(_ session: Session) {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        session.host.server.scheduleAcknowledgement(session)
    }

    /// The end of the turn: what is due is written.
    func flush(_ session: Session) {
        isFlushScheduled = false
        guard let stream = session.stream else { return }
        if isAnswerable(session) {
            let count = handled(session)
            openRequests = openRequests.flatMap { has(count, reached: $0.last) ? nil : ($0.last, $0.last) }
            StreamManagementXML.answer(count).withUnsafeBytes { stream.send($0) }
        }
        if mustRequest, !waiting.isEmpty { sendRequest(stream) }
        mustRequest = false
    }

    /// The client is asked at the end of the turn for what it has been sent since it was asked last.
    func requestOverdueAcknowledgement(_ session: Session) {
        guard terms.requestInterval != nil, sinceRequest > 0, session.stream != nil else { return }
        mustRequest = true
        scheduleFlush(session)
    }

    /// The client is asked at the end of the turn, also where it is not asked by itself: it gets no more before it answers.
    func requestAcknowledgement(_ session: Session) {
        guard session.stream != nil else { return }
        mustRequest = true
        scheduleFlush(session)
    }

    private func sendRequest(_ stream: any SessionStream) {
        sinceRequest = 0
        StreamManagementXML.request.withUnsafeBytes { stream.send($0) }
    }

    // MARK: Bounds

    private var isOverBound: Bool {
        if bytesBesideOne > Session.longestQueue { return true }
        return terms.maxUnacked.map { waiting.unstoredCount > $0 } ?? false
    }

    /// Bytes that wait, without the first or the last stanza, whichever is larger: one alone is never too much, however
    /// large, nor are a few small ones behind it.
    private var bytesBesideOne: Int {
        let (first, last) = (waiting.waiting.first?.bytes.count ?? 0, waiting.waiting.last?.bytes.count ?? 0)
        return waiting.byteCount - max(first, last)
    }

    private var isFarOverBound: Bool {
        if bytesBesideOne > 2 * Session.longestQueue { return true }
        return terms.maxUnacked.map { waiting.unstoredCount > Self.farOverFactor * $0 } ?? false
    }

    /// Who reads gets a moment to say so; who is not there, or far behind, does not.
    private func overflow(_ session: Session) {
        if session.stream != nil, !isFarOverBound {
            guard timer == nil else { return }
            timer = Loop.after(Self.overflowMilliseconds) { [self] in
                timer = nil
                guard !session.hasEnded else { return }
                if session.stream != nil, isOverBound { giveUp(session) }
            }
            return
        }
        // Not from inside whoever is delivering.
        Loop.endOfTurn { [self] in
            if !session.hasEnded { giveUp(session) }
        }
    }

    private func giveUp(_ session: Session) {
        Log.notice(
            "client acknowledges too little, closing its stream",
            [Field("session", session.jid), Field("waiting", waiting.count), Field("waiting_bytes", waiting.byteCount)])
        session.close(StreamError(.resourceConstraint, text: "Too many stanzas wait to be acknowledged"))
    }

    // MARK: Without a connection

    /// The connection is gone: the session waits for so long to be resumed.
    func sessionDidDetach(_ session: Session, for milliseconds: Int64) {
        timer?.cancel()
        (openRequests, mustRequest, sinceRequest) = (nil, false, 0)
        timer = Loop.after(milliseconds) { [self] in
            timer = nil
            guard !session.hasEnded else { return }
            Log.info("session was not resumed", [Field("session", session.jid), Field("waiting", waiting.count)])
            storeCount(session)
            session.end()
        }
        storeAtEndOfTurn(session)
    }

    /// There is a connection again: what was not acknowledged goes once more, in order.
    func sessionDidAttach(_ session: Session, _ stream: any SessionStream) {
        timer?.cancel()
        timer = nil
        for entry in waiting.waiting { entry.bytes.withUnsafeBytes { stream.send($0) } }
        if terms.requestInterval != nil, !waiting.isEmpty { sendRequest(stream) }
    }

    private func storeCount(_ session: Session) {
        guard let seconds = terms.resumeCountLifetime, !key.isEmpty else { return }
        let (store, key, count) = (session.host.server.store, key, handled(session))
        let now = ClockText.now
        session.host.server.background {
            do throws(StorageError) {
                try await store.sessionCounts.keep(key, handled: count, expiresAt: now + seconds, now: now)
            } catch {
                Log.error("cannot remember the count of a session", [Field("error", error)])
            }
        }
    }

    func cancel() {
        timer?.cancel()
        timer = nil
    }

    /// The session is over; what its client has not said to have, except what is still stored anyway.
    func sessionDidEnd(_ session: Session) -> [UndeliveredStanza] {
        cancel()
        return removeUndelivered(session)
    }
}
