internal import Configuration
internal import Kernel
internal import Network
internal import SASL
internal import SharedState
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// Drives one client's stream, whatever carries it: its parts become events of `ClientStream`, and what that decides is
/// carried out here.
@LoopActor
final class ClientDriver {
    /// Milliseconds that a client without a login gets to close its side after the server's.
    private static let lingerBeforeLogin: Int64 = 1000

    let listener: ClientListener
    let carrier: any StreamCarrier
    var stream: ClientStream
    var session: Session?
    var host: Host?
    /// The login with a password that is under way.
    var passwordAttempt: LoginLimits.Attempt?
    /// Which method knows the user.
    var method: AuthenticationMethod?
    var clock: ClientClock

    init(_ carrier: any StreamCarrier, listener: ClientListener) {
        self.carrier = carrier
        self.listener = listener
        stream = ClientStream(options: listener.streamOptions)
        clock = ClientClock(timeoutMilliseconds: listener.stepTimeoutMilliseconds)
        restartClock()
    }

    var server: Server { listener.server }

    // MARK: What the stream decides

    /// Tells the stream what has happened, and does what follows from it.
    func handle(_ event: ClientStream.Event) {
        for action in stream.handle(event) { perform(action) }
    }

    private func perform(_ action: ClientStream.Action) {
        switch action {
        case .open(let header): carrier.open(header, language: server.configuration.general.language)
        case .send(let element): carrier.write(element)
        case .startTLS: startTLS()
        case .startCompression(let limit): carrier.startCompression(limit: limit)
        case .restart: carrier.restart()
        case .fetchCredentials(let jid, let hash): fetchCredentials(jid, hash)
        case .verifyPassword(let jid, let password): verify(jid, password)
        case .admit(let jid): admit(jid)
        case .admitAnonymous: admitAnonymous()
        case .authenticated(let jid, let mechanism): authenticated(jid, mechanism)
        case .authenticationFailed(let user, let condition): authenticationFailed(user, condition)
        case .register(let request): register(request)
        case .bind(let user, let resource): bind(user, resource)
        case .resume(let user, let previous, let handled): resume(user, previous, handled)
        case .established: break
        case .deliver(_, let element): session?.receive(element)
        case .deliverExtension(let element): if let session { session.host.handleExtension(element, from: session) }
        case .restartClock: restartClock()
        case .stopClock: clock.stop()
        case .close(let error): finish(error)
        case .drop:
            loseSession()
            carrier.drop()
        }
    }

    private func startTLS() {
        // It was offered by options that a reload has replaced.
        guard let contexts = listener.contexts(for: host?.domain) else { return carrier.close() }
        carrier.startTLS(contexts)
    }

    private func restartClock() {
        // Not a weak reference: it would make every other reference to the stream slower, for good.
        clock.restart(timeoutMilliseconds: listener.stepTimeoutMilliseconds) { [self] in handle(.timeout) }
    }

    /// What others know of the session goes first, so that nobody meets it after its client was told the end.
    private func finish(_ error: StreamError?) {
        clock.stop()
        guard let session else { return writeEnd(error) }
        session.endAfterInbox { [self] in
            self.session = nil
            writeEnd(error)
        }
    }

    private func writeEnd(_ error: StreamError?) {
        if let error {
            listener.metrics?.add(.streamErrors)
            report("stream error", [Field("condition", error.condition.rawValue), Field("text", error.text ?? "")])
            carrier.write(error.element)
        }
        carrier.finish(lingering: clock.hasLoggedIn ? Connection.lingerMilliseconds : Self.lingerBeforeLogin)
    }

    /// The carrier is gone, the session perhaps not (XEP-0198 §5).
    private func loseSession() {
        guard let session else { return }
        self.session = nil
        session.streamDidDisconnect(carrier)
    }

    /// Logs what happened to this stream; the facts that name it come with it.
    func report(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field]) {
        guard Log.isEnabled(.info) else { return }
        Log.info(
            event(),
            [Field("connection", carrier.id), Field("listener", listener.place), Field("address", carrier.address)] + fields())
    }
}

extension ClientDriver: StreamDriver {
    var progress: StreamProgress {
        if stream.isClosed { return .closed }
        return stream.isWaiting ? .waiting : .ready
    }

    var queueBound: Int? { listener.options.maxFSMQueue }

    func receivedHeader(_ header: StreamHeader) {
        // Nearly always it is written as we know it; otherwise it is prepared first.
        let host = header["to"].flatMap { to in
            server.host(to) ?? JID.preparedDomain(to).flatMap { server.host($0) }
        }
        if let host, self.host !== host {
            self.host = host
            carrier.setRate(listener.rate(of: nil, on: host))
        }
        handle(.header(header, host.map(listener.offer)))
    }

    func takes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let session, session.streamManagement != nil, let nonza = StreamManagementNonza(bytes) else { return false }
        session.receive(nonza)
        return true
    }

    func receivedElement(_ element: Element) {
        if let session, stream.deliverable(element) != nil {
            session.receive(stream.inLanguage(element))
        } else {
            handle(.element(element))
        }
    }

    func receivedFooter() { handle(.footer) }
    func receivedMalformed(_ malformed: Malformed) { handle(.malformed(malformed)) }
    func receivedAll() { listener.pauseIfCongested(self) }

    func secured() {
        let facts = carrier.tls
        let certificate = facts.flatMap { facts -> ClientCertificate? in
            guard facts.verification == .good else { return nil }
            return ClientCertificate(addresses: facts.peerAddresses, commonName: facts.peerCommonName)
        }
        let bindings = ChannelBindings(
            exporter: facts?.exporter, serverEndPoint: facts?.serverEndPoint, unique: facts?.unique)
        answer(.secured(bindings, certificate: certificate))
    }

    func drained() { session?.streamDidDrain() }

    func end(_ error: StreamError?) { handle(.close(error)) }

    func release(_ error: StreamError?) {
        session = nil
        if let error { end(error) } else { handle(.disconnected) }
    }

    func peerEnded() {
        handle(.disconnected)
        loseSession()
    }

    func carrierClosed(_ reason: CloseReason) {
        let jid = session?.jid
        handle(.disconnected)
        loseSession()
        clock.stop()
        endAttempt(.abandoned)
        report("connection closed", [Field("reason", reason)] + (jid.map { [Field("session", $0)] } ?? []))
        listener.closed(self)
    }
}

extension ClientDriver: AcceptedStream {
    var isClosed: Bool { stream.isClosed }
    var hasSession: Bool { session != nil }

    func isOpen(to host: Host) -> Bool { self.host === host && !stream.isClosed }

    func followOptions() {
        guard !stream.isClosed, let host else { return }
        carrier.setRate(listener.rate(of: session?.jid, on: host))
        if session != nil { carrier.limits = listener.limits }
    }
}
