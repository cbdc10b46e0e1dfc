internal import SASL
internal import XML
internal import XMPP

/// How far a stream has come: what its next header opens (RFC 6120 §4.3).
enum Layer: Equatable, Sendable {
    case clear
    case secured(ChannelBindings, certificate: ClientCertificate?)
    case authenticated(JID)
}

/// A stream that has no session yet.
struct Negotiation: Sendable {
    enum Phase: Sendable {
        /// Only a header is legal. `isFirst` until the connection has seen one.
        case opening(Layer, isFirst: Bool)
        /// The features are sent, the client chooses one.
        case choosing(StreamOffer, Layer)
        /// The shell does the TLS handshake with the client, which takes the time that its next step may take.
        case securing
        /// The shell answers a request to register.
        case registering(StreamOffer, Layer)
        case authenticating(StreamOffer, Layer, LoginAttempt)
        /// The shell makes a session; `id` is that of the client's request.
        case binding(StreamOffer, JID, id: String)
        /// The shell looks for the session that the client wants to go on with.
        case resuming(StreamOffer, JID, previous: String)
    }

    typealias Step = (ClientStream.State, [ClientStream.Action])

    var phase: Phase
    let options: StreamOptions
    /// Elements and failed logins so far.
    var elements: Int
    var failures: Int
    /// Whether an account was made on this stream: whoever made it could as well log in and idle, so its steps are not timed.
    var hasRegistered = false
    /// Whether the connection is compressed, so that its new stream is not offered that again.
    var isCompressed = false
    /// What the last header said of the language of what follows, where its stanzas have to be told of it.
    var language: StreamLanguage?

    var isWaiting: Bool {
        switch phase {
        case .authenticating(_, _, let attempt): attempt.exchange.isWaiting
        case .securing, .registering, .binding, .resuming: true
        case .opening, .choosing: false
        }
    }

    /// Whether the time for the client's next step runs.
    var isTimed: Bool {
        if case .securing = phase { return !hasRegistered }
        return !hasRegistered && !isWaiting
    }

    func step(_ event: ClientStream.Event) -> Step {
        switch event {
        case .header(let header, let offer): opened(header, offer)
        case .element(let element): received(element)
        case .footer: close(nil)
        case .malformed(let malformed): garbled(malformed)
        case .secured(let bindings, let certificate): secured(.secured(bindings, certificate: certificate))
        case .credentials(let answer, let nonce): answered(.credentials(answer, nonce: nonce))
        case .verdict(let verdict): answered(.verdict(verdict))
        case .anonymous(let answer): answered(.anonymous(answer))
        case .registrationAnswered(let hasMadeAccount): registrationAnswered(hasMadeAccount)
        case .bound(let address): bound(address)
        case .bindRefused(let error): bindRefused(error)
        case .resumed(let address, let handled): resumed(address, handled)
        case .resumeRefused(let refusal, let handled): resumeRefused(refusal, handled)
        case .timeout: close(StreamError(.connectionTimeout))
        case .close(let error): close(error)
        case .disconnected: (.closed, [.drop])
        }
    }

    /// The same stream in another phase.
    func moved(to phase: Phase, _ actions: [ClientStream.Action]) -> Step {
        var copy = self
        copy.phase = phase
        return (.negotiating(copy), actions)
    }

    func stay(_ actions: [ClientStream.Action]) -> Step { (.negotiating(self), actions) }

    /// The end. An error before our header still needs one in front of it (RFC 6120 §4.9.1.2).
    func close(_ error: StreamError?) -> Step {
        switch phase {
        case .opening: (.closed, [.open(ResponseHeader(from: options.defaultDomain, to: nil)), .close(error)])
        case .securing: (.closed, [.drop])
        case .choosing, .registering, .authenticating, .binding, .resuming: (.closed, [.close(error)])
        }
    }

    func close(_ condition: StreamError.Condition, _ text: String? = nil) -> Step {
        close(StreamError(condition, text: text))
    }

    /// The shell told or answered what it was not asked: that costs this stream and no other.
    func bug() -> Step { close(.internalServerError) }

    private func garbled(_ malformed: Malformed) -> Step {
        if case .opening(_, isFirst: true) = phase, options.hidesName { return (.closed, [.drop]) }
        return close(StreamError(malformed: malformed))
    }

    private func secured(_ layer: Layer) -> Step {
        switch phase {
        case .securing: moved(to: .opening(layer, isFirst: false), [.restart])
        case .opening(.clear, isFirst: true): moved(to: .opening(layer, isFirst: true), [])
        case .opening, .choosing, .registering, .authenticating, .binding, .resuming: bug()
        }
    }

    private func received(_ element: Element) -> Step {
        guard elements < options.negotiationElements else {
            return close(.policyViolation, "Too many elements before a session")
        }
        var copy = self
        copy.elements += 1
        return copy.dispatch(element)
    }

    private func registrationAnswered(_ hasMadeAccount: Bool) -> Step {
        guard case .registering(let offer, let layer) = phase else { return bug() }
        var copy = self
        if hasMadeAccount {
            copy.elements = 0
            copy.hasRegistered = true
        }
        return copy.moved(to: .choosing(offer, layer), [])
    }

    private func dispatch(_ element: Element) -> Step {
        if element.is("error", Namespace.stream) { return close(nil) }
        switch phase {
        case .choosing(let offer, .authenticated(let user)):
            return chosenAfterAuthentication(element, offer, user)
        case .choosing(let offer, let layer):
            return chosen(element, offer, layer)
        case .authenticating(let offer, let layer, let attempt):
            return continued(element, offer, layer, attempt)
        case .opening:
            // Over WebSocket nothing forces a client to begin with a header.
            return close(.policyViolation, "An element before the header")
        case .securing, .registering, .binding, .resuming:
            return bug()
        }
    }

    /// The end for an element that cannot be here: a stanza comes too early (RFC 6120 §4.9.3.12), others are unknown.
    func reject(_ element: Element) -> Step {
        if Stanza.kind(of: element) != nil { return close(.notAuthorized) }
        return close(element.unknownCondition)
    }
}

extension Element {
    /// What is wrong with a top-level element that is not a stanza of ours (RFC 6120 §4.9.3.10, §4.9.3.24).
    var unknownCondition: StreamError.Condition {
        isNamed("message") || isNamed("presence") || isNamed("iq") ? .invalidNamespace : .unsupportedStanzaType
    }
}
