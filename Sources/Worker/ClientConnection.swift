internal import Configuration
internal import Kernel
internal import Network
internal import SASL
internal import SharedState
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// One client's connection: bytes become parts of a stream, parts become events of `ClientStream`, and what it
/// decides is carried out here.
@LoopActor
final class ClientConnection {
    let listener: ClientListener
    let connection: Connection
    var framer: StanzaFramer
    var stream: ClientStream
    private var namespaces = StreamNamespaces.client
    /// Bytes of a part whose end has not come.
    private var kept: [UInt8] = []
    /// Bytes that came while an answer was awaited.
    private var backlog: [UInt8] = []
    var session: Session?
    private var clock: Loop.Timer?
    /// When the clock was started, in milliseconds of `Loop.now`.
    private var clockBegan: Int64 = 0
    /// How long the client may still let the server wait until it has logged in, in milliseconds; nil from then on.
    private var loginTime: Int64?
    /// The client's steps up to its login may take as much time together as so many silences of `c2s_state_timeout`:
    /// beyond it the stream ends, or a client with a word in each could keep a connection for minutes.
    private static let loginTimeouts: Int64 = 3
    /// Milliseconds that a client without a login gets to close its side after the server's.
    private static let lingerBeforeLogin: Int64 = 1000
    var host: Host?
    /// An answer is awaited that the stream itself does not wait for: TLS, a registration.
    private var isHeld = false
    /// That answer is TLS: what the client sent in the clear behind its request counts for nothing (RFC 6120 §5.3.3).
    private var isSecuring = false
    private var hasRegistered = false
    private(set) var hasLoggedIn = false
    /// The login with a password that is under way.
    var passwordAttempt: LoginLimits.Attempt?
    /// Which method knows the user.
    var method: AuthenticationMethod?
    private var isProcessing = false
    /// When anything last came or went, in milliseconds of `Loop.now`; kept where connections hibernate after a while.
    private var lastTraffic: Int64 = 0
    /// The stream has decided to compress; done as soon as it is known what stands behind the request.
    private var inflationLimit: Int?

    init(_ connection: Connection, listener: ClientListener) {
        self.connection = connection
        self.listener = listener
        framer = StanzaFramer(limits: listener.limitsBeforeLogin)
        stream = ClientStream(options: listener.streamOptions)
        loginTime = listener.options.stateTimeout.map { $0.wholeMilliseconds.multipliedReportingOverflow(by: Self.loginTimeouts) }
            .map { $0.overflow ? .max : $0.partialValue }
        restartClock()
    }

    var server: Server { listener.server }
    private var isWaiting: Bool { isHeld || stream.isWaiting }

    /// Ends the stream because the server says so.
    func end(_ error: StreamError?) { perform(stream.handle(.close(error))) }

    /// Gives buffers back when there has been no traffic for so long (`hibernate_after`).
    func hibernate(idleFor idle: Int64, now: Int64) {
        guard lastTraffic > 0, now - lastTraffic >= idle, connection.queuedBytes == 0 else { return }
        lastTraffic = 0
        if kept.isEmpty { kept = [] }
        if backlog.isEmpty { backlog = [] }
        connection.hibernate()
    }

    private func noteTraffic() {
        if let idle = listener.options.hibernateAfter, idle > .zero { lastTraffic = Loop.turnBegan }
    }

    // MARK: Parts of the stream

