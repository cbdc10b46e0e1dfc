internal import Configuration
internal import IPC
internal import Kernel
internal import Network
internal import Streams
internal import Telemetry
internal import XMPP

/// The way of stanzas from one domain of this server to one of another: at most one stream, what waits for it, and when it is
/// tried again.
///
/// Stanzas wait during an attempt only. When it has failed they go back, and so does whatever comes until the next attempt,
/// whose time doubles up to `max_retry_delay`.
@LoopActor
final class ServerLink {
    /// Bytes that may wait for one link; what comes then goes back, so that order is kept.
    private static let mostWaiting = 256 << 10
    /// Milliseconds that a link waits for its turn to make an attempt; then what waits for it goes back.
    private static let longestInLine: Int64 = 30_000
    /// Milliseconds after the first failure in which nothing is tried.
    private static let firstRetryMilliseconds: Int64 = 5_000

    private enum State {
        case idle
        /// As many attempts are under way as this worker makes at one time; since that moment, in milliseconds of `Loop.now`.
        case inLine(since: Int64)
        case connecting(OutgoingServerDriver)
        case established(OutgoingServerDriver)
        /// The last attempt has failed; until that moment, in milliseconds of `Loop.now`, nothing is tried.
        case resting(until: Int64, ServerFailure)
    }

    let pair: DomainPair
    private unowned let links: ServerLinks
    private var state = State.idle
    private struct Waiting {
        let stanza: RenderedStanza
        /// The worker that sent it hears from its end that the stanza has gone on its way, or back.
        let hold: FrameHold?
    }

    private var waiting: [Waiting] = []
    /// Another worker is about to get the link: what waits has been copied for it, and goes nowhere else.
    private var isLeaving = false
    private var waitingBytes = 0
    private var retryMilliseconds = ServerLink.firstRetryMilliseconds
    /// Whether the next attempt does without SASL EXTERNAL, over which the last one ended.
    private var avoidsExternal = false
    /// In milliseconds of `Loop.now`.
    private var lastUse = Loop.turnBegan

    init(_ pair: DomainPair, _ links: ServerLinks) {
        self.pair = pair
        self.links = links
    }

    /// Nothing would be lost without it.
    var isForgettable: Bool {
        switch state {
        case .idle: !isLeaving
        // As long again it is known how long the next rest would be.
        case .resting(let until, _): !isLeaving && Loop.now >= until + retryMilliseconds
        case .inLine, .connecting, .established: false
        }
    }

    /// Its last attempt has failed and nothing waits.
    var isResting: Bool {
        if case .resting = state { !isLeaving } else { false }
    }

    /// - Parameter hold: kept until the stanza is written, or sent back.
    func send(_ stanza: RenderedStanza, _ hold: FrameHold?) {
        lastUse = Loop.turnBegan
        keep()
        switch state {
        case .established(let driver): driver.send(stanza)
        case .connecting, .inLine: wait(stanza, hold)
        case .resting(let until, let failure) where Loop.turnBegan < until: links.sendBack(stanza, failure.stanzaError)
        case .idle, .resting:
            wait(stanza, hold)
            connect()
        }
    }

    private func wait(_ stanza: RenderedStanza, _ hold: FrameHold?) {
        guard waitingBytes + stanza.bytes.count <= Self.mostWaiting || waiting.isEmpty, links.takes(stanza.bytes.count) else {
            return links.sendBack(stanza, StanzaError(.resourceConstraint, text: "Too much waits for \(pair.remote)"))
        }
        waiting.append(Waiting(stanza: stanza, hold: hold))
        waitingBytes += stanza.bytes.count
    }

    private func connect() {
        guard links.mayDial(self) else { return state = .inLine(since: Loop.now) }
        dial()
    }

    private func dial() {
        let driver = OutgoingServerDriver(pair, purpose: .stanzas, avoidsExternal: avoidsExternal, links.federation, self)
        state = .connecting(driver)
        driver.begin()
    }

    /// It is this link's turn to make its attempt.
    /// - Returns: false if it wants none any more.
    func isNext() -> Bool {
        guard case .inLine = state, !isLeaving else { return false }
        dial()
        return true
    }

