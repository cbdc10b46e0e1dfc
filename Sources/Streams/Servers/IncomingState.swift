internal import SASL
internal import XML
internal import XMPP

/// A stream that another server has opened, until its end.
struct IncomingState: Sendable {
    typealias Action = IncomingServerStream.Action

    /// Elements that a peer may spend before the first pair is authorized, keys to be checked not counted. At one more the stream is
    /// closed.
    static let mostElements = 64
    /// Keys that are checked for a peer of which no pair is authorized; each costs a digest. At one more the stream is closed.
    static let mostVerifications = 256
    /// Failed attempts to prove a domain before the first pair is authorized. At so many the stream is closed.
    static let mostFailures = 5
    /// Pairs of one stream. Requests for more get an error, and may come on another connection.
    static let mostPairs = 128
    /// Pairs of one stream whose keys are being checked, each of which may cost a connection. Requests for more get an error.
    static let mostPending = 16

    enum Phase: Sendable, Equatable {
        /// Only a header is legal. `isFirst` until the connection has seen one.
        case opening(isFirst: Bool)
        /// The shell does the TLS handshake.
        case securing
        case open
    }

    enum Layer: Sendable, Equatable {
        case clear
        case secured(PeerIdentity?)
    }

    /// What the current header has settled.
    struct Terms: Sendable {
        /// The domain of ours that it names, and if it names none the server's.
        let local: String
        let remote: String?
        let id: String
        let hasVersion: Bool
        let language: StreamLanguage?

        var pair: DomainPair? { remote.map { DomainPair(local: local, remote: $0) } }
    }

    let offer: ServerOffer
    var phase = Phase.opening(isFirst: true)
    var layer = Layer.clear
    var terms: Terms?
    /// The pair that SASL has proved: the next header must be about it.
    var proved: DomainPair?
    /// Whether an empty challenge asks for the peer's response.
    var isChallenged = false
    var authorized: Set<DomainPair> = []
    var pending: [DomainPair: DialbackRequest] = [:]
    /// Whether the peer has asked for both directions.
    var isBidirectional = false
    var management = ServerManagement()
    private var elements = 0
    private var failures = 0
    private var verifications = 0
    private(set) var isOver = false

    init(offer: ServerOffer) { self.offer = offer }

    var isWaiting: Bool { phase == .securing }

    /// The peer's certificate.
    var certificate: PeerIdentity? {
        switch layer {
        case .clear: nil
        case .secured(let certificate): certificate
        }
    }

    /// Whether nothing but TLS may go on here.
    var needsTLS: Bool { layer == .clear && offer.tls.isRequired }

    /// The secret, where dialback may go on here.
    var dialbackSecret: DialbackSecret? { needsTLS ? nil : offer.secret }

    func maySend(_ pair: DomainPair) -> Bool { isBidirectional && authorized.contains(pair) }

    mutating func handle(_ event: IncomingServerStream.Event) -> [Action] {
        switch event {
        case .header(let header, let id): opened(header, id)
        case .element(let element): received(element.inClientNamespace)
        case .footer: close(nil)
        case .malformed(let malformed): close(StreamError(malformed: malformed))
        case .secured(let certificate): secured(certificate)
        case .verified(let request, let answer): verified(request, answer)
        case .timeout: timedOut()
        case .close(let error): close(error)
        case .disconnected: end([.drop])
        }
    }

    /// A stanza that is to be delivered and nothing else.
    mutating func deliverable(_ element: Element) -> Stanza? {
        guard !authorized.isEmpty, phase == .open, let kind = Stanza.kind(of: element) else { return nil }
        guard let from = element["from"].flatMap({ JID($0) }), let to = element["to"].flatMap({ JID($0) }) else { return nil }
        guard authorized.contains(DomainPair(local: to.domain, remote: from.domain)) else { return nil }
        management.count()
        return Stanza(kind, from: from, to: to, element: terms?.language?.stamped(element) ?? element)
    }

    private mutating func received(_ element: Element) -> [Action] {
        switch phase {
        case .opening: return close(.policyViolation, "An element before the header")
        case .securing: return bug()
        case .open: break
        }
        if element.is("error", Namespace.stream) { return close(nil) }
        if let stanza = deliverable(element) { return [.deliver(stanza)] }
        guard let end = spend(element) else { return dispatch(element) }
        return end
    }

    /// Counts what a peer does before it is authorized; the end if that is too much.
    private mutating func spend(_ element: Element) -> [Action]? {
        guard authorized.isEmpty else { return nil }
        if DialbackXML.isVerificationRequest(element) { verifications += 1 } else { elements += 1 }
        guard elements > Self.mostElements || verifications > Self.mostVerifications else { return nil }
        return close(.policyViolation, "Too many elements before authorization")
    }

