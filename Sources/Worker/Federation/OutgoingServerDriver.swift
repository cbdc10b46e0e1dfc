internal import Configuration
internal import Kernel
internal import Network
internal import Resolver
internal import SASL
internal import SharedState
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// Who has a stream to another server opened, and is told what becomes of it.
@LoopActor
protocol OutgoingServerOwner: AnyObject {
    /// Stanzas of the pair may be sent.
    func established(_ pair: DomainPair, by driver: OutgoingServerDriver)
    /// The pair will not be.
    func refused(_ pair: DomainPair, _ failure: ServerFailure, by driver: OutgoingServerDriver)
    /// The answer to a key that was to be checked.
    func verified(_ request: DialbackRequest, _ answer: DialbackAnswer)
    /// The stream is over; nil: in order.
    func ended(_ failure: ServerFailure?, by driver: OutgoingServerDriver)
}

/// Finds another server, connects to it and drives the stream: what the machine decides is carried out here.
@LoopActor
final class OutgoingServerDriver {
    /// Milliseconds that a dialback answer may take where `state_timeout` is less: the other server has to call back first.
    private static let dialbackMilliseconds: Int64 = 30_000
    /// Milliseconds that the other server gets to close its side after ours.
    private static let lingerMilliseconds: Int64 = 2_000
    /// Stanzas sent from one request for an acknowledgement to the next (XEP-0198).
    private static let stanzasPerRequest = 20
    /// Milliseconds after which fewer stanzas are asked about too: an old one must not come back when the link breaks later.
    private static let requestMilliseconds: Int64 = 1_000

    let pair: DomainPair
    private let federation: Federation
    private weak var owner: (any OutgoingServerOwner)?
    private var stream: OutgoingServerStream
    private var dial: ServerDial?
    private var carrier: StreamConnection?
    private var timer: Loop.Timer?
    private var isWaitingForDialback = false
    private var unread = UnreadBound()
    private var remote: RemoteServer?
    /// What was sent and is not acknowledged; nil without stream management.
    private var unacknowledged: UnacknowledgedStanzas?
    private var isManaged = false
    private var sinceRequest = 0
    private var requestTimer: Loop.Timer?
    /// Bytes of the largest stanza that the other server takes (XEP-0478).
    private var mostBytes: Int?
    private var failure: ServerFailure?
    private var isOver = false

    init(
        _ pair: DomainPair, purpose: OutgoingServerStream.Purpose, avoidsExternal: Bool = false, _ federation: Federation,
        _ owner: any OutgoingServerOwner
    ) {
        self.pair = pair
        self.federation = federation
        self.owner = owner
        stream = OutgoingServerStream(
            options: federation.outgoingOptions(for: pair, usesExternal: !avoidsExternal), pair: pair, purpose: purpose)
    }

    private var configuration: FederationConfiguration { federation.configuration(of: pair) }

    // MARK: The connection

    func begin() {
        guard let plan = federation.plan(for: pair) else {
            return Loop.submit { [self] in
                handle(.unreachable(ServerFailure("\(pair.remote) is no name of the DNS", .remoteServerNotFound)))
            }
        }
        dial = ServerDial(plan, federation.resolver) { [self] connection, target in
            connected(connection, isDirect: target.isDirectTLS)
        } failed: { [self] failure in
            dial = nil
            handle(.unreachable(ServerFailure("\(failure)", failure.isNotFound ? .remoteServerNotFound : .remoteServerTimeout)))
        }
    }

    private func connected(_ connection: Connection, isDirect: Bool) -> (any ConnectionDelegate)? {
        dial = nil
        guard !stream.isClosed else { return nil }
        let carrier = StreamConnection(
            connection, limits: federation.limits(ofOutgoing: configuration), content: Namespace.server,
            parser: federation.server.parser, headerParser: federation.server.headerParser)
        carrier.driver = self
        self.carrier = carrier
        connection.watchPeer()
        carrier.setRate(federation.rate(configuration.shaper, of: pair))
        federation.streamOpened(self)
        if isDirect { callTLS(isDirect: true) } else { handle(.connected) }
        return carrier
    }

