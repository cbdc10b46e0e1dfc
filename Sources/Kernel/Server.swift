internal import Authentication
public import Configuration
public import IPC
public import Network
public import Operations
public import Pools
public import SharedState
public import Storage
public import XML
public import XMPP

/// The state of a worker: its hosts, its sessions, its streams to the other workers and its storage.
@LoopActor
public final class Server {
    public let slot: UInt8
    public let incarnation: UInt32
    public let directory: any SessionDirectory
    public let store: Repositories
    /// Connections to other services.
    public let pools: OutgoingPools
    public private(set) var configuration: ServerConfiguration
    public private(set) var hosts: [String: Host] = [:]
    public let pending = OutgoingIQs()
    public private(set) lazy var router = Router(server: self)
    /// Reads the elements of all connections, one whole element after another.
    public let parser = ElementParser()
    /// Reads declarations and stream headers, so that the other parser keeps its namespaces.
    public let headerParser = ElementParser()
    public var counters = Counters()
    /// Who carries out which verbs of administrators.
    public var operations = OperationHandlers<OperationHandler>.ofKernel()
    var currentStanza: CurrentStanza?
    /// Whether an address may register an account now: one in so many seconds, over all workers.
    public var claimRegistration: @LoopActor (_ address: String, _ seconds: Int64) -> Bool = { _, _ in true }
    /// The other workers; set once they are connected.
    public var mesh: (any Mesh)?
    /// Slots whose pipes have just refused a frame, while its stanza is routed another way.
    private var unreachable: Set<UInt8> = []
    /// The incarnations of the other slots that can be reached.
    public private(set) var livePeers: [UInt8: UInt32] = [:]

    private var sessions: [UInt64: Session] = [:] { didSet { sessionsCounted(sessions.count) } }
    /// Called with the number of sessions whenever one comes or goes.
    public var sessionsCounted: @LoopActor (Int) -> Void = { _ in }
    /// Sessions that answer or request an acknowledgement at the end of this turn.
    private var acknowledging: [Session] = []
    /// Tasks without a session that are under way; the end of the process waits for them.
    private var backgroundTasks = 0
    lazy var migration = SessionMigration(server: self)
    /// What belongs to no session and lives on one worker each.
    public private(set) lazy var ownership = Ownership(server: self, table: owners)
    private let owners: OwnershipTable?
    /// The external components of all workers.
    public private(set) lazy var components = Components(self, componentTable)
    private let componentTable: ComponentTable?
    lazy var outbox = MeshOutbox(server: self)
    private let handshakes = PeerHandshakes()
    /// The delayed acknowledgements of all senders.
    private(set) lazy var ackHolds = AckHolds(server: self)
    /// What the methods of authentication of all hosts use.
    private(set) lazy var authentication = AuthenticationResources(store: store, pools: pools) { [unowned self] user in
        sessions(of: user).reduce(into: UserSessions()) { known, route in
            if route.flags.contains(.anonymous) { known.anonymous += 1 } else { known.named += 1 }
        }
    }
    private let unreachableDomain = UnreachableDomain()
    private lazy var remoteDomains = RemoteDomains(self)
    /// The links to other servers; nil where there are none.
    public var remoteLinks: (any RemoteLinks)?
    private var states: [Int: Any] = [:]
    private var shutdownHooks: [@LoopActor () async -> Void] = []
    private let catalog: [any Module.Type]

    /// Running totals of this worker.
    public struct Counters: Sendable {
        public var stanzasIn: UInt64 = 0
        public var stanzasOut: UInt64 = 0
        /// Messages handed to sessions of this worker.
        public var messagesDelivered: UInt64 = 0
        /// Messages kept for users who were not there.
        public var messagesStoredOffline: UInt64 = 0
        /// Stanzas answered with an error.
        public var stanzasBounced: UInt64 = 0
        /// Streams closed because their clients did not read.
        public var slowReadersClosed: UInt64 = 0
        /// Accounts that were registered in band.
        public var registrations: UInt64 = 0

        public init() {}
    }

