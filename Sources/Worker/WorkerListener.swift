internal import IPC
internal import Kernel
internal import Network
internal import XMPP

/// A listener of this worker, whoever its peers are: it accepts them, limits and counts them, follows its configuration and
/// ends. A kind of listener is one conformer and one line in `PreparedConfiguration.listener`.
@LoopActor
protocol WorkerListener: AnyObject {
    /// As the master describes it now.
    var descriptor: ListenerDescriptor { get }
    /// Its streams, whatever they have come to.
    var streams: [any PeerStream] { get }
    /// How many connections it has here.
    var openConnections: Int { get }

    /// Begins to accept at a socket that the master has bound; there may be several.
    func start(_ socket: Int32)
    /// New streams get what another configuration says, if that has such a listener; open ones keep what they were offered.
    /// At another address the sockets follow, and connections that were accepted stay.
    func apply(_ descriptor: ListenerDescriptor, _ prepared: PreparedConfiguration)
    /// - Parameter others: whether other workers go on at the same sockets.
    func stopAccepting(othersGoOn others: Bool)
    /// Another worker takes this one's place: streams whose peers come back by themselves, and lose nothing by it, are closed.
    func leave()
    /// Every other worker keeps up again: whoever was held back for one that did not goes on.
    func meshDrained()
    /// Closes whatever is still open, without a further word.
    func closeAll()
}

/// A stream of a listener's peer, as a reload and the end of the worker see it.
@LoopActor
protocol PeerStream: AnyObject {
    var isClosed: Bool { get }
    var hasSession: Bool { get }
    /// Whether it is open, and to that host.
    func isOpen(to host: Host) -> Bool
    /// Options of the listener are others: those that hold for open streams, too, are followed.
    func followOptions()
    /// Ends it because the server says so.
    func end(_ error: StreamError?)
}

extension WorkerListener {
    func leave() {}

    func endAll(_ error: StreamError) {
        for stream in streams { stream.end(error) }
    }
}

extension PreparedConfiguration {
    /// A listener of its kind, which has not started; nil if this configuration has none at that position.
    @LoopActor
    func listener(
        _ descriptor: ListenerDescriptor, server: Server, shared: WorkerSegment, federation: Federation
    ) -> (any WorkerListener)? {
        switch descriptor.kind {
        case .client: ClientListener(descriptor, self, server: server, shared: shared)
        case .component: ComponentListener(descriptor, self, server: server, shared: shared)
        case .server: ServerListener(descriptor, self, server: server, shared: shared, federation: federation)
        // Their options are checked; this release serves none of them.
        case .http: nil
        }
    }
}