    private func callTLS(isDirect: Bool) {
        guard let context = federation.outgoingContext(for: pair.local), let domain = JID.asciiDomain(pair.remote) else {
            return handle(.handshakeFailed(reason: "this server has no TLS"))
        }
        carrier?.callTLS(context, domain: domain, isDirect: isDirect)
    }

    // MARK: What the stream decides

    private func handle(_ event: OutgoingServerStream.Event) {
        for action in stream.handle(event) { perform(action) }
    }

    private func perform(_ action: OutgoingServerStream.Action) {
        switch action {
        case .open(let header):
            carrier?.write(markup: header.rendered(language: federation.server.configuration.general.language))
        case .send(let element):
            isWaitingForDialback = element.namespace == "jabber:server:dialback"
            carrier?.write(markup: ServerMarkup.element(element))
        case .startTLS: callTLS(isDirect: false)
        case .restart: carrier?.restart()
        case .untrusted(let reason): report("certificate of a server proves nothing", [Field("reason", reason)])
        case .established(let pair, let proof):
            report("link to a server established", [Field("security", security), Field("proof", proof.rawValue)])
            owner?.established(pair, by: self)
        case .refused(let pair, let failure): owner?.refused(pair, failure, by: self)
        case .verified(let request, let answer): owner?.verified(request, answer)
        case .limits(let limits): mostBytes = limits.maxBytes
        case .authorized(let pair): authorized(pair)
        case .deliver(let stanza): remote?.receive(stanza.addressed)
        case .managementRequested: unacknowledged = UnacknowledgedStanzas()
        case .managementEnabled:
            isManaged = true
            if sinceRequest > 0 { requestAcknowledgement() }
        case .managementRefused: unacknowledged = nil
        case .acknowledge(let count): acknowledge(count)
        case .acknowledged(let count): acknowledged(count)
        case .restartClock: restartClock()
        case .stopClock: stopClock()
        case .failed(let failure):
            self.failure = failure
            report("no link to a server", [Field("reason", failure.reason)])
        case .close(let error): finish(error)
        case .drop:
            carrier?.drop()
            end()
        }
    }

    private func authorized(_ pair: DomainPair) {
        guard remote == nil, let carrier else { return }
        remote = RemoteServer(pair.remote, connection: carrier.id, stream: carrier, on: federation.server)
    }

    private var security: String { carrier?.tls.map { "\($0.version)" } ?? "none" }

    private func restartClock() {
        stopClock()
        guard let step = configuration.stateTimeout?.wholeMilliseconds else { return }
        let time = isWaitingForDialback ? max(step, Self.dialbackMilliseconds) : step
        timer = Loop.after(time) { [self] in handle(.timeout) }
    }

    private func stopClock() {
        timer?.cancel()
        timer = nil
    }

    private func finish(_ error: StreamError?) {
        stopClock()
        if let carrier {
            if let error { carrier.write(markup: ServerMarkup.element(error.element)) }
            carrier.finish(lingering: Self.lingerMilliseconds)
        }
        end()
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        stopClock()
        requestTimer?.cancel()
        requestTimer = nil
        dial?.cancel()
        dial = nil
        remote?.end()
        let lost = failure == nil ? [] : (unacknowledged?.waiting ?? []).map(\.bytes)
        unacknowledged = nil
        for bytes in lost { sendBack(bytes) }
        federation.streamClosed(self)
        owner?.ended(failure, by: self)
    }

    /// Whether a stanza that was sent has come to its addressee is not known: its sender is told what is.
    private func sendBack(_ bytes: [UInt8]) {
        // Its kind is read from the bytes.
        federation.server.sendBack(
            RenderedStanza(.message, bytes), StanzaError(.remoteServerTimeout, text: "The link to \(pair.remote) broke"))
    }

    // MARK: Stanzas

