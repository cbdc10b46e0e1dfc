internal import SASL
internal import XML
internal import XMPP

/// A stream that this server opens to another, until its end.
struct OutgoingState: Sendable {
    typealias Action = OutgoingServerStream.Action

    /// Pairs of one stream, established and asked for. Others go over a stream of their own.
    static let mostPairs = 128
    /// Keys that are checked at the same time over one stream. Requests for more fail at once.
    static let mostVerifications = 128

    enum Phase: Sendable, Equatable {
        case connecting
        /// Our header is sent.
        case opening
        case awaitingFeatures
        case requestingTLS
        /// The shell does the TLS handshake.
        case securing
        case authenticating
        /// What is left to be settled is settled pair by pair.
        case ready
    }

    enum Layer: Sendable, Equatable {
        case clear
        case secured(PeerIdentity?)
    }

    /// What the peer's current header and features have settled.
    struct Terms: Sendable {
        /// Empty if there is none that keys could be made for.
        let id: String
        let language: StreamLanguage?
        var takesErrors = false
        var hasManagement = false
    }

    /// What answers to checks of keys are told apart by (XEP-0220 §2.1.2).
    struct Verification: Hashable, Sendable {
        let pair: DomainPair
        let streamID: String
    }

    let options: OutgoingServerOptions
    /// The first pair; only its remote domain matters where keys are checked.
    let pair: DomainPair
    let purpose: OutgoingServerStream.Purpose
    var phase = Phase.connecting
    var layer = Layer.clear
    var terms = Terms(id: "", language: nil)
    var isAuthenticated = false
    /// Whether the peer refused SASL EXTERNAL on this connection.
    var isExternalRefused = false
    /// Whether the first pair is neither established nor refused.
    var isPairOpen: Bool
    var established: Set<DomainPair> = []
    /// Pairs for which a dialback key was sent that is not answered yet.
    var requested: Set<DomainPair> = []
    var verifications: [Verification: DialbackRequest] = [:]
    var isBidirectional = false
    var isManagementRequested = false
    var management = ServerManagement()
    private(set) var isOver = false

    init(options: OutgoingServerOptions, pair: DomainPair, purpose: OutgoingServerStream.Purpose) {
        self.options = options
        self.pair = pair
        self.purpose = purpose
        isPairOpen = purpose == .stanzas
    }

    var isWaiting: Bool { phase == .securing }

    var certificate: PeerIdentity? {
        switch layer {
        case .clear: nil
        case .secured(let certificate): certificate
        }
    }

    /// Whether our current header declares the prefix of dialback, so that its elements can be written.
    var hasDialback: Bool {
        (layer != .clear || !options.tls.isRequired) && (purpose == .verification || options.dialbackSecret != nil)
    }

    mutating func handle(_ event: OutgoingServerStream.Event) -> [Action] {
        switch event {
        case .connected: connected()
        case .header(let header): opened(header)
        case .element(let element): received(element.inClientNamespace)
        case .footer: ended(byPeer: "closed the stream", [.close(nil)], isClean: true)
        case .malformed(let malformed): violated(StreamError(malformed: malformed))
        case .secured(let certificate): secured(certificate)
        case .unreachable(let failure): phase == .connecting ? fail(failure, [.drop]) : bug()
        case .handshakeFailed(let reason): fail(ServerFailure("the TLS handshake failed: \(reason)"), [.drop])
        case .add(let pair): add(pair)
        case .verify(let request): verify(request)
        case .timeout: timedOut()
        case .close(let error): closed(error)
        case .disconnected: ended(byPeer: "broke the connection off", [.drop], isClean: false)
        }
    }

    /// A stanza that is to be delivered and nothing else: the peer may send, and the pair is the reverse of one of ours.
    mutating func deliverable(_ element: Element) -> Stanza? {
        guard isBidirectional, phase == .ready, let kind = Stanza.kind(of: element) else { return nil }
        guard let from = element["from"].flatMap({ JID($0) }), let to = element["to"].flatMap({ JID($0) }) else { return nil }
        guard established.contains(DomainPair(local: to.domain, remote: from.domain)) else { return nil }
        management.count()
        return Stanza(kind, from: from, to: to, element: terms.language?.stamped(element) ?? element)
    }

    private mutating func received(_ element: Element) -> [Action] {
        if element.is("error", Namespace.stream) { return refused(StreamErrorReport(element)) }
        if let stanza = deliverable(element) { return [.deliver(stanza)] }
        switch phase {
        case .connecting, .securing: return bug()
        case .opening: return violated(StreamError(.policyViolation, text: "An element before the header"))
        case .awaitingFeatures where element.is("features", Namespace.stream): return chosen(element)
        case .requestingTLS where element.isIn(Namespace.tls): return answeredTLS(element)
        case .authenticating where element.isIn(Namespace.sasl): return authentication(element)
        case .awaitingFeatures, .requestingTLS, .authenticating, .ready: return other(element)
        }
    }

    /// What can come at any time, and what never should.
    private mutating func other(_ element: Element) -> [Action] {
        if Stanza.kind(of: element) != nil { return violated(fault(of: element)) }
        if element.isIn(DialbackXML.namespace) { return dialback(element) }
        if element.isIn(StreamManagementXML.namespace) { return managed(element) }
        return violated(StreamError(element.unknownCondition))
    }

    /// Why a stanza is not delivered (RFC 6120 §4.9.3.7, §4.9.3.9, §4.9.3.12).
    private func fault(of stanza: Element) -> StreamError {
        guard isBidirectional, !established.isEmpty else { return StreamError(.notAuthorized) }
        let addresses = [stanza["from"], stanza["to"]].compactMap { $0.flatMap { JID($0) } }
        return StreamError(addresses.count == 2 ? .invalidFrom : .improperAddressing)
    }

    private mutating func managed(_ element: Element) -> [Action] {
        if isManagementRequested, !management.isEnabled, element.isNamed("enabled") {
            management.enable()
            return [.managementEnabled]
        }
        if isManagementRequested, !management.isEnabled, element.isNamed("failed") {
            isManagementRequested = false
            return [.managementRefused]
        }
        return switch management.outcome(element) {
        case .acknowledge(let count): [.acknowledge(count)]
        case .acknowledged(let count): [.acknowledged(count)]
        case .senseless: violated(StreamError(.policyViolation, text: "An acknowledgement without a count"))
        case .unexpected: violated(StreamError(.unsupportedStanzaType))
        }
    }

    mutating func end(_ actions: [Action]) -> [Action] {
        isOver = true
        return actions
    }
}
