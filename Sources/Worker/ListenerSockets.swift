internal import Configuration
internal import IPC
internal import Network
internal import Telemetry

/// The sockets of one listener in this worker: connections come in within the listener's limits, and are counted with those
/// of all other workers.
@LoopActor
final class ListenerSockets {
    /// What the configuration says of a listener's sockets, whoever its peers are.
    struct Options {
        /// The listener as the configuration names it, for the log.
        var place: String
        var isDatagram: Bool
        var backlog: Int
        var expectsProxyHeader: Bool
        /// Connections that may be open over all workers; with more, peers wait in the kernel. Nil: unlimited.
        var maxConnections: Int?
        /// Connections over all workers whose proxy may still have to say where they come from; with more, peers wait.
        var numAcceptors: Int
        /// How long a connection without traffic keeps its buffers; nil: for ever.
        var hibernateAfter: Duration?

        init(_ stream: StreamListenerConfiguration) {
            place = stream.place
            isDatagram = stream.proto == .udp
            backlog = stream.backlog
            expectsProxyHeader = stream.proxyProtocol
            maxConnections = stream.maxConnections
            numAcceptors = stream.numAcceptors
            hibernateAfter = stream.hibernateAfter
        }
    }

    private(set) var descriptor: ListenerDescriptor
    private var options: Options
    private let shared: WorkerSegment
    private let accept: @LoopActor (Connection) -> (any ConnectionDelegate)?
    private var sockets: [Listener] = []
    /// Sockets of former addresses, whose connections are still here.
    private var former: [Listener] = []
    private var datagrams: [DatagramSink] = []
    private(set) var openConnections = 0

    /// - Parameter accept: says who looks after a connection; it reports its end to `closed`.
    init(
        _ descriptor: ListenerDescriptor, _ options: Options, shared: WorkerSegment,
        accept: @escaping @LoopActor (Connection) -> (any ConnectionDelegate)?
    ) {
        self.descriptor = descriptor
        self.options = options
        self.shared = shared
        self.accept = accept
    }

    /// Where the sockets listen.
    var listening: [ListeningAddress] { (sockets + former).compactMap(\.address) }

    /// Whether connections come in here.
    var isAccepting: Bool { !sockets.isEmpty }

    /// Begins to accept at a socket that the master has bound; there may be several.
    func start(_ socket: Int32) {
        if options.isDatagram {
            return datagrams.append(DatagramSink(adopting: socket) { [shared, descriptor] in shared.refused(descriptor) })
        }
        let place = options.place
        let listener = Listener(adopting: socket, backlog: Int32(clamping: options.backlog), isShared: true) { number in
            Log.error("cannot accept connections", [Field("listener", place), Field("errno", number)])
        } accept: { [weak self] connection in
            self?.opened(connection)
        }
        sockets.append(listener)
        listener.gate = self
        prepare()
    }

    private func opened(_ connection: Connection) -> (any ConnectionDelegate)? {
        shared.opened(descriptor)
        openConnections += 1
        return accept(connection)
    }

    /// A connection that came in here is over.
    func closed() {
        openConnections -= 1
        shared.closed(descriptor)
    }

    /// Follows another configuration. At another address the sockets follow; connections that were accepted stay.
    func apply(_ descriptor: ListenerDescriptor, _ options: Options) {
        let hasMoved = (descriptor.address, descriptor.port) != (self.descriptor.address, self.descriptor.port)
        if openConnections == 0 { former = [] }
        if hasMoved {
            former += sockets
            stopAccepting(othersGoOn: false)
        }
        self.descriptor = descriptor
        self.options = options
        prepare()
    }

    /// Gives the sockets what the options say of their connections.
    private func prepare() {
        for listener in sockets { listener.expectsProxyHeader = options.expectsProxyHeader }
        for listener in sockets + former { listener.hibernation = options.hibernateAfter?.wholeMilliseconds }
    }

    /// - Parameter others: whether other workers go on at the same sockets.
    func stopAccepting(othersGoOn others: Bool) {
        for listener in sockets { others ? listener.retire() : listener.close() }
        sockets = []
        for sink in datagrams { sink.close() }
        datagrams = []
    }
}

extension ListenerSockets: AcceptLimiter {
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
                Field("listener", options.place), Field("address", peer),
                Field("reason", CloseReason.noProxyHeader),
            ])
    }
}