    func send(_ stanza: RenderedStanza) {
        guard let carrier, !stream.isClosed else {
            return federation.server.sendBack(stanza, StanzaError(.remoteServerTimeout))
        }
        if let mostBytes, stanza.bytes.count > mostBytes {
            let text = "\(pair.remote) takes \(mostBytes) bytes at most"
            return federation.server.sendBack(stanza, StanzaError(.policyViolation, text: text))
        }
        guard unread.admits(carrier) else {
            federation.server.counters.slowReadersClosed += 1
            report("server does not read, closing the link", [Field("queued_bytes", carrier.queuedBytes)])
            failure = ServerFailure("\(pair.remote) does not read what it is sent")
            close(StreamError(.resourceConstraint, text: "Too many stanzas are waiting"))
            return federation.server.sendBack(stanza, StanzaError(.remoteServerTimeout))
        }
        stanza.bytes.withUnsafeBytes { carrier.send($0) }
        guard unacknowledged != nil else { return }
        unacknowledged?.append(stanza.bytes, at: Loop.turnBegan)
        sinceRequest += 1
        guard isManaged else { return }
        if sinceRequest >= Self.stanzasPerRequest {
            requestAcknowledgement()
        } else if requestTimer == nil {
            requestTimer = Loop.after(Self.requestMilliseconds) { [weak self] in self?.requestAcknowledgement() }
        }
    }

    private func requestAcknowledgement() {
        requestTimer?.cancel()
        (requestTimer, sinceRequest) = (nil, 0)
        carrier?.write(markup: StreamManagementXML.request)
    }

    private func acknowledge(_ count: UInt32) {
        guard let remote else {
            carrier?.write(markup: StreamManagementXML.answer(count))
            return
        }
        remote.whenHandled { [self] in carrier?.write(markup: StreamManagementXML.answer(count)) }
    }

    private func acknowledged(_ count: UInt32) {
        do throws(UnacknowledgedStanzas.TooHigh) {
            _ = try unacknowledged?.acknowledge(count)
        } catch {
            handle(.close(StreamManagementXML.tooHigh(count, sent: error.sent)))
        }
    }

    /// Has a key checked by the other server.
    func verify(_ request: DialbackRequest) { handle(.verify(request)) }

    func close(_ error: StreamError?) { handle(.close(error)) }

    private func report(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field]) {
        guard Log.isEnabled(.info) else { return }
        Log.info(
            event(), [Field("remote", pair.remote), Field("local", pair.local), Field("direction", "out")] + fields())
    }
}

extension OutgoingServerDriver: StreamDriver {
    var progress: StreamProgress {
        if stream.isClosed { return .closed }
        return stream.isWaiting ? .waiting : .ready
    }

    var queueBound: Int? { federation.server.configuration.general.maxFSMQueue }

    func receivedHeader(_ header: StreamHeader) { handle(.header(header)) }
    func takes(_ bytes: UnsafeRawBufferPointer) -> Bool { false }

    func receivedElement(_ element: Element) {
        if let stanza = stream.deliverable(element) {
            remote?.receive(stanza.element)
        } else {
            handle(.element(element))
        }
    }

    func receivedFooter() { handle(.footer) }
    func receivedMalformed(_ malformed: Malformed) { handle(.malformed(malformed)) }
    func receivedAll() {}

    func secured() {
        handle(.secured(carrier?.connection.peerCertificate.map(PeerIdentity.init)))
        carrier?.resumeParsing()
    }

    func drained() { unread.drain() }
    func end(_ error: StreamError?) { handle(.close(error)) }
    func release(_ error: StreamError?) { handle(.close(error)) }
    func peerEnded() { handle(.disconnected) }

    func carrierClosed(_ reason: CloseReason) {
        if stream.isWaiting { handle(.handshakeFailed(reason: "\(reason)")) } else { handle(.disconnected) }
        end()
    }
}

extension PeerIdentity {
    init(_ facts: PeerCertificateFacts) {
        self.init(
            isTrusted: facts.isTrusted, untrustedReason: facts.untrustedReason, dnsNames: facts.dnsNames,
            srvNames: facts.srvNames, xmppAddresses: facts.xmppAddresses)
    }
}
