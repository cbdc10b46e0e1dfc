internal import Authentication
internal import Configuration
internal import IPC
internal import Kernel
internal import Network
internal import SASL
internal import SharedState
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// One `[[listen.c2s]]`: accepts clients and knows what to offer them.
@LoopActor
final class ClientListener {
    private(set) var descriptor: ListenerDescriptor
    let server: Server
    let shared: WorkerSegment
    private(set) var options: ClientListenerConfiguration
    private(set) var streamOptions: StreamOptions
    private var tls: ListenerTLS?
    private var offers: [String: StreamOffer] = [:]
    private var sockets: [Listener] = []
    /// Sockets of former addresses, whose connections are still here.
    private var former: [Listener] = []
    private var datagrams: [DatagramSink] = []
    private var hibernation: Loop.Timer?
    private var connections: [UInt64: ClientConnection] = [:]
    private var paused: [ObjectIdentifier: ClientConnection] = [:]

    init(
        _ descriptor: ListenerDescriptor, _ options: ClientListenerConfiguration, _ tls: ListenerTLS?,
        server: Server, shared: WorkerSegment
    ) {
        self.descriptor = descriptor
        self.server = server
        self.shared = shared
        self.options = options
        self.tls = tls
        streamOptions = Self.streamOptions(options, server.configuration)
    }

    var metrics: WorkerCell? { shared.cell }

    private static func streamOptions(
        _ options: ClientListenerConfiguration, _ configuration: ServerConfiguration
    ) -> StreamOptions {
        let mode: StreamOptions.TLSMode =
            switch options.tls?.mode {
            case nil: .none
            case .starttls: .optional
            case .starttlsRequired: .required
            case .tls: .direct
            }
        return StreamOptions(
            tls: mode, defaultDomain: configuration.general.defaultServerDomain,
            allowsSecretsInClear: configuration.native.allowsPlainBeforeTLS ? true : nil,
            listsSession: options.backwardsCompatibleSession, hidesName: configuration.general.hideServiceName,
            authenticationFailures: configuration.native.beforeLogin.maxAuthAttempts,
            inflationLimit: options.zlib, language: configuration.general.language)
    }

    /// The listener as the configuration names it.
    var place: String { "listen.c2s[\(options.index)]" }

    /// Begins to accept at a socket that the master has bound; there may be several.
    func start(_ socket: Int32) {
        if options.proto == .udp {
            return datagrams.append(DatagramSink(adopting: socket) { [shared, descriptor] in shared.refused(descriptor) })
        }
        let place = place
        if let tls = options.tls, tls.verifyMode == .none {
            Log.info("clients are not asked for certificates", [Field("listener", place)])
        }
        let listener = Listener(adopting: socket, backlog: Int32(clamping: options.backlog), isShared: true) { number in
            Log.error("cannot accept connections", [Field("listener", place), Field("errno", number)])
        } accept: { [weak self] connection in
            self?.accept(connection)
        }
        sockets.append(listener)
        listener.gate = self
        prepare()
    }

    /// Gives the socket's side of the listener what the options say.
    private func prepare() {
        let idle = options.hibernateAfter?.wholeMilliseconds
        for listener in sockets { listener.expectsProxyHeader = options.proxyProtocol }
        for listener in sockets + former { listener.hibernation = idle }
        hibernation?.cancel()
        hibernation = nil
        guard let idle, idle > 0, !sockets.isEmpty else { return }
        hibernation = Loop.every(max(50, min(1000, idle / 2))) { [weak self] in
            guard let self else { return }
            let now = Loop.now
            for client in connections.values { client.hibernate(idleFor: idle, now: now) }
        }
    }

    private func accept(_ connection: Connection) -> (any ConnectionDelegate)? {
        shared.opened(descriptor)
        let client = ClientConnection(connection, listener: self)
        connections[connection.id] = client
        if options.tls?.mode == .tls, let contexts = contexts(for: nil) { connection.startTLS(contexts) }
        return client
    }

    func closed(_ client: ClientConnection) {
        guard connections.removeValue(forKey: client.connection.id) != nil else { return }
        paused[ObjectIdentifier(client)] = nil
        shared.closed(descriptor)
    }

    // MARK: What clients are offered

