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
    /// Milliseconds after the first failure in which nothing is tried.
    private static let firstRetryMilliseconds: Int64 = 5_000

    private enum State {
        case idle
        case connecting(OutgoingServerDriver)
        case established(OutgoingServerDriver)
        /// The last attempt has failed; until that moment, in milliseconds of `Loop.now`, nothing is tried.
        case resting(until: Int64, ServerFailure)
    }

    let pair: DomainPair
    private unowned let links: ServerLinks
    private var state = State.idle
    private var waiting: [RenderedStanza] = []
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
        case .idle: true
        case .resting(let until, _): Loop.now >= until
        case .connecting, .established: false
        }
    }

    func send(_ stanza: RenderedStanza) {
        lastUse = Loop.turnBegan
        switch state {
        case .established(let driver): driver.send(stanza)
        case .connecting: wait(stanza)
        case .resting(let until, let failure) where Loop.turnBegan < until: links.sendBack(stanza, failure.stanzaError)
        case .idle, .resting:
            wait(stanza)
            connect()
        }
    }

    private func wait(_ stanza: RenderedStanza) {
        guard waitingBytes + stanza.bytes.count <= Self.mostWaiting || waiting.isEmpty, links.takes(stanza.bytes.count) else {
            return links.sendBack(stanza, StanzaError(.resourceConstraint, text: "Too much waits for \(pair.remote)"))
        }
        waiting.append(stanza)
        waitingBytes += stanza.bytes.count
    }

    private func connect() {
        let driver = OutgoingServerDriver(pair, purpose: .stanzas, avoidsExternal: avoidsExternal, links.federation, self)
        state = .connecting(driver)
        driver.begin()
    }

    private func takeWaiting() -> [RenderedStanza] {
        links.release(waitingBytes)
        defer { (waiting, waitingBytes) = ([], 0) }
        return waiting
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
        for stanza in takeWaiting() { links.sendBack(stanza, StanzaError(.remoteServerTimeout)) }
        switch former {
        case .connecting(let driver), .established(let driver): driver.close(error)
        case .idle, .resting: break
        }
    }

    // MARK: Moving

    /// What waits, for the next owner of the link.
    var snapshot: [RenderedStanza] { waiting }

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
        (retryMilliseconds, avoidsExternal) = (Self.firstRetryMilliseconds, false)
        for stanza in takeWaiting() { driver.send(stanza) }
    }

    func refused(_ pair: DomainPair, _ failure: ServerFailure, by driver: OutgoingServerDriver) { fail(failure, driver) }

    func ended(_ failure: ServerFailure?, by driver: OutgoingServerDriver) {
        if let failure { return fail(failure, driver) }
        switch state {
        // Closed in order: the next stanza opens another.
        case .established(let current) where current === driver: state = .idle
        case .connecting(let current) where current === driver: fail(ServerFailure("the stream was closed"), driver)
        case .idle, .connecting, .established, .resting: break
        }
    }

    func verified(_ request: DialbackRequest, _ answer: DialbackAnswer) {}

    private func fail(_ failure: ServerFailure, _ driver: OutgoingServerDriver) {
        switch state {
        case .connecting(let current) where current === driver:
            // Once more without what the peer has ended the stream over, before anybody is told.
            if failure.isWorthDialback, !avoidsExternal {
                avoidsExternal = true
                return connect()
            }
            state = .resting(until: Loop.now + retryMilliseconds, failure)
            avoidsExternal = false
            let longest = links.federation.configuration(of: pair).maxRetryDelay.wholeMilliseconds
            retryMilliseconds = min(longest, retryMilliseconds * 2)
            for stanza in takeWaiting() { links.sendBack(stanza, failure.stanzaError) }
        case .established(let current) where current === driver: state = .idle
        case .idle, .connecting, .established, .resting: break
        }
    }
}
