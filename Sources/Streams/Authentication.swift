internal import SASL
internal import XML
internal import XMPP

/// A login under way.
struct LoginAttempt: Sendable {
    var exchange: SASLExchange
    let mechanism: Mechanism
    /// The account, once the client has named it.
    var user: JID?
}

/// STARTTLS and SASL on a stream (RFC 6120 §5, §6).
extension Negotiation {
    /// An element from a client that has not logged in and may choose among the features.
    func chosen(_ element: Element, _ offer: StreamOffer, _ layer: Layer) -> Step {
        if element.isIn(Namespace.sasl) { return authenticationElement(element, offer, layer) }
        if element.is("starttls", Namespace.tls) { return startTLS(offer, layer) }
        if element.isCompressionRequest { return compress(element, offer, layer) }
        if layer != .clear || options.takesClear, element.isRegistration(at: offer.domain) {
            if offer.registers(layer) { return moved(to: .registering(offer, layer), [.register(element)]) }
            // Where accounts are not made in band, the client is told so and can still log in (XEP-0077 §3.1).
            if !offer.registers { return stay([.send(.failure(id: element["id"], StanzaError(.serviceUnavailable)))]) }
        }
        return tooEarly(element, offer)
    }

    private func startTLS(_ offer: StreamOffer, _ layer: Layer) -> Step {
        switch (layer, options.tls) {
        case (.clear, .optional), (.clear, .required):
            return moved(to: .securing, [.send(Element("proceed", Namespace.tls)), .startTLS])
        case (.clear, .none), (.clear, .direct), (.secured, _), (.authenticated, _):
            // RFC 6120 §5.4.2.2: a failure ends the stream.
            return (.closed, [.send(Element("failure", Namespace.tls)), .close(nil)])
        }
    }

    private func authenticationElement(_ element: Element, _ offer: StreamOffer, _ layer: Layer) -> Step {
        if element.isNamed("auth") { return begin(element, offer, layer) }
        if element.isNamed("abort") { return failed(.aborted, nil, offer, layer) }
        guard element.isNamed("response") else { return reject(element) }
        return failed(SASLFailure(.malformedRequest, "no exchange to continue"), nil, offer, layer)
    }

    private func begin(_ element: Element, _ offer: StreamOffer, _ layer: Layer) -> Step {
        let offered = offer.offered(layer)
        guard let mechanism = element["mechanism"].flatMap({ Mechanism(name: $0) }) else {
            return failed(SASLFailure(.invalidMechanism), nil, offer, layer)
        }
        guard offered.contains(mechanism) else {
            return failed(offer.refusal(of: mechanism, layer), nil, offer, layer)
        }
        let exchange = SASLExchange(
            mechanism: mechanism, service: offer.service, bindings: layer.bindings,
            offersPlus: offered.contains(where: \.bindsChannel), certificate: layer.certificate)
        let text = element.text
        let response = text.isEmpty ? nil : decode(text)
        if !text.isEmpty, response == nil { return failed(.incorrectEncoding, nil, offer, layer) }
        let attempt = LoginAttempt(exchange: exchange, mechanism: mechanism, user: nil)
        return advance(attempt, .initialResponse(response), offer, layer)
    }

    /// An element from a client in the middle of an exchange.
    func continued(_ element: Element, _ offer: StreamOffer, _ layer: Layer, _ attempt: LoginAttempt) -> Step {
        guard !attempt.exchange.isWaiting else { return bug() }
        guard element.isIn(Namespace.sasl) else { return reject(element) }
        if element.isNamed("abort") { return advance(attempt, .abort, offer, layer) }
        guard element.isNamed("response") else {
            return failed(SASLFailure(.malformedRequest, "an exchange is under way"), attempt.user, offer, layer)
        }
        let text = element.text
        guard let response = text.isEmpty ? [] : decode(text) else {
            return failed(.incorrectEncoding, attempt.user, offer, layer)
        }
        return advance(attempt, .response(response), offer, layer)
    }

