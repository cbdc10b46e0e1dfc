internal import SASL
internal import XML
internal import XMPP

/// Headers, features, TLS and SASL EXTERNAL of outgoing streams (RFC 6120 §4.3, §5, §6, XEP-0178 §3).
extension OutgoingState {
    mutating func connected() -> [Action] {
        guard phase == .connecting else { return bug() }
        return open()
    }

    /// Sends a header, our first or one after TLS or SASL.
    private mutating func open() -> [Action] {
        phase = .opening
        let header = ServerHeader(from: pair.local, to: pair.remote, hasDialback: hasDialback)
        return [.open(header), .restartClock]
    }

    mutating func secured(_ certificate: PeerIdentity?) -> [Action] {
        guard phase == .securing || phase == .connecting else { return bug() }
        let restart: [Action] = phase == .securing ? [.restart] : []
        layer = .secured(certificate)
        guard let doubt = certificate == nil ? "it shows no certificate" : certificate?.doubt(about: pair.remote) else {
            return restart + open()
        }
        guard options.tls != .requiredTrusted else {
            return fail(ServerFailure("\(pair.remote) does not prove who it is: \(doubt)"), [.drop])
        }
        return restart + [.untrusted(reason: doubt)] + open()
    }

    mutating func opened(_ header: StreamHeader) -> [Action] {
        guard phase == .opening else { return violated(StreamError(.policyViolation, text: "A header out of place")) }
        if let error = header.fault(content: Namespace.server) { return violated(error) }
        let id = header["id"].flatMap { $0.utf8.count <= DialbackXML.longestID ? $0 : nil } ?? ""
        terms = Terms(id: id, language: StreamLanguage(header, unless: options.language))
        if header["version"] != nil {
            guard header.hasSupportedVersion else { return violated(StreamError(.unsupportedVersion)) }
            phase = .awaitingFeatures
            return [.restartClock]
        }
        // A peer from before RFC 3920: it has no features, and dialback alone.
        guard layer != .clear || !options.tls.isRequired else {
            return fail(ServerFailure("TLS is required, and the peer is too old to have it"), [.close(nil)])
        }
        return purpose == .verification ? ready() : requestDialback()
    }

    mutating func chosen(_ features: Element) -> [Action] {
        terms.takesErrors = DialbackXML.takesErrors(features)
        terms.hasManagement = features.has("sm", StreamManagementXML.namespace)
        let limits = StreamLimits(in: features).map { [Action.limits($0)] } ?? []
        return limits + (layer == .clear ? chosenInClear(features) : chosenNext(features))
    }

    private mutating func chosenInClear(_ features: Element) -> [Action] {
        let offered = features.child("starttls", Namespace.tls)
        if let offered, options.tls == .never, offered.has("required", Namespace.tls) {
            return fail(ServerFailure("the peer requires TLS, which is not to be used"), [.close(nil)])
        }
        if offered != nil, options.tls != .never {
            phase = .requestingTLS
            return [.send(Element("starttls", Namespace.tls)), .restartClock]
        }
        guard !options.tls.isRequired else {
            return fail(ServerFailure("TLS is required, and the peer does not offer it"), [.close(nil)])
        }
        return chosenNext(features)
    }

    mutating func answeredTLS(_ element: Element) -> [Action] {
        guard element.isNamed("proceed") else {
            return fail(ServerFailure("the peer offers TLS and then refuses it"), [.close(nil)])
        }
        phase = .securing
        return [.startTLS, .restartClock]
    }

    /// Past TLS, or without it.
    private mutating func chosenNext(_ features: Element) -> [Action] {
        guard purpose == .stanzas else { return ready() }
        if isAuthenticated { return establish(pair, .external) + ready() }
        var actions: [Action] = []
        if options.usesBidi, BidiXML.isOffered(features) {
            isBidirectional = true
            actions.append(.send(BidiXML.request(options.limits)))
        }
        guard layer != .clear, options.usesExternal, Self.offersExternal(features) else { return actions + requestDialback() }
        phase = .authenticating
        // COMPAT: a single equals sign would do, but MongooseIM and others look for the domain here (XEP-0178 §3, point 10).
        let identity = Base64.encode(Array(pair.local.utf8))
        let auth = Element("auth", Namespace.sasl, ["mechanism": Mechanism.external.name], text: identity)
        return actions + [.send(auth), .restartClock]
    }

    private static func offersExternal(_ features: Element) -> Bool {
        guard let mechanisms = features.child("mechanisms", Namespace.sasl) else { return false }
        return mechanisms.children.contains { $0.is("mechanism", Namespace.sasl) && $0.trimmedText == Mechanism.external.name }
    }

    mutating func authentication(_ element: Element) -> [Action] {
        if element.isNamed("success") {
            isAuthenticated = true
            return [.restart] + open()
        }
        // There is nothing to be asked for after our one message.
        if element.isNamed("challenge") { return [.send(Element("abort", Namespace.sasl))] }
        guard element.isNamed("failure") else { return violated(StreamError(element.unknownCondition)) }
        isExternalRefused = true
        guard options.dialbackSecret == nil else { return requestDialback() }
        let reason = element.children.first { $0.isIn(Namespace.sasl) && !$0.isNamed("text") }?.name ?? "no reason"
        return fail(ServerFailure("the peer refused SASL EXTERNAL: \(PeerText.short(reason))"), [.close(nil)])
    }

    /// Asks for the first pair by dialback: there is no other way, or none any more.
    private mutating func requestDialback() -> [Action] {
        guard let secret = options.dialbackSecret else {
            return fail(ServerFailure("the peer does not offer SASL EXTERNAL, and dialback is not to be used"), [.close(nil)])
        }
        guard !terms.id.isEmpty else {
            return fail(ServerFailure("the peer's stream has no id that a dialback key could be made for"), [.close(nil)])
        }
        phase = .ready
        let actions = request(pair, secret)
        return isOver ? actions : actions + ready()
    }

    /// The stream is negotiated: keys that wait to be checked are sent.
    private mutating func ready() -> [Action] {
        phase = .ready
        let waiting = waitingVerifications
        guard hasDialback else {
            verifications = [:]
            return waiting.map { .verified($0, Self.noDialback) } + clock
        }
        return waiting.map { .send(DialbackXML.verify($0)) } + clock
    }

    /// Runs while answers are waited for.
    var clock: [Action] { [requested.isEmpty && verifications.isEmpty ? .stopClock : .restartClock] }
}