    private func process(_ bytes: UnsafeRawBufferPointer) {
        var at = 0
        while at < bytes.count || kept.isEmpty == false {
            if stream.isClosed || isSecuring { return }
            if isWaiting { return hold(bytes, from: at) }
            do throws(Malformed) {
                switch try framer.next(bytes, from: at) {
                case .incomplete(let from):
                    if from < bytes.count { kept.append(contentsOf: bytes[from...]) }
                    return
                case .part(let part, let start, let end):
                    at = end
                    try take(part, UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                    if let limit = inflationLimit {
                        inflationLimit = nil
                        return connection.startCompression(limit: limit, behind: UnsafeRawBufferPointer(rebasing: bytes[end...]))
                    }
                }
            } catch {
                kept = []
                return perform(stream.handle(.malformed(error)))
            }
            if at == bytes.count { return }
        }
    }

    private func hold(_ bytes: UnsafeRawBufferPointer, from at: Int) {
        if at < bytes.count { backlog.append(contentsOf: bytes[at...]) }
        connection.pauseReading()
    }

    /// After an answer: what came meanwhile has its turn.
    func goOn() {
        guard !isWaiting, !isProcessing, !stream.isClosed else { return }
        let waiting = backlog
        backlog = []
        isProcessing = true
        waiting.withUnsafeBytes { process($0) }
        isProcessing = false
        if !isWaiting { connection.resumeReading() }
    }

    private func take(_ part: StanzaFramer.Part, _ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        if kept.isEmpty { return try read(part, bytes) }
        kept.append(contentsOf: bytes)
        let whole = kept
        kept = []
        try whole.withUnsafeBufferPointer { (whole) throws(Malformed) in
            try read(part, UnsafeRawBufferPointer(whole))
        }
    }

    private func read(_ part: StanzaFramer.Part, _ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        switch part {
        case .declaration: try server.headerParser.declaration(bytes)
        case .header:
            let header = try server.headerParser.header(bytes, limits: framer.limits)
            namespaces = header.namespaces
            open(header)
        case .element:
            if let session, session.streamManagement != nil, let sign = StreamManagementNonza(bytes) {
                return session.receive(sign)
            }
            let element = try server.parser.element(bytes, in: namespaces, limits: framer.limits)
            if let session, stream.deliverable(element) != nil {
                session.receive(stream.inLanguage(element))
            } else {
                perform(stream.handle(.element(element)))
            }
        case .footer:
            guard namespaces.isFooter(bytes) else { throw .notWellFormed }
            perform(stream.handle(.footer))
        }
    }

    private func open(_ header: StreamHeader) {
        // Nearly always it is written as we know it; otherwise it is prepared first.
        let host = header["to"].flatMap { to in
            server.host(to) ?? JID.preparedDomain(to).flatMap { server.host($0) }
        }
        if let host, self.host !== host {
            self.host = host
            connection.setRate(listener.rate(of: nil, on: host))
        }
        perform(stream.handle(.header(header, host.map(listener.offer))))
    }

    // MARK: What the stream decides

    func perform(_ actions: [ClientStream.Action]) {
        for action in actions { perform(action) }
    }

    private func perform(_ action: ClientStream.Action) {
        switch action {
        case .open(let header): connection.write(StreamMarkup.header(header, language: server.configuration.general.language))
        case .send(let element): connection.write(StreamMarkup.element(element))
        case .startTLS: startTLS()
        case .startCompression(let limit): inflationLimit = limit
        case .restart: framer.restart()
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
        case .stopClock: stopClock()
        case .close(let error): finish(error)
        case .drop:
            loseSession()
            connection.close(afterFlush: false)
        }
    }

    private func startTLS() {
        // It was offered by options that a reload has replaced.
        guard let contexts = listener.contexts(for: host?.domain) else { return connection.close(afterFlush: true) }
        kept = []
        backlog = []
        isHeld = true
        isSecuring = true
        connection.startTLS(contexts)
    }

    private func register(_ request: Element) {
        guard let host, let answer = host.beforeAuthentication else { return }
        isHeld = true
        let stanza = Stanza(.iq, from: nil, to: host.jid, element: request)
        Loop.spawn { [self] in
            let reply = await answer(stanza, address)
            isHeld = false
            guard !stream.isClosed else { return }
            connection.write(reply.rendered())
            // Who has just made an account could log in and stay: waiting costs the server no more than that.
            if reply.isType("result"), request.attribute("type", equals: "set") {
                hasRegistered = true
                perform(stream.handle(.registered))
            }
            if hasRegistered { stopClock() }
            goOn()
        }
    }

    /// From here on only the single steps are timed.
    func noteLogin() {
        hasLoggedIn = true
        loginTime = nil
    }

    private func restartClock() {
        stopClock()
        guard !hasRegistered, let timeout = listener.options.stateTimeout?.wholeMilliseconds else { return }
        clockBegan = Loop.now
        // Not a weak reference: it would make every other reference to the connection slower, for good.
        clock = Loop.after(min(timeout, loginTime ?? timeout)) { [self] in
            clock = nil
            perform(stream.handle(.timeout))
        }
    }

    private func stopClock() {
        guard let clock else { return }
        clock.cancel()
        self.clock = nil
        if let left = loginTime { loginTime = max(0, left - (Loop.now - clockBegan)) }
    }

    /// What others know of the session goes first, so that nobody meets it after its client was told the end.
    private func finish(_ error: StreamError?) {
        endSession()
        stopClock()
        if let error {
            listener.metrics?.add(.streamErrors)
            report("stream error", [Field("condition", error.condition.rawValue), Field("text", error.text ?? "")])
            connection.write(StreamMarkup.element(error.element))
        }
        connection.write("</stream:stream>")
        connection.close(afterFlush: true, lingering: hasLoggedIn ? Connection.lingerMilliseconds : Self.lingerBeforeLogin)
    }

    private func endSession() {
        guard let session else { return }
        self.session = nil
        session.end()
    }

    /// The connection is gone, the session perhaps not (XEP-0198 §5).
    private func loseSession() {
        guard let session else { return }
        self.session = nil
        session.streamDidDisconnect(self)
    }
}

extension ClientConnection: ConnectionDelegate {
    func connection(_ connection: Connection, received bytes: UnsafeRawBufferPointer) {
        guard !stream.isClosed else { return }
        if isWaiting { return hold(bytes, from: 0) }
        noteTraffic()
        isProcessing = true
        process(bytes)
        isProcessing = false
        listener.pauseIfCongested(self)
    }

