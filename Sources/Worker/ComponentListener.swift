internal import Configuration
internal import IPC
internal import Kernel
internal import Network
internal import SharedState
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// One `[[listen.service]]`: accepts external components (XEP-0114).
@LoopActor
final class ComponentListener {
    let server: Server
    let shared: WorkerSegment
    private(set) var options: ComponentListenerConfiguration
    private var tls: ListenerTLS?
    private let sockets: ListenerSockets
    private let components = ListenerStreams<ComponentDriver>()

    /// Nil if the configuration has no such listener.
    init?(_ descriptor: ListenerDescriptor, _ prepared: PreparedConfiguration, server: Server, shared: WorkerSegment) {
        guard let (options, tls) = prepared.componentListener(Int(descriptor.position)) else { return nil }
        self.server = server
        self.shared = shared
        self.options = options
        self.tls = tls
        weak var listener: ComponentListener?
        sockets = ListenerSockets(descriptor, .init(options.stream), shared: shared) { listener?.accept($0) }
        listener = self
    }

    private func accept(_ connection: Connection) -> any ConnectionDelegate {
        let carrier = StreamConnection(
            connection, limits: limitsBeforeHandshake, content: ComponentStream.namespace, parser: server.parser,
            headerParser: server.headerParser)
        let component = ComponentDriver(carrier, listener: self)
        carrier.driver = component
        components.add(component)
        connection.watchPeer()
        if let tls { connection.startTLS(tls.contexts(for: nil)) }
        return carrier
    }

    func closed(_ component: ComponentDriver) {
        if components.remove(component) { sockets.closed() }
    }

    // MARK: What components meet

    var terms: Component.Terms {
        Component.Terms(access: options.access, checksFrom: options.checksFrom, isHidden: options.hidesComponents)
    }

    /// Bytes per second that a component may send; nil: as many as it likes.
    var rate: Int? { options.shaper == "none" ? nil : server.configuration.shapers[options.shaper]?.maxRate }

    /// How long a component may take over a step before it is registered.
    var stepTimeoutMilliseconds: Int64? { options.stateTimeout?.wholeMilliseconds }

    var limits: Limits {
        Limits(bytes: options.maxStanzaSize ?? server.configuration.native.maxStanzaSize, elements: Limits.mostElements)
    }

    var limitsBeforeHandshake: Limits {
        Limits(bytes: min(limits.bytes, server.configuration.native.beforeLogin.maxStanzaSize), depth: 16, attributes: 32)
    }

    func pauseIfCongested(_ component: ComponentDriver) {
        guard shared.isMeshCongested else { return }
        shared.cell?.add(.readPauses)
        components.pause(component)
    }

    private func watchTraffic() {
        components.watchTraffic(idleFor: sockets.isAccepting ? options.hibernateAfter?.wholeMilliseconds : nil)
    }
}

extension ComponentListener: WorkerListener {
    var descriptor: ListenerDescriptor { sockets.descriptor }
    var streams: [any PeerStream] { components.all }
    var openConnections: Int { components.count }

    func start(_ socket: Int32) {
        sockets.start(socket)
        watchTraffic()
    }

    func apply(_ descriptor: ListenerDescriptor, _ prepared: PreparedConfiguration) {
        guard let (options, tls) = prepared.componentListener(Int(descriptor.position)) else { return }
        self.options = options
        self.tls = tls
        sockets.apply(descriptor, .init(options.stream))
        watchTraffic()
    }

    func stopAccepting(othersGoOn others: Bool) {
        sockets.stopAccepting(othersGoOn: others)
        watchTraffic()
    }

    func leave() {
        for stream in components.all { stream.end(nil) }
    }

    func meshDrained() { components.resumePaused() }
    func closeAll() { components.dropAll() }
}