    /// - Parameters:
    ///   - workers: how many there are, which share the connections of each pool.
    ///   - owners: who owns what no session owns; nil: this worker, since there is no other.
    ///   - components: which domains components serve; nil: there are none.
    public init(
        slot: UInt8, incarnation: UInt32, workers: Int = 1, configuration: ServerConfiguration,
        directory: any SessionDirectory, store: Repositories, catalog: [any Module.Type],
        ownership owners: OwnershipTable? = nil, components: ComponentTable? = nil
    ) {
        self.slot = slot
        self.incarnation = incarnation
        self.configuration = configuration
        self.directory = directory
        self.store = store
        self.catalog = catalog
        self.owners = owners
        componentTable = components
        pools = OutgoingPools(configuration.outgoingPools, slot: Int(slot) % 64, processes: workers)
        for domain in configuration.hosts {
            hosts[domain] = Host(domain: domain, server: self, configuration: configuration.host(domain))
        }
    }

    /// Loads the modules of every host. Called once, before the first client.
    public func start() throws(ModuleConflict) {
        let faults = hosts.values.flatMap { $0.load(catalog) }
        if !faults.isEmpty { throw ModuleConflict(faults: faults.sorted()) }
    }

    /// Runs a module's work before the storage is closed, and waits for it.
    public func onShutdown(_ work: @escaping @LoopActor () async -> Void) { shutdownHooks.append(work) }

    /// Runs what `onShutdown` was given. Called when no client is left, or none is waited for any longer.
    public func runShutdownHooks() async {
        for work in shutdownHooks { await work() }
    }

    /// Ends what the methods of authentication have started. Called once, after the last client.
    public func stop() {
        for host in hosts.values { host.accounts.close() }
        pools.apply([], hosts: [], processes: 1)
    }

    public func host(_ domain: String) -> Host? { hosts[domain] }

    /// The receiver of stanzas for a domain.
    func destination(_ domain: String) -> any Destination {
        if let host = hosts[domain] { return host }
        if components.entry(domain) != nil { return components }
        return configuration.federates ? remoteDomains : unreachableDomain
    }

    /// A module's state for the whole worker, over all hosts and reloads; made when it is first asked for.
    public func state<Value>(_ key: ServerKey<Value>, orElse make: () -> Value) -> Value {
        if let value = states[key.index] as? Value { return value }
        let value = make()
        states[key.index] = value
        return value
    }

    /// Puts another checked configuration in force.
    ///
    /// A host that is gone takes no new stream; its sessions go on until they end. The caller closes its streams with
    /// `host-gone` (RFC 6120 §4.9.3.5), a few at a time, and then calls `remove`.
    /// - Parameter workers: how many there will be.
    /// - Returns: the hosts that are gone.
    public func apply(_ configuration: ServerConfiguration, workers: Int) -> [Host] {
        self.configuration = configuration
        let hasOtherPools = pools.apply(configuration.outgoingPools, hosts: configuration.hosts, processes: workers)
        for (domain, host) in hosts where configuration.hosts.contains(domain) {
            host.apply(configuration.host(domain), catalog, hasOtherPools: hasOtherPools)
        }
        for domain in configuration.hosts where hosts[domain] == nil {
            let host = Host(domain: domain, server: self, configuration: configuration.host(domain))
            hosts[domain] = host
            host.reload(catalog)
        }
        let gone = hosts.values.filter { !configuration.hosts.contains($0.domain) }
        for host in gone { hosts[host.domain] = nil }
        return gone
    }

    /// Ends what runs for a host that is gone and has no streams any more.
    public func remove(_ host: Host) {
        host.unloadAll()
        host.accounts.close()
    }

    // MARK: Sessions

    /// Sessions of this worker.
    public var localSessions: some Collection<Session> { sessions.values }

    public func session(_ connection: UInt64) -> Session? { sessions[connection] }

    /// The sessions of a user on all workers that can be reached.
    public func sessions(of user: JID) -> [SessionRoute] {
        let routes = directory.routes(of: user)
        return routes.allSatisfy({ isLive($0.owner) }) ? routes : routes.filter { isLive($0.owner) }
    }