    private func decode(_ text: String) -> [UInt8]? { Base64.decode(response: text) }

    /// An answer of the shell to a question of the exchange.
    func answered(_ event: SASLExchange.Event) -> Step {
        guard case .authenticating(let offer, let layer, let attempt) = phase, attempt.exchange.isWaiting else {
            return bug()
        }
        return advance(attempt, event, offer, layer)
    }

    private func advance(
        _ attempt: LoginAttempt, _ event: SASLExchange.Event, _ offer: StreamOffer, _ layer: Layer
    ) -> Step {
        var attempt = attempt
        func address(_ user: String) -> JID { .prepared(local: user, domain: offer.domain) }
        switch attempt.exchange.handle(event) {
        case .fetchCredentials(let user, let hash):
            attempt.user = address(user)
            return moved(to: .authenticating(offer, layer, attempt), [.fetchCredentials(address(user), hash)])
        case .verifyPassword(let user, let password):
            attempt.user = address(user)
            return moved(to: .authenticating(offer, layer, attempt), [.verifyPassword(address(user), password)])
        case .admit(let user):
            attempt.user = address(user)
            return moved(to: .authenticating(offer, layer, attempt), [.admit(address(user))])
        case .admitAnonymous:
            return moved(to: .authenticating(offer, layer, attempt), [.admitAnonymous])
        case .challenge(let bytes):
            let challenge = Element("challenge", Namespace.sasl, text: Base64.encode(bytes))
            return moved(to: .authenticating(offer, layer, attempt), [.send(challenge)])
        case .success(let user, let data):
            let success = Element("success", Namespace.sasl, text: data.map(Base64.encode) ?? "")
            return moved(
                to: .opening(.authenticated(address(user)), isFirst: false),
                [.send(success), .authenticated(address(user), attempt.mechanism), .restart])
        case .failure(let failure):
            return failed(failure, attempt.user, offer, layer)
        case nil:
            return bug()
        }
    }

    /// A failed login: the client may try again (RFC 6120 §6.4.5), but not for ever.
    private func failed(_ failure: SASLFailure, _ user: JID?, _ offer: StreamOffer, _ layer: Layer) -> Step {
        let told: [ClientStream.Action] = [
            .send(failure.element), .authenticationFailed(user: user, failure.condition),
        ]
        var copy = self
        copy.phase = .choosing(offer, layer)
        if failure.condition == .notAuthorized { copy.failures += 1 }
        guard copy.failures < options.authenticationFailures else {
            let end = StreamError(.policyViolation, text: "Too many failed logins")
            return (.closed, told + [.close(end)])
        }
        return (.negotiating(copy), told)
    }
}

extension Layer {
    fileprivate var bindings: ChannelBindings {
        switch self {
        case .secured(let bindings, _): bindings
        case .clear, .authenticated: .none
        }
    }

    fileprivate var certificate: ClientCertificate? {
        switch self {
        case .secured(_, let certificate): certificate
        case .clear, .authenticated: nil
        }
    }
}

extension Base64 {
    /// The bytes of a response. A single equals sign stands for no bytes (RFC 6120 §6.4.2).
    static func decode(response text: String) -> [UInt8]? { text == "=" ? [] : decode(text) }
}

extension SASLFailure {
    /// The `<failure/>` element (RFC 6120 §6.4.5).
    var element: Element {
        var children = [Element(condition.rawValue, Namespace.sasl)]
        if let text { children.append(Element("text", Namespace.sasl, ["xml:lang": "en"], text: text)) }
        return Element("failure", Namespace.sasl, [:], children)
    }
}

extension Element {
    /// Whether it is a registration request to the host itself (XEP-0077 §3.1).
    fileprivate func isRegistration(at domain: String) -> Bool {
        guard `is`("iq", Namespace.client), has("query", Namespace.register) else { return false }
        guard attribute("type", equals: "get") || attribute("type", equals: "set") else { return false }
        guard let to = self["to"] else { return true }
        return JID(to) == JID.prepared(local: "", domain: domain)
    }
}
