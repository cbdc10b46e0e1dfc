internal import SASL
internal import XML
internal import XMPP

/// SASL EXTERNAL on incoming streams (RFC 6120 §6, XEP-0178 §3).
extension IncomingState {
    mutating func authentication(_ element: Element) -> [Action] {
        guard proved == nil, authorized.isEmpty, pending.isEmpty else {
            return close(.policyViolation, "Another authorization is under way or done")
        }
        if element.isNamed("auth") { return begin(element) }
        if element.isNamed("abort") { return failed(.aborted) }
        guard element.isNamed("response") else { return close(element.unknownCondition) }
        guard isChallenged else { return failed(SASLFailure(.malformedRequest, "no exchange to continue")) }
        return finish(element.text)
    }

    private mutating func begin(_ element: Element) -> [Action] {
        guard !isChallenged else { return failed(SASLFailure(.malformedRequest, "an exchange is under way")) }
        guard element.attribute("mechanism", equals: Mechanism.external.name) else {
            return failed(SASLFailure(.invalidMechanism))
        }
        guard layer != .clear else { return failed(SASLFailure(.encryptionRequired)) }
        guard let remote = terms?.remote, certificate?.proves(remote) ?? false else { return failed(.notAuthorized) }
        let text = element.text
        guard text.isEmpty else { return finish(text) }
        isChallenged = true
        return [.send(Element("challenge", Namespace.sasl))]
    }

    /// The peer's one message: whom it acts for, which is its header's domain and nobody else (XEP-0178 §3, point 11). That the
    /// certificate proves the domain was found at the beginning.
    private mutating func finish(_ text: String) -> [Action] {
        guard let pair = terms?.pair else { return bug() }
        guard let bytes = Base64.decode(response: text) else { return failed(.incorrectEncoding) }
        guard bytes.isEmpty || String(validating: bytes, as: UTF8.self).flatMap(JID.preparedDomain) == pair.remote else {
            return failed(SASLFailure(.invalidAuthzid))
        }
        proved = pair
        isChallenged = false
        phase = .opening(isFirst: false)
        return [.send(Element("success", Namespace.sasl)), .restart, .restartClock]
    }

    /// The peer may try again or go on with dialback, but not for ever.
    private mutating func failed(_ failure: SASLFailure) -> [Action] {
        isChallenged = false
        let refusal = terms?.pair.map { [Action.refused($0, reason: "SASL: \(failure.condition.rawValue)")] } ?? []
        return [.send(failure.element)] + refusal + fail()
    }
}