    /// What a host offers here; made once and shared by all streams.
    func offer(of host: Host) -> StreamOffer {
        if let offer = offers[host.domain] { return offer }
        let authentication = host.configuration.authentication
        let abilities = host.accounts.abilities(allowed: options.allowedAuthMethods)
        let mechanisms = authentication.mechanisms.compactMap { Mechanism(optionName: $0.rawValue) }
        let offer = StreamOffer(
            domain: host.domain, options: streamOptions, mechanisms: mechanisms.filter(abilities.serve),
            secret: shared.secret, iterations: authentication.scramIterations,
            certificateRules: authentication.certificateRules.compactMap { CertificateRule(rawValue: $0.rawValue) },
            registers: host.beforeAuthentication != nil && host.accounts.abilities().contains(.registration),
            features: host.features.afterAuthentication.map { $0() }, extensions: host.extensionNamespaces)
        offers[host.domain] = offer
        return offer
    }

    /// The certificate for clients that named this domain in their header; SNI wins over it.
    func contexts(for domain: String?) -> TLSContextSet? {
        tls?.contexts(for: domain)
    }

    /// Whether the listener's access rule lets a user in.
    func admits(_ user: JID, on host: Host) -> Bool {
        if options.access == "all" { return true }
        return host.access(options.access, for: user) == .allow
    }

    /// Bytes per second that a client may send, before (`nil`) and after it has shown who it is.
    func rate(of user: JID?, on host: Host) -> Int? {
        guard options.shaper != "none" else { return nil }
        let subject = AccessSubject(local: user?.local, domain: host.domain)
        return server.configuration.shaper(rule: options.shaper, for: subject, on: host.domain)?.maxRate
    }

    var limits: Limits { Limits(bytes: options.maxStanzaSize ?? server.configuration.native.maxStanzaSize) }

    var limitsBeforeLogin: Limits {
        let bytes = min(limits.bytes, server.configuration.native.beforeLogin.maxStanzaSize)
        return Limits(bytes: bytes, depth: 16, attributes: 32)
    }

    // MARK: Backpressure of the mesh

    /// Holds a client back that wrote while another worker does not keep up.
    func pauseIfCongested(_ client: ClientConnection) {
        guard shared.isMeshCongested else { return }
        paused[ObjectIdentifier(client)] = client
        shared.cell?.add(.readPauses)
        client.pauseReading()
    }

    func meshDrained() {
        let clients = paused.values
        paused = [:]
        for client in clients { client.resumeReading() }
    }

    // MARK: Change and end

    /// New streams get the new options; those that are open keep what they were offered. At another address the sockets
    /// follow, and connections that were accepted stay.
    func apply(_ descriptor: ListenerDescriptor, _ options: ClientListenerConfiguration, _ tls: ListenerTLS?) {
        let hasMoved = (descriptor.address, descriptor.port) != (self.descriptor.address, self.descriptor.port)
        if connections.isEmpty { former = [] }
        if hasMoved {
            former += sockets
            stopAccepting(othersGoOn: false)
        }
        self.descriptor = descriptor
        self.options = options
        self.tls = tls
        streamOptions = Self.streamOptions(options, server.configuration)
        offers = [:]
        prepare()
    }

    /// - Parameter others: whether other workers go on at the same sockets.
    func stopAccepting(othersGoOn others: Bool) {
        for listener in sockets { others ? listener.retire() : listener.close() }
        sockets = []
        for sink in datagrams { sink.close() }
        datagrams = []
        hibernation?.cancel()
        hibernation = nil
    }

    /// Its connections, whatever they have come to.
    var clients: [ClientConnection] { Array(connections.values) }

    var openConnections: Int { connections.count }

    func endAll(_ error: StreamError) {
        for client in Array(connections.values) { client.end(error) }
    }

    /// Closes whatever is still open, without a further word.
    func closeAll() {
        for client in Array(connections.values) { client.connection.close(afterFlush: false) }
    }
}

extension ClientListener: AcceptLimiter {
    /// `max_connections` and `num_acceptors` hold over all workers, give or take what several accept at the same moment.
    var isOpen: Bool {
        shared.pending(descriptor) < options.numAcceptors
            && (options.maxConnections.map { shared.open(descriptor) < $0 } ?? true)
    }

    func headerAwaited() { shared.addPending(descriptor, 1) }
    func headerEnded() { shared.addPending(descriptor, -1) }

    func headerMissing(from peer: PeerAddress) {
        shared.refused(descriptor)
        Log.info(
            "connection refused",
            [
                Field("listener", place), Field("address", peer),
                Field("reason", CloseReason.noProxyHeader),
            ])
    }
}
