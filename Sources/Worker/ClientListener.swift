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
    let server: Server
    let shared: WorkerSegment
    private(set) var options: ClientListenerConfiguration
    private(set) var streamOptions: StreamOptions
    private var tls: ListenerTLS?
    private var offers: [String: StreamOffer] = [:]
    let sockets: ListenerSockets
    private let clients = ListenerStreams<ClientDriver>()

    /// Nil if the configuration has no such listener.
    init?(_ descriptor: ListenerDescriptor, _ prepared: PreparedConfiguration, server: Server, shared: WorkerSegment) {
        guard let (options, tls) = prepared.clientListener(Int(descriptor.position)) else { return nil }
        self.server = server
        self.shared = shared
        self.options = options
        self.tls = tls
        streamOptions = Self.streamOptions(options, server.configuration)
        weak var listener: ClientListener?
        sockets = ListenerSockets(descriptor, .init(options.stream), shared: shared) { listener?.accept($0) }
        listener = self
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
    var place: String { options.place }

    private func accept(_ connection: Connection) -> any ConnectionDelegate {
        let carrier = StreamConnection(
            connection, limits: limitsBeforeLogin, parser: server.parser, headerParser: server.headerParser)
        let client = ClientDriver(carrier, listener: self)
        carrier.driver = client
        clients.add(client)
        if options.tls?.mode == .tls, let contexts = contexts(for: nil) { connection.startTLS(contexts) }
        return carrier
    }

    func closed(_ client: ClientDriver) {
        if clients.remove(client) { sockets.closed() }
    }

    private func watchTraffic() {
        clients.watchTraffic(idleFor: sockets.isAccepting ? options.hibernateAfter?.wholeMilliseconds : nil)
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

    /// How long a client may take over a step before it has a session; nil: unlimited.
    var stepTimeoutMilliseconds: Int64? { options.stateTimeout?.wholeMilliseconds }

    var limits: Limits {
        Limits(bytes: options.maxStanzaSize ?? server.configuration.native.maxStanzaSize, elements: Limits.mostElements)
    }

    var limitsBeforeLogin: Limits {
        let bytes = min(limits.bytes, server.configuration.native.beforeLogin.maxStanzaSize)
        return Limits(bytes: bytes, depth: 16, attributes: 32)
    }

    // MARK: Backpressure of the mesh

    /// Holds a client back that wrote while another worker does not keep up.
    func pauseIfCongested(_ client: ClientDriver) {
        guard shared.isMeshCongested else { return }
        shared.cell?.add(.readPauses)
        clients.pause(client)
    }
}

extension ClientListener: WorkerListener {
    var descriptor: ListenerDescriptor { sockets.descriptor }
    var streams: [any PeerStream] { clients.all }
    var openConnections: Int { clients.count }

    func start(_ socket: Int32) {
        if options.proto == .tcp, let tls = options.tls, tls.verifyMode == .none {
            Log.info("clients are not asked for certificates", [Field("listener", place)])
        }
        sockets.start(socket)
        watchTraffic()
    }

    func apply(_ descriptor: ListenerDescriptor, _ prepared: PreparedConfiguration) {
        guard let (options, tls) = prepared.clientListener(Int(descriptor.position)) else { return }
        self.options = options
        self.tls = tls
        streamOptions = Self.streamOptions(options, server.configuration)
        offers = [:]
        sockets.apply(descriptor, .init(options.stream))
        watchTraffic()
    }

    func stopAccepting(othersGoOn others: Bool) {
        sockets.stopAccepting(othersGoOn: others)
        watchTraffic()
    }

    func meshDrained() { clients.resumePaused() }
    func closeAll() { clients.dropAll() }
}
