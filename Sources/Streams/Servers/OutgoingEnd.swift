internal import XML
internal import XMPP

/// How outgoing streams end: whoever waits for something is told why it does not come.
extension OutgoingState {
    /// A bad end. `last`: what is done then.
    mutating func fail(_ failure: ServerFailure, _ last: [Action]) -> [Action] {
        end(released(failure) + [.failed(failure)] + last)
    }

    /// The peer broke the rules.
    mutating func violated(_ error: StreamError) -> [Action] {
        let text = error.text.map { " (\($0))" } ?? ""
        return fail(ServerFailure("the peer broke the protocol: \(error.condition.rawValue)\(text)"), [last(error)])
    }

    /// The shell told what cannot be: that costs this stream and no other.
    mutating func bug() -> [Action] {
        fail(ServerFailure("internal error", .internalServerError), [last(StreamError(.internalServerError))])
    }

    /// There is nothing to be written before our header, nor in the middle of a handshake.
    private func last(_ error: StreamError?) -> Action {
        phase == .connecting || phase == .securing ? .drop : .close(error)
    }

    /// What all that is under way is told.
    private func released(_ failure: ServerFailure) -> [Action] {
        var pairs = requested
        if isPairOpen { pairs.insert(pair) }
        let refusals = pairs.sorted { ($0.local, $0.remote) < ($1.local, $1.remote) }.map { Action.refused($0, failure) }
        let isUnknown = failure.condition == .remoteServerNotFound
        let answer = DialbackAnswer.error(isUnknown ? .remoteServerNotFound : .remoteServerTimeout, reason: failure.reason)
        return refusals + waitingVerifications.map { .verified($0, answer) }
    }

    /// Whether the stream only checks keys, and nobody waits for one.
    private var isAtRest: Bool { purpose == .verification && phase == .ready && verifications.isEmpty }

    /// The peer ends the stream without an error. If stanzas may be under way, only its footer says that they have arrived.
    mutating func ended(byPeer deed: String, _ last: [Action], isClean: Bool) -> [Action] {
        let failure = ServerFailure("\(pair.remote) \(deed) \(stage)", isWorthDialback: isWorthDialback)
        let last = last == [.close(nil)] ? [self.last(nil)] : last
        if isClean, !established.isEmpty { return end(released(failure) + last) }
        if isAtRest { return end(last) }
        return fail(failure, last)
    }

    /// The peer ends the stream with an error.
    mutating func refused(_ report: StreamErrorReport) -> [Action] {
        let condition: StanzaError.Condition = report.isUnknownHost ? .remoteServerNotFound : .remoteServerTimeout
        let words = "\(pair.remote) ended the stream \(stage): \(report.words)"
        return fail(ServerFailure(words, condition, isWorthDialback: isWorthDialback), [last(nil)])
    }

    /// The server ends the stream, and knows why.
    mutating func closed(_ error: StreamError?) -> [Action] {
        end(released(ServerFailure("the stream to \(pair.remote) was closed here")) + [last(error)])
    }

    /// What was waited for did not come. Pairs that are established go on without it.
    mutating func timedOut() -> [Action] {
        let failure = ServerFailure("\(pair.remote) did not answer in time \(stage)")
        guard !established.isEmpty else {
            return isAtRest ? [] : fail(failure, [last(StreamError(.connectionTimeout))])
        }
        let actions = released(failure)
        requested = []
        verifications = [:]
        return actions
    }

    /// Whether another connection without SASL EXTERNAL may get further.
    private var isWorthDialback: Bool {
        established.isEmpty && options.dialbackSecret != nil && (isExternalRefused || phase == .authenticating)
    }

    /// How far the stream has come, behind what has happened to it.
    private var stage: String {
        switch phase {
        case .connecting: "before the stream began"
        case .opening: "before its stream header"
        case .awaitingFeatures: "before its stream features"
        case .requestingTLS: "after STARTTLS"
        case .securing: "during the TLS handshake"
        case .authenticating: "during SASL EXTERNAL"
        case .ready where requested.isEmpty && verifications.isEmpty: "after the negotiation"
        case .ready: "during dialback"
        }
    }
}

/// A stream error that came from a peer, as far as it matters.
struct StreamErrorReport: Sendable {
    let isUnknownHost: Bool
    let words: String

    init(_ error: Element) {
        let condition = error.children.first { $0.isIn(Namespace.streams) && !$0.isNamed("text") }
        isUnknownHost = condition.map { $0.isNamed("host-unknown") || $0.isNamed("host-gone") } ?? false
        let name = condition.map { PeerText.short($0.name) } ?? "no reason"
        let other = condition.flatMap {
            $0.isNamed("see-other-host") ? " to \(PeerText.short($0.text)), which is not followed" : nil
        }
        let text = error.child("text", Namespace.streams).map { " (\(PeerText.short($0.text)))" } ?? ""
        words = name + (other ?? "") + text
    }
}
