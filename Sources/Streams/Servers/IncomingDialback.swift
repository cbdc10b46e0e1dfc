internal import SASL
internal import XML
internal import XMPP

/// Dialback on incoming streams (XEP-0220 §2.2), as the receiving and as the authoritative server.
extension IncomingState {
    mutating func dialback(_ element: Element) -> [Action] {
        guard !needsTLS else { return close(.policyViolation, "TLS is required first") }
        guard let secret = dialbackSecret else { return close(.unsupportedStanzaType) }
        // Nothing is asked of the peer on this stream, so an answer is a forgery or a mistake (XEP-0220 §3.1).
        guard element["type"] == nil else { return [] }
        guard element.isNamed("result") || element.isNamed("verify") else { return close(.unsupportedStanzaType) }
        guard let pair = DialbackXML.pair(of: element) else { return close(.improperAddressing) }
        return element.isNamed("result") ? requested(pair, element.trimmedText) : check(pair, element, secret)
    }

    /// The peer wants to send for a pair.
    private mutating func requested(_ pair: DomainPair, _ key: String) -> [Action] {
        if authorized.contains(pair) { return [answer(pair, .valid)] }
        // The answer to the first request is one for the second as well.
        if pending[pair] != nil { return [] }
        if let refusal = refusal(of: pair, key) { return [answer(pair, refusal)] + log(pair, refusal) }
        // The certificate proves the domain: nobody need be called (XEP-0344 §2.4).
        if certificate?.proves(pair.remote) ?? false { return authorize(pair, .certificate) + [answer(pair, .valid)] }
        guard offer.tls != .requiredTrusted else {
            let refusal = DialbackAnswer.error(.notAuthorized, reason: "no trusted certificate proves \(pair.remote)")
            return [answer(pair, refusal)] + log(pair, refusal) + fail()
        }
        guard let id = terms?.id else { return bug() }
        let request = DialbackRequest(pair: pair, streamID: id, key: key)
        pending[pair] = request
        return [.verify(request)] + (authorized.isEmpty ? [.stopClock] : [])
    }

    /// Why a pair is refused before anything is proved (XEP-0220 §2.5).
    private func refusal(of pair: DomainPair, _ key: String) -> DialbackAnswer? {
        if let refusal = DialbackXML.refusal(offer.standing(pair)) { return refusal }
        guard !key.isEmpty, key.utf8.count <= DialbackXML.longestKey else {
            return .error(.notAcceptable, reason: "there is no key or an endless one")
        }
        guard authorized.count + pending.count < Self.mostPairs, pending.count < Self.mostPending else {
            return .error(.resourceConstraint, reason: "there are too many pairs on the stream")
        }
        return nil
    }

    /// The answer of the shell to `verify`. That to a request of an earlier header, or to none, is not for this stream.
    mutating func verified(_ request: DialbackRequest, _ verdict: DialbackAnswer) -> [Action] {
        guard phase == .open, pending[request.pair] == request else { return [] }
        pending[request.pair] = nil
        let pair = request.pair
        switch verdict {
        case .valid: return authorize(pair, .dialback) + [answer(pair, .valid)]
        case .invalid where authorized.isEmpty:
            // Nothing that could be lost hangs on the stream (XEP-0220 §2.2.1).
            return [answer(pair, .invalid)] + log(pair, .invalid) + close(nil)
        case .invalid:
            return [answer(pair, .error(.forbidden, reason: ""))] + log(pair, .invalid)
        case .error:
            let clock: [Action] = authorized.isEmpty && pending.isEmpty ? [.restartClock] : []
            return [answer(pair, verdict)] + log(pair, verdict) + clock + fail()
        }
    }

    /// Another server wants to know whether a key that it was sent is ours. It need not have proved anything.
    private func check(_ pair: DomainPair, _ element: Element, _ secret: DialbackSecret) -> [Action] {
        let id = element["id"] ?? ""
        func told(_ answer: DialbackAnswer) -> [Action] {
            let shown = id.utf8.count <= DialbackXML.longestID ? id : nil
            let clock: [Action] = authorized.isEmpty && pending.isEmpty ? [.restartClock] : []
            return [.send(DialbackXML.answer("verify", pair, id: shown, answer))] + clock
        }
        if let refusal = DialbackXML.refusal(offer.standing(pair)) { return told(refusal) }
        guard !id.isEmpty, id.utf8.count <= DialbackXML.longestID else {
            return told(.error(.notAcceptable, reason: "there is no id or an endless one"))
        }
        let isOurs = secret.made(element.trimmedText, receiving: pair.remote, originating: pair.local, streamID: id)
        return told(isOurs ? .valid : .invalid)
    }

    private func answer(_ pair: DomainPair, _ answer: DialbackAnswer) -> Action {
        .send(DialbackXML.answer("result", pair, answer))
    }

    private func log(_ pair: DomainPair, _ answer: DialbackAnswer) -> [Action] {
        switch answer {
        case .valid: []
        case .invalid: [.refused(pair, reason: "the authority for \(pair.remote) has not made its dialback key")]
        case .error(_, let reason): [.refused(pair, reason: "dialback: \(reason)")]
        }
    }
}

extension DialbackXML {
    /// The error for a pair that is not taken, whatever is proved.
    static func refusal(_ standing: PairStanding) -> DialbackAnswer? {
        switch standing {
        case .acceptable: nil
        case .unknownTarget: .error(.itemNotFound, reason: "the domain asked for is not served here")
        case .ownDomain: .error(.conflict, reason: "the domain that asks is served here")
        case .refused: .error(.policyViolation, reason: "the domain that asks is not welcome here")
        }
    }

    /// Whether it asks for a key to be checked.
    static func isVerificationRequest(_ element: Element) -> Bool { element.is("verify", namespace) && element["type"] == nil }
}
