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
        /// Stanzas that may be unacknowledged; with more the client gets a moment to acknowledge, then its stream is closed.
        /// Nil: unlimited.
        public var maxUnacked: Int?
        /// Stanzas sent from one request for an acknowledgement to the next; nil: none is requested.
        public var stanzasPerRequest: Int?
        /// How long a session without a connection waits to be resumed; then it ends. Nil: it cannot be resumed.
        public var resumeMilliseconds: Int64?
        /// How long the count of a session that was not resumed stays stored; nil: it is not stored.
        public var resumeCountSeconds: Int64?

        public init(maxUnacked: Int?, stanzasPerRequest: Int?, resumeMilliseconds: Int64?, resumeCountSeconds: Int64?) {
            self.maxUnacked = maxUnacked
            self.stanzasPerRequest = stanzasPerRequest
            self.resumeMilliseconds = resumeMilliseconds
            self.resumeCountSeconds = resumeCountSeconds
        }
    }

    let terms: Terms
    /// The secret with which the same user may resume the session; empty: it cannot be resumed.
    public let key: String
    var waiting: UnacknowledgedStanzas
    /// `inbox.received` at `<enable/>`: the client's `h` is the handled count less this.
    private let base: UInt32
    /// The received counts at the first request that is not answered, and at the last.
    private var openRequests: (first: UInt32, last: UInt32)?
    private var sinceRequest = 0
    private var mustRequest = false
    private var isFlushScheduled = false
    /// With a connection: closes the stream of a client that stays over its bound. Without: ends the session.
    private var timer: Loop.Timer?
    /// The number under which the stanzas that are sent now are stored; 0 if they are not.
    private var receipt: Int64 = 0
    /// The messages that delay their senders' acknowledgements.
    var unacked = UnackedMessages()
    /// A batch of `unacked` is being written to the offline store.
    var isStoring = false
    /// How far the unacknowledged stanzas have been sent once more, as a count of all stanzas; nil: none is left to be.
    private var resent: UInt32?
    /// `AckHolds` checks the session at intervals.
    var isWatched = false

    /// Random bytes of a key.
    public static let keyLength = 18
    /// Milliseconds for which a client may leave more than `maxUnacked` stanzas unacknowledged; then its stream is closed.
    private static let overflowMilliseconds: Int64 = 5_000
    /// Bytes that are sent once more in one turn of the loop; a larger stanza goes alone.
    private static let resentAtOnce = 256 << 10
    /// Times `maxUnacked` at which the stream is closed without that delay.
    private static let farOverFactor = 10

    init(_ terms: Terms, key: String, session: Session, handled: UInt32 = 0, waiting: UnacknowledgedStanzas = .init()) {
        self.terms = terms
        self.key = key
        self.waiting = waiting
        base = session.inbox.received &- handled
    }

    /// New stanzas wait for those that are sent once more: they need only be noted.
    var isResending: Bool { resent != nil }

    var isResumable: Bool { terms.resumeMilliseconds != nil }

    /// How many of the client's stanzas have been handled.
    func handled(_ session: Session) -> UInt32 {
        let count = session.inbox.handled &- base
        // Stanzas from before `<enable/>` may still be in progress: they would make the count negative, which wraps.
        return count > UInt32.max / 2 && session.inbox.received &- base < UInt32.max / 2 ? 0 : count
    }

    // MARK: From the client

    /// Takes a client's request. It is answered when all that the client sent before it has been handled.
    func handleRequest(_ session: Session) {
        let count = session.inbox.received &- base
        openRequests = (openRequests?.first ?? count, count)
        if isAnswerable(session) { scheduleFlush(session) }
    }

    func answerIfHandled(_ session: Session) {
        if openRequests != nil, isAnswerable(session) { scheduleFlush(session) }
    }

    /// Whether all that came before the first open request has been handled. Not the last: a client that requests without a
    /// pause would never be answered.
    private func isAnswerable(_ session: Session) -> Bool {
        openRequests.map { has(handled(session), reached: $0.first) } ?? false
    }

    private func has(_ count: UInt32, reached other: UInt32) -> Bool { count &- other <= UInt32.max / 2 }

    /// Removes what the client acknowledges.
    /// - Throws: the client acknowledges more than it was sent.
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
        if let interval = terms.stanzasPerRequest, sinceRequest >= interval {
            mustRequest = true
            scheduleFlush(session)
        }
        if isOverBound { overflow(session) }
    }

    /// Notes with each stanza that `body` sends the number under which it is stored until it is acknowledged.
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

    /// Writes the answer and the request that are due, at the end of the turn.
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

    /// Requests an acknowledgement of what was sent since the last request, where requests are agreed on.
    func requestOverdueAcknowledgement(_ session: Session) {
        guard terms.stanzasPerRequest != nil, sinceRequest > 0, session.stream != nil else { return }
        mustRequest = true
        scheduleFlush(session)
    }

    /// Requests an acknowledgement at the end of the turn, also where the terms have none: the caller sends nothing more before
    /// the answer.
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
        if bytesBesideOne > UnreadBound.longestQueue { return true }
        return terms.maxUnacked.map { waiting.unstoredCount > $0 } ?? false
    }

    /// Unacknowledged bytes without the first or the last stanza, whichever is larger: one stanza alone is never too much,
    /// however large, nor are a few small ones behind it.
    private var bytesBesideOne: Int {
        let (first, last) = (waiting.waiting.first?.bytes.count ?? 0, waiting.waiting.last?.bytes.count ?? 0)
        return waiting.byteCount - max(first, last)
    }

    private var isFarOverBound: Bool {
        if bytesBesideOne > 2 * UnreadBound.longestQueue { return true }
        return terms.maxUnacked.map { waiting.unstoredCount > Self.farOverFactor * $0 } ?? false
    }

    /// Closes the stream of a client over its bound: after a moment, in which it may acknowledge, or at the end of the turn if
    /// it is disconnected or far over it.
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
        // Not now: the caller is in the middle of a delivery.
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

    /// Lets the session wait to be resumed, now that its connection is gone; it ends after so many milliseconds.
    func sessionDidDetach(_ session: Session, for milliseconds: Int64) {
        timer?.cancel()
        (openRequests, mustRequest, sinceRequest, resent) = (nil, false, 0, nil)
        timer = Loop.after(milliseconds) { [self] in
            timer = nil
            guard !session.hasEnded else { return }
            Log.info("session was not resumed", [Field("session", session.jid), Field("waiting", waiting.count)])
            storeCount(session)
            session.end()
        }
        storeAtEndOfTurn(session)
    }

    /// Sends on the new connection what was not acknowledged, in order, and new stanzas behind it.
    func sessionDidAttach(_ session: Session, _ stream: any SessionStream) {
        timer?.cancel()
        timer = nil
        resent = waiting.acknowledged
        resend(session, stream)
    }

    /// Sends the next portion; the others follow in later turns of the loop.
    private func resend(_ session: Session, _ stream: any SessionStream) {
        guard let resent, session.stream === stream, !session.hasEnded else { return }
        // The client may have acknowledged more meanwhile.
        var place = has(resent, reached: waiting.acknowledged) ? Int(resent &- waiting.acknowledged) : 0
        var size = 0
        for entry in waiting.waiting.dropFirst(place) {
            guard size == 0 || size + entry.bytes.count <= Self.resentAtOnce else { break }
            size += entry.bytes.count
            place += 1
            entry.bytes.withUnsafeBytes { stream.send($0) }
        }
        guard place >= waiting.count else {
            self.resent = waiting.acknowledged &+ UInt32(truncatingIfNeeded: place)
            return Loop.submit { self.resend(session, stream) }
        }
        self.resent = nil
        if terms.stanzasPerRequest != nil, !waiting.isEmpty { sendRequest(stream) }
    }

    private func storeCount(_ session: Session) {
        guard let seconds = terms.resumeCountSeconds, !key.isEmpty else { return }
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

    /// Removes the stanzas of a session that ends.
    /// - Returns: those that the client has not acknowledged and that are stored nowhere.
    func sessionDidEnd(_ session: Session) -> [UndeliveredStanza] {
        cancel()
        return removeUndelivered(session)
    }
}