    private mutating func dispatch(_ element: Element) -> [Action] {
        if Stanza.kind(of: element) != nil { return close(fault(of: element)) }
        if element.isIn(DialbackXML.namespace) { return dialback(element) }
        if element.isIn(Namespace.sasl) { return authentication(element) }
        if element.is("starttls", Namespace.tls) { return startTLS() }
        if element.is("bidi", BidiXML.namespace) { return bidirectional(element) }
        if element.isIn(StreamManagementXML.namespace) { return managed(element) }
        return close(element.unknownCondition)
    }

    /// Why a stanza is not delivered (RFC 6120 §4.9.3.7, §4.9.3.9, §4.9.3.12).
    private func fault(of stanza: Element) -> StreamError {
        guard !authorized.isEmpty else { return StreamError(.notAuthorized) }
        let addresses = [stanza["from"], stanza["to"]].compactMap { $0.flatMap { JID($0) } }
        return StreamError(addresses.count == 2 ? .invalidFrom : .improperAddressing)
    }

    /// From now on the peer may send for the pair.
    mutating func authorize(_ pair: DomainPair, _ proof: PeerProof) -> [Action] {
        let isFirst = authorized.isEmpty
        authorized.insert(pair)
        let actions: [Action] = (isFirst ? [.stopClock] : []) + [.authorized(pair, proof)]
        return isBidirectional ? actions + [.maySend(pair)] : actions
    }

    /// A failed attempt to prove a domain; the end, if there were too many.
    mutating func fail() -> [Action] {
        guard authorized.isEmpty else { return [] }
        failures += 1
        guard failures >= Self.mostFailures else { return [] }
        return close(.policyViolation, "Too many failed attempts to authenticate")
    }

    /// The request for both directions (XEP-0288 §2.2). After the first pair it comes too late, and the peer's stream stays
    /// what it is.
    private mutating func bidirectional(_ request: Element) -> [Action] {
        guard offer.hasBidi else { return close(.unsupportedStanzaType) }
        guard !needsTLS else { return close(.policyViolation, "TLS is required first") }
        guard authorized.isEmpty else { return [] }
        isBidirectional = true
        return StreamLimits(in: request).map { [.limits($0)] } ?? []
    }

    private mutating func managed(_ element: Element) -> [Action] {
        guard element.isNamed("enable") || element.isNamed("resume") else {
            switch management.outcome(element) {
            case .acknowledge(let count): return [.acknowledge(count)]
            case .acknowledged(let count): return [.acknowledged(count)]
            case .senseless: return close(.policyViolation, "An acknowledgement without a count")
            case .unexpected: return [.send(StreamManagementXML.failed(.unexpectedRequest))]
            }
        }
        guard offer.hasManagement else { return [.send(StreamManagementXML.failed(.serviceUnavailable))] }
        guard !authorized.isEmpty else { return [.send(StreamManagementXML.failed(.unexpectedRequest))] }
        guard element.isNamed("enable") else { return [.send(StreamManagementXML.failed(.itemNotFound))] }
        guard !management.isEnabled else {
            let refusal = Action.send(StreamManagementXML.failed(.unexpectedRequest))
            return [refusal] + close(.policyViolation, "Stream management is enabled already")
        }
        management.enable()
        return [.send(StreamManagementXML.enabled(id: nil, seconds: nil)), .managementEnabled]
    }

    /// A peer that only had keys checked has not failed at anything.
    private mutating func timedOut() -> [Action] {
        guard authorized.isEmpty else { return [] }
        return close(verifications > 0 && phase == .open && pending.isEmpty ? nil : StreamError(.connectionTimeout))
    }

    /// The end. An error before our header still needs one in front of it (RFC 6120 §4.9.1.2).
    mutating func close(_ error: StreamError?) -> [Action] {
        switch phase {
        case .opening:
            let header = ServerHeader(from: terms?.local ?? offer.defaultDomain, to: terms?.remote, hasDialback: false)
            return end([.open(header), .close(error)])
        case .securing: return end([.drop])
        case .open: return end([.close(error)])
        }
    }

    mutating func close(_ condition: StreamError.Condition, _ text: String? = nil) -> [Action] {
        close(StreamError(condition, text: text))
    }

    /// The shell told or answered what it was not asked: that costs this stream and no other.
    mutating func bug() -> [Action] { close(.internalServerError) }

    mutating func end(_ actions: [Action]) -> [Action] {
        isOver = true
        return actions
    }
}
