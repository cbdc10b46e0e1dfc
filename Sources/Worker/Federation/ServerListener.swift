internal import Configuration
internal import IPC
internal import Kernel
internal import Network
internal import SharedState
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// One `[[listen.s2s]]`: accepts other servers and knows what to offer them.
@LoopActor
final class ServerListener {
    /// Streams from one address, or one /64 of IPv6, that are not authorized for any domain yet, on this worker; one more is closed.
    private static let mostStrangers = 50
    /// Bytes of one element, or of the header, before a stream is authorized; at one more it is closed.
    private static let mostBytesBeforeAuthorization = 10 << 10
    /// Milliseconds from one look for idle streams to the next.
    private static let lookMilliseconds: Int64 = 60_000

    let server: Server
    let shared: WorkerSegment
    let federation: Federation
    private(set) var options: ServerListenerConfiguration
    private(set) var offer: ServerOffer
    private var tls: ListenerTLS?
    private let sockets: ListenerSockets
    private let servers = ListenerStreams<IncomingServerDriver>()
    private var strangers: [String: Int] = [:]
    private var addresses: [UInt64: String] = [:]
    private var timer: Loop.Timer?

    /// Nil if the configuration has no such listener.
    init?(
        _ descriptor: ListenerDescriptor, _ prepared: PreparedConfiguration, server: Server, shared: WorkerSegment,
        federation: Federation
    ) {
        guard let (options, tls) = prepared.serverListener(Int(descriptor.position)) else { return nil }
        self.server = server
        self.shared = shared
        self.federation = federation
        self.options = options
        self.tls = tls
        offer = federation.offer(options, hasCertificate: tls != nil)
        weak var listener: ServerListener?
        sockets = ListenerSockets(descriptor, .init(options.stream), shared: shared) { listener?.accept($0) }
        listener = self
    }

    /// Where it listens here.
    var listening: [ListeningAddress] { sockets.listening }

    private func accept(_ connection: Connection) -> (any ConnectionDelegate)? {
        let address = LoginLimits.origin(of: connection.peer.ip)
        guard strangers[address, default: 0] < Self.mostStrangers else {
            shared.refused(descriptor)
            Loop.endOfTurn { [self] in sockets.closed() }
            return nil
        }
        let carrier = StreamConnection(
            connection, limits: limitsBeforeAuthorization, content: Namespace.server, parser: server.parser,
            headerParser: server.headerParser)
        let driver = IncomingServerDriver(carrier, connection, listener: self)
        carrier.driver = driver
        servers.add(driver)
        strangers[address, default: 0] += 1
        addresses[carrier.id] = address
        connection.watchPeer()
        if options.tls?.mode == .tls, let contexts = contexts(for: nil) { connection.startTLS(contexts) }
        return carrier
    }

    /// A stream may send for one of its domains: its address has room for another.
    func authorized(_ driver: IncomingServerDriver) { forgetStranger(driver) }

    private func forgetStranger(_ driver: IncomingServerDriver) {
        guard let address = addresses.removeValue(forKey: driver.carrier.id) else { return }
        let others = strangers[address, default: 1] - 1
        strangers[address] = others > 0 ? others : nil
    }

    func closed(_ driver: IncomingServerDriver) {
        forgetStranger(driver)
        if servers.remove(driver) { sockets.closed() }
    }

    // MARK: What servers meet

    func contexts(for domain: String?) -> TLSContextSet? { tls?.contexts(for: domain) }

    /// How long a server may take over a step before it is authorized; nil: unlimited.
    var stepTimeoutMilliseconds: Int64? { options.stateTimeout?.wholeMilliseconds }

    var limits: Limits {
        Limits(bytes: options.maxStanzaSize ?? server.configuration.native.maxStanzaSize, elements: Limits.mostElements)
    }

    private var limitsBeforeAuthorization: Limits {
        let bytes = min(limits.bytes, server.configuration.native.beforeLogin.maxStanzaSize, Self.mostBytesBeforeAuthorization)
        return Limits(bytes: bytes, depth: 16, attributes: 32)
    }

    func pauseIfCongested(_ driver: IncomingServerDriver) {
        guard shared.isMeshCongested else { return }
        shared.cell?.add(.readPauses)
        servers.pause(driver)
    }

    private func watchTraffic() {
        servers.watchTraffic(idleFor: sockets.isAccepting ? options.hibernateAfter?.wholeMilliseconds : nil)
        timer?.cancel()
        timer =
            !sockets.isAccepting
            ? nil
            : Loop.every(Self.lookMilliseconds) { [weak self] in
                let now = Loop.now
                for driver in self?.servers.all ?? [] { driver.closeIfIdle(for: Federation.incomingIdleMilliseconds, now: now) }
            }
    }
}

extension ServerListener: WorkerListener {
    var descriptor: ListenerDescriptor { sockets.descriptor }
    var streams: [any PeerStream] { servers.all }
    var openConnections: Int { servers.count }

    func start(_ socket: Int32) {
        sockets.start(socket)
        watchTraffic()
    }

    func apply(_ descriptor: ListenerDescriptor, _ prepared: PreparedConfiguration) {
        guard let (options, tls) = prepared.serverListener(Int(descriptor.position)) else { return }
        self.options = options
        self.tls = tls
        offer = federation.offer(options, hasCertificate: tls != nil)
        sockets.apply(descriptor, .init(options.stream))
        watchTraffic()
    }

    func stopAccepting(othersGoOn others: Bool) {
        sockets.stopAccepting(othersGoOn: others)
        watchTraffic()
    }

    func leave() {
        for stream in servers.all { stream.end(nil) }
    }

    func meshDrained() { servers.resumePaused() }
    func closeAll() { servers.dropAll() }
}