    func connectionSecured(_ connection: Connection) {
        isHeld = false
        isSecuring = false
        let facts = connection.tls
        let certificate = facts.flatMap { facts -> ClientCertificate? in
            guard facts.verification == .good else { return nil }
            return ClientCertificate(addresses: facts.peerAddresses, commonName: facts.peerCommonName)
        }
        let bindings = ChannelBindings(
            exporter: facts?.exporter, serverEndPoint: facts?.serverEndPoint, unique: facts?.unique)
        perform(stream.handle(.secured(bindings, certificate: certificate)))
        goOn()
    }

    func connectionEnded(_ connection: Connection) {
        perform(stream.handle(.disconnected))
        loseSession()
        connection.close(afterFlush: true)
    }

    func connectionDrained(_ connection: Connection) { session?.streamDidDrain() }

    func connectionClosed(_ connection: Connection, reason: CloseReason) {
        let jid = session?.jid
        perform(stream.handle(.disconnected))
        loseSession()
        stopClock()
        endAttempt(.abandoned)
        report("connection closed", [Field("reason", reason)] + (jid.map { [Field("session", $0)] } ?? []))
        listener.closed(self)
    }

    /// Logs what happened to this connection; the facts that name it come with it.
    func report(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field]) {
        guard Log.isEnabled(.info) else { return }
        Log.info(
            event(), [Field("connection", connection.id), Field("listener", listener.place), Field("address", address)] + fields())
    }
}

extension ClientConnection: SessionStream {
    var address: String { connection.peer.ip }
    var isSecure: Bool { connection.isSecure }
    var queuedBytes: Int { connection.queuedBytes }
    var isBlocked: Bool { connection.isBlocked }
    var queueBound: Int? { listener.options.maxFSMQueue }

    func send(_ bytes: UnsafeRawBufferPointer) {
        noteTraffic()
        connection.write(bytes)
    }
    func close(_ error: StreamError?) { end(error) }
    func release(_ error: StreamError?) {
        session = nil
        if let error { end(error) } else { perform(stream.handle(.disconnected)) }
    }
    func pauseReading() { connection.pauseReading() }
    func resumeReading() { if !isWaiting { connection.resumeReading() } }
}