    /// Gives up what has waited too long for its turn.
    func leaveLineIfOverdue(now: Int64) {
        guard case .inLine(let since) = state, now - since >= Self.longestInLine, !isLeaving else { return }
        rest(ServerFailure("too many other servers are being tried"))
    }

    private func takeWaiting() -> [Waiting] {
        links.release(waitingBytes)
        defer { (waiting, waitingBytes) = ([], 0) }
        return waiting
    }

    private func sendBackWaiting(_ error: StanzaError) {
        for each in takeWaiting() { links.sendBack(each.stanza, error) }
    }

    // MARK: The end

    /// Closes a link that has carried nothing for so long.
    func closeIfIdle(for milliseconds: Int64?) {
        guard case .established(let driver) = state, let milliseconds, Loop.now - lastUse >= milliseconds else { return }
        state = .idle
        driver.close(nil)
    }

    /// Ends what there is; what waits goes back.
    func close(_ error: StreamError?) {
        let former = state
        state = .idle
        sendBackWaiting(StanzaError(.remoteServerTimeout))
        switch former {
        case .connecting(let driver):
            links.dialEnded()
            driver.close(error)
        case .established(let driver): driver.close(error)
        case .idle, .inLine, .resting: break
        }
    }

    // MARK: Moving

    /// What waits, for the next owner of the link. A stream that carries stanzas ends, so that the next one's do not overtake
    /// its own.
    func snapshot() -> [RenderedStanza] {
        isLeaving = true
        if case .established(let driver) = state {
            state = .idle
            driver.close(nil)
        }
        return waiting.map(\.stanza)
    }

    /// The link is this worker's after all: what waits goes its way.
    func keep() {
        guard isLeaving else { return }
        isLeaving = false
        switch state {
        case .established(let driver): for each in takeWaiting() { driver.send(each.stanza) }
        case .resting(_, let failure): sendBackWaiting(failure.stanzaError)
        case .idle: if !waiting.isEmpty { connect() }
        case .connecting, .inLine: break
        }
    }

    /// Another worker has the link now, with what waited.
    func leave() {
        _ = takeWaiting()
        close(nil)
    }
}

extension ServerLink: OutgoingServerOwner {
    func established(_ pair: DomainPair, by driver: OutgoingServerDriver) {
        guard case .connecting(let current) = state, current === driver else { return }
        state = .established(driver)
        links.dialEnded()
        (retryMilliseconds, avoidsExternal) = (Self.firstRetryMilliseconds, false)
        guard !isLeaving else { return }
        for each in takeWaiting() { driver.send(each.stanza) }
    }

    func refused(_ pair: DomainPair, _ failure: ServerFailure, by driver: OutgoingServerDriver) { fail(failure, driver) }

    func ended(_ failure: ServerFailure?, by driver: OutgoingServerDriver) {
        if let failure { return fail(failure, driver) }
        switch state {
        // Closed in order: the next stanza opens another.
        case .established(let current) where current === driver: state = .idle
        case .connecting(let current) where current === driver: fail(ServerFailure("the stream was closed"), driver)
        case .idle, .inLine, .connecting, .established, .resting: break
        }
    }

    func verified(_ request: DialbackRequest, _ answer: DialbackAnswer) {}

    private func fail(_ failure: ServerFailure, _ driver: OutgoingServerDriver) {
        switch state {
        case .connecting(let current) where current === driver:
            // Once more without what the peer has ended the stream over, before anybody is told.
            if failure.isWorthDialback, !avoidsExternal {
                avoidsExternal = true
                return dial()
            }
            rest(failure)
            links.dialEnded()
        case .established(let current) where current === driver: state = .idle
        case .idle, .inLine, .connecting, .established, .resting: break
        }
    }

    /// The attempt has failed: what waits goes back, and what comes until the next one.
    private func rest(_ failure: ServerFailure) {
        let longest = links.federation.configuration(of: pair).maxRetryDelay.wholeMilliseconds
        let delay = min(longest, retryMilliseconds)
        state = .resting(until: Loop.now + delay, failure)
        avoidsExternal = false
        retryMilliseconds = min(longest, delay * 2)
        if !isLeaving { sendBackWaiting(failure.stanzaError) }
    }
}
