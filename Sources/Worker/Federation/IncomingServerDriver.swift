internal import Configuration
internal import Kernel
internal import Network
internal import SASL
internal import SharedState
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// Drives a stream that another server has opened: its parts become events of `IncomingServerStream`, and what that decides is
/// carried out here.
@LoopActor
final class IncomingServerDriver {
    /// Milliseconds that a server gets to close its side after ours.
    private static let lingerMilliseconds: Int64 = 1_000
    /// Milliseconds that a server has until it may send for one of its domains, checks of keys included.
    private static let authorizationMilliseconds: Int64 = 60_000

    let carrier: any StreamCarrier
    private let connection: Connection
    private let listener: ServerListener
    private var stream: IncomingServerStream
    private var remote: RemoteServer?
    private var timer: Loop.Timer?
    private var deadline: Loop.Timer?
    private var isAuthorized = false
    /// When it last said something, in milliseconds of `Loop.now`.
    private var lastHeard = Loop.turnBegan

    init(_ carrier: any StreamCarrier, _ connection: Connection, listener: ServerListener) {
        self.carrier = carrier
        self.connection = connection
        self.listener = listener
        stream = IncomingServerStream(offer: listener.offer)
        restartClock()
        deadline = Loop.after(Self.authorizationMilliseconds) { [self] in
            handle(.close(StreamError(.connectionTimeout, text: "No domain was authorized in time")))
        }
    }

    private var federation: Federation { listener.federation }

    // MARK: What the stream decides

    private func handle(_ event: IncomingServerStream.Event) {
        for action in stream.handle(event) { perform(action) }
    }

    private func perform(_ action: IncomingServerStream.Action) {
        switch action {
        case .open(let header):
            carrier.write(markup: header.rendered(language: listener.server.configuration.general.language))
        case .send(let element): carrier.write(markup: ServerMarkup.element(element))
        case .startTLS(let domain): startTLS(domain)
        case .restart: carrier.restart()
        case .verify(let request):
            federation.checks.check(request) { [self] answer in
                guard !stream.isClosed else { return }
                handle(.verified(request, answer))
                carrier.resumeParsing()
            }
        case .authorized(let pair, let proof): authorized(pair, proof)
        case .refused(let pair, let reason):
            report(
                "server refused",
                [Field("remote", pair.remote), Field("local", pair.local), Field("direction", "in"), Field("reason", reason)])
        case .maySend, .limits, .managementEnabled, .acknowledged: break
        case .deliver(let stanza): remote?.receive(stanza.addressed)
        case .acknowledge(let count): acknowledge(count)
        case .restartClock: restartClock()
        case .stopClock: stopClock()
        case .close(let error): finish(error)
        case .drop:
            endSource()
            carrier.drop()
        }
    }

    private func startTLS(_ domain: String) {
        // It was offered by options that a reload has replaced.
        guard let contexts = listener.contexts(for: domain) else { return carrier.close() }
        carrier.startTLS(contexts)
    }

    private func authorized(_ pair: DomainPair, _ proof: PeerProof) {
        let security = carrier.tls?.version ?? "none"
        report(
            "server authorized",
            [
                Field("remote", pair.remote), Field("local", pair.local), Field("direction", "in"), Field("security", security),
                Field("proof", proof.rawValue),
            ])
        guard !isAuthorized else { return }
        isAuthorized = true
        deadline?.cancel()
        deadline = nil
        listener.authorized(self)
        carrier.limits = listener.limits
        carrier.setRate(federation.rate(listener.options.shaper, of: pair))
        remote = RemoteServer(pair.remote, connection: carrier.id, stream: carrier, on: listener.server)
    }

    private func acknowledge(_ count: UInt32) {
        guard let remote else { return carrier.write(markup: StreamManagementXML.answer(count)) }
        remote.whenHandled { [self] in carrier.write(markup: StreamManagementXML.answer(count)) }
    }

    private func restartClock() {
        stopClock()
        guard let time = listener.stepTimeoutMilliseconds else { return }
        timer = Loop.after(time) { [self] in handle(.timeout) }
    }

    private func stopClock() {
        timer?.cancel()
        timer = nil
    }

    private func finish(_ error: StreamError?) {
        endSource()
        if let error {
            listener.shared.cell?.add(.streamErrors)
            report("stream error", [Field("condition", error.condition.rawValue), Field("text", error.text ?? "")])
            carrier.write(markup: ServerMarkup.element(error.element))
        }
        carrier.finish(lingering: Self.lingerMilliseconds)
    }

    private func endSource() {
        stopClock()
        deadline?.cancel()
        deadline = nil
        remote?.end()
        remote = nil
    }

    /// Ends the stream if nothing has come for so long.
    func closeIfIdle(for milliseconds: Int64, now: Int64) {
        if isAuthorized, now - lastHeard >= milliseconds { handle(.close(StreamError(.connectionTimeout))) }
    }

    private func report(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field]) {
        guard Log.isEnabled(.info) else { return }
        Log.info(
            event(),
            [
                Field("connection", carrier.id), Field("listener", listener.options.place), Field("address", carrier.address),
            ] + fields())
    }
}

extension IncomingServerDriver: StreamDriver {
    var progress: StreamProgress {
        if stream.isClosed { return .closed }
        return stream.isWaiting ? .waiting : .ready
    }

    var queueBound: Int? { listener.server.configuration.general.maxFSMQueue }

    func receivedHeader(_ header: StreamHeader) { handle(.header(header, id: StreamMarkup.randomName())) }
    func takes(_ bytes: UnsafeRawBufferPointer) -> Bool { false }

    func receivedElement(_ element: Element) {
        lastHeard = Loop.turnBegan
        if let stanza = stream.deliverable(element) {
            remote?.receive(stanza.element)
        } else {
            handle(.element(element))
        }
    }

    func receivedFooter() { handle(.footer) }
    func receivedMalformed(_ malformed: Malformed) { handle(.malformed(malformed)) }
    func receivedAll() { listener.pauseIfCongested(self) }

    func secured() {
        handle(.secured(connection.peerCertificate.map(PeerIdentity.init)))
        carrier.resumeParsing()
    }

    func drained() {}
    func end(_ error: StreamError?) { handle(.close(error)) }

    func release(_ error: StreamError?) {
        if let error { end(error) } else { handle(.disconnected) }
    }

    func peerEnded() { handle(.disconnected) }

    func carrierClosed(_ reason: CloseReason) {
        handle(.disconnected)
        endSource()
        report("connection closed", [Field("reason", reason)])
        listener.closed(self)
    }
}

extension IncomingServerDriver: AcceptedStream {
    var isClosed: Bool { stream.isClosed }
    var hasSession: Bool { false }

    func isOpen(to host: Host) -> Bool { !stream.isClosed && stream.localDomain == host.domain }

    func followOptions() {
        guard !stream.isClosed, isAuthorized, let remote = stream.remoteDomain, let local = stream.localDomain else { return }
        let pair = DomainPair(local: local, remote: remote)
        carrier.limits = listener.limits
        carrier.setRate(federation.rate(listener.options.shaper, of: pair))
        if !federation.configuration(of: pair).allows(remote) {
            handle(.close(StreamError(.policyViolation, text: "Nothing is exchanged with \(remote)")))
        }
    }
}