    public func session(_ full: JID) -> SessionRoute? { directory.route(full).flatMap { isLive($0.owner) ? $0 : nil } }

    /// The entries of a user's sessions on all workers that can be reached.
    public func records(of user: JID) -> [SessionRecord] { directory.sessions(of: user).filter { isLive($0.owner) } }

    /// Whether the session's worker can be reached; otherwise its entry is an orphan that is about to be collected.
    func isLive(_ owner: SessionOwner) -> Bool {
        owner.slot == slot
            ? owner.incarnation == incarnation
            : livePeers[owner.slot] == owner.incarnation && !unreachable.contains(owner.slot)
    }

    func add(_ session: Session) { sessions[session.connection] = session }

    /// Removes a session from this worker but not from the directory: another worker gets it, or it comes back.
    func removeLocally(_ session: Session) { sessions[session.connection] = nil }

    func scheduleAcknowledgement(_ session: Session) {
        if acknowledging.isEmpty { Loop.endOfTurn { [self] in sendAcknowledgements() } }
        acknowledging.append(session)
    }

    private func sendAcknowledgements() {
        let now = acknowledging
        acknowledging = []
        for session in now { session.streamManagement?.flush(session) }
    }

    func remove(_ session: Session) {
        sessions[session.connection] = nil
        directory.remove(session.jid, owner: session.owner)
    }

    /// Ends a session on any worker.
    /// - Returns: false if the mesh refuses the frame: the session goes on.
    @discardableResult
    public func close(_ owner: SessionOwner, _ error: StreamError) -> Bool {
        guard owner.slot != slot else {
            if let session = sessions[owner.connection] {
                session.close(error)
            } else if let component = components.component(owner.connection) {
                component.close(error)
            } else {
                migration.followUp(owner.connection, .close(error))
            }
            return true
        }
        let frame = MeshFrame.close(
            connection: owner.connection, condition: error.condition.rawValue, text: error.text ?? "")
        return mesh?.send(frame.encoded(), to: owner.slot) ?? false
    }

    /// Runs work that belongs to no session and must be done before the process ends.
    public func background(_ body: @escaping @LoopActor () async -> Void) {
        backgroundTasks += 1
        Loop.spawn { [self] in
            await body()
            backgroundTasks -= 1
        }
    }

    /// No background task runs, and no other worker has an unconfirmed message: the process can end.
    public var isIdle: Bool { backgroundTasks == 0 && ackHolds.isIdle }

    /// Announces the end of a session whose worker died; its entry in the directory is gone.
    public func announceOrphan(_ record: SessionRecord) {
        let jid = JID.prepared(record.bare).with(resource: record.resource)
        let orphan = OrphanedSession(jid: jid, wasAvailable: record.flags.contains(.available))
        hosts[jid.domain]?.hooks.sessionOrphaned.tell(orphan)
        if record.flags.contains(.anonymous) { hosts[jid.domain]?.forgetAnonymous(jid.bare) }
    }

    // MARK: Other workers

    public func peerConnected(slot: UInt8, incarnation: UInt32) {
        if let former = livePeers[slot], former != incarnation { peerGone(slot: slot) }
        livePeers[slot] = incarnation
        handshakes.connected(slot)
        mesh?.send(MeshFrame.greeting.encoded(), to: slot)
        ownership.peerConnected(slot)
    }

    /// Waits until all connected workers have confirmed this one, or so many milliseconds have passed; before that they send
    /// nothing to its sessions.
    /// - Returns: false if some have not.
    public func waitUntilConfirmed(within milliseconds: Int64) async -> Bool { await handshakes.wait(within: milliseconds) }

    public func peerGone(slot: UInt8) {
        livePeers[slot] = nil
        handshakes.removed(slot)
        outbox.peerGone(slot)
        migration.peerGone(slot)
        ackHolds.peerGone(slot)
        ownership.peerGone(slot)
    }

    /// Takes a frame from the worker in that slot; its bytes are valid during the call only.
    public func receive(_ frame: UnsafeRawBufferPointer, from slot: UInt8) throws(WireError) {
        if let view = MeshFrame.StanzaView(frame) {
            receive(view, from: slot)
        } else {
            receive(try MeshFrame(decoding: Array(frame)), from: slot)
        }
    }

    private func receive(_ view: MeshFrame.StanzaView, from slot: UInt8) {
        guard let kind = Stanza.Kind(rawValue: view.kind) else { return }
        let ackHold = view.ticket == 0 ? nil : AckHold(of: view.ticket, slot, ackHolds)
        var taken = false
        for place in 0..<view.count {
            let connection = view.connection(place)
            if let session = sessions[connection] {
                session.deliver(kind, view.bytes, follows: view.follows, ackHold)
                taken = true
            } else if let component = components.component(connection) {
                component.deliver(RenderedStanza(kind, Array(view.bytes), ackHold))
                taken = true
            } else if migration.followUp(connection, .stanza(RenderedStanza(kind, Array(view.bytes), ackHold))) {
                taken = true
            }
        }
        if !taken { reroute(RenderedStanza(kind, Array(view.bytes), ackHold)) }
    }

    private func receive(_ frame: MeshFrame, from slot: UInt8) {
        switch frame {
        case .transfer(let message): migration.receive(message, from: slot)
        case .owned(let message): ownership.receive(message, from: slot)
        case .confirmed(let tickets): ackHolds.confirm(tickets, by: slot)
        case .greeting: handshakes.confirmed(slot)
        case .stanza: break  // a malformed one, or it had been read in place
        case .event(let topic, let user, let connections, let payload):
            let event = UserEvent(topic: topic, user: JID.prepared(user), payload: payload)
            hosts[event.user.domain]?.handle(event, for: connections)
        case .broadcast(let topic, let domain, let payload): hosts[domain]?.handleBroadcast(topic, payload)
        case .close(let connection, let condition, let text):
            let condition = StreamError.Condition(rawValue: condition) ?? .undefinedCondition
            let error = StreamError(condition, text: text.isEmpty ? nil : text)
            close(SessionOwner(slot: self.slot, incarnation: incarnation, connection: connection), error)
        }
    }

    /// - Parameters:
    ///   - follows: the stanza follows a session that has migrated from here.
    ///   - source: where the stanza came in, if it is here: its acknowledgement waits until this has found its way.
    func forward(
        _ stanza: RenderedStanza, to connections: [UInt64], at slot: UInt8, follows: Bool = false,
        for source: (any StanzaSource)? = nil
    ) {
        let ticket = stanza.ackHold == nil ? 0 : ackHolds.newTicket()
        let frame = MeshFrame.stanza(
            connections: connections, kind: stanza.kind.rawValue, follows: follows, bytes: stanza.bytes, ticket: ticket)
        if mesh?.send(frame.encoded(), to: slot) == true {
            if let ackHold = stanza.ackHold { ackHolds.track(ackHold, stanza.bytes, to: slot, ticket) }
            return
        }
        // The directory still has the sessions of that worker: they must not be chosen again.
        let isFirst = unreachable.insert(slot).inserted
        reroute(stanza, for: source, failures: stanza.failures &+ 1)
        if isFirst { unreachable.remove(slot) }
    }

    /// Routes a stanza anew whose session has gone while it was on its way, as if it came now.
    private func reroute(_ stanza: RenderedStanza, for source: (any StanzaSource)? = nil, failures: UInt8 = 0) {
        guard stanza.kind != .presence, let read = self.stanza(stanza.bytes) else { return }
        redeliver(read, for: source, ackHold: stanza.ackHold, failures: failures)
    }
}

/// Does something with storage. Its failure becomes what the client is told; the reason is in the log, where the driver wrote it.
@LoopActor
public func askStorage<Answer>(
    _ question: @autoclosure @LoopActor () async throws(StorageError) -> Answer
) async throws(StanzaError) -> Answer {
    do throws(StorageError) { return try await question() } catch { throw StanzaError(storage: error) }
}
