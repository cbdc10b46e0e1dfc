internal import Authentication
internal import Configuration
internal import Glibc
internal import IPC
internal import Kernel
internal import Network
internal import Pools
internal import SharedState
internal import Storage
internal import Telemetry
internal import XMPP

/// Everything that runs in a worker, joined: storage, kernel, mesh, listeners.
@LoopActor
final class WorkerRuntime {
    let server: Server
    let mesh: MeshLinks
    var report: @LoopActor (LoadReport) -> Void = { _ in }
    let shared: WorkerSegment
    let federation: Federation
    private let database: SQLiteDatabase
    var configuration: PreparedConfiguration
    var listeners: [any WorkerListener] = []
    private var lastTick = Loop.now
    private var tick: Loop.Timer?
    private var activity: WorkerActivity

    /// Random bytes of the dialback secret where the configuration has none.
    private static let dialbackSecretLength = 32
    private static let tickMilliseconds: Int64 = 1000
    private static let orphansPerTurn = 200

    /// Opens what the worker needs. Throws what the operator must read.
    static func make(
        _ arguments: WorkerArguments, _ prepared: PreparedConfiguration, segment descriptor: Int32,
        catalog: [any Module.Type]
    ) async throws -> WorkerRuntime {
        let segment = try SharedSegment(attach: descriptor)
        let failures = FailureCount()
        let database = try SQLiteDatabase(path: prepared.configuration.native.storagePath) { error, what in
            failures.add()
            Log.error("storage failed", [Field("operation", what), Field("error", error)])
        }
        try await Schema.migrate(database)
        let store = Repositories(database)
        let secret = try await store.serverValues.secret(
            Accounts.saltSecretName, orElse: randomBytes(Accounts.saltSecretLength))
        let shared = WorkerSegment(segment: segment, slot: Int(arguments.slot), secret: secret)
        let server = Server(
            slot: arguments.slot, incarnation: arguments.incarnation, workers: Int(arguments.workers),
            configuration: prepared.configuration, directory: SharedSessionDirectory(SessionTable(segment)), store: store,
            catalog: catalog, ownership: OwnershipTable(segment), components: ComponentTable(segment))
        let dialback = try await store.serverValues.secret("dialback", orElse: randomBytes(Self.dialbackSecretLength))
        let federation = Federation(server, prepared.federationTLS, ownSecret: dialback.map { String($0, radix: 16) }.joined())
        return try WorkerRuntime(arguments, prepared, server, shared, database, failures, segment, federation)
    }

    private init(
        _ arguments: WorkerArguments, _ prepared: PreparedConfiguration, _ server: Server, _ shared: WorkerSegment,
        _ database: SQLiteDatabase, _ failures: FailureCount, _ segment: SharedSegment, _ federation: Federation
    ) throws {
        self.federation = federation
        self.server = server
        self.shared = shared
        self.database = database
        activity = WorkerActivity(failures)
        configuration = prepared
        mesh = MeshLinks(server: server, shared: shared)
        server.mesh = mesh
        server.claimRegistration = { [shared] address, seconds in
            shared.registrations.claim(LoginLimits.origin(of: address), now: WallClock.seconds, intervalSeconds: seconds)
        }
        WorkerCells(segment).resetGauges(Int(arguments.slot))
        shared.cell?.begin(
            pid: getpid(), incarnation: arguments.incarnation, started: WallClock.seconds, now: UInt64(Loop.now))
        // At once, not with the next beat: whoever asks for the status has just logged in.
        server.sessionsCounted = { [shared] in shared.cell?.set(.sessions, $0) }
        mesh.onDrained = { [unowned self] in
            for listener in listeners { listener.meshDrained() }
        }
        federation.listening = { [unowned self] in
            listeners.compactMap { $0 as? ServerListener }.flatMap(\.listening)
        }
        try server.start()
    }

    /// A socket has come for a listener, which there may be already.
    func listen(_ descriptor: ListenerDescriptor, _ socket: Int32) {
        if let listener = listeners.first(where: { $0.descriptor.index == descriptor.index }) { return listener.start(socket) }
        guard let listener = configuration.listener(descriptor, server: server, shared: shared, federation: federation)
        else {
            Glibc.close(socket)
            return
        }
        listeners.append(listener)
        listener.start(socket)
    }

    func begin() {
        TurnClock.startOver()
        activity.begin()
        TurnClock.onLongTurn = { [unowned server] in WorkerActivity.logTurn($0, of: server) }
        tick = Loop.every(Self.tickMilliseconds) { [unowned self] in beat() }
        collectOrphans(of: server.slot, before: server.incarnation) {}
    }

    // MARK: Reports

    private func beat() {
        let now = Loop.now
        server.ownership.refresh()
        let lag = max(0, now - lastTick - Self.tickMilliseconds - Loop.timerGrain)
        lastTick = now
        let sessions = server.localSessions.count
        let connections = openConnections
        if let cell = shared.cell {
            cell.beat(UInt64(now))
            cell.set(.connections, connections)
            cell.raise(.loopLag, to: Int(lag))
            activity.count(server.counters, database.statistics, in: cell)
            lookAtOthers(cell, now)
            cell.set(.storageQueue, database.statistics.waiting)
        }
        report(
            LoadReport(
                sessions: UInt32(clamping: sessions), connections: UInt32(clamping: connections),
                stanzas: server.counters.stanzasIn, lagMicroseconds: UInt32(clamping: lag * 1000),
                pools: server.pools.health.map(PoolReport.init)))
    }

    /// Says which work for a worker, this one or another, does not get on.
    private func lookAtOthers(_ cell: WorkerCell, _ now: Int64) {
        server.forgetCurrentStanza()
        let health = mesh.look(now: now)
        cell.set(.meshCongestedPeers, health.congestedPeers)
        cell.set(.meshCongestedMilliseconds, Int(health.longestCongestion))
        var stall = health.stalled.map { WorkerStall(slot: $0.slot, milliseconds: $0.milliseconds) }
        let onTheMove = activity.moving(server.sessionsOnTheMove, since: server.sessionsOnTheMoveSince, in: cell, now)
        if onTheMove > stall?.milliseconds ?? 0 { stall = WorkerStall(slot: server.slot, milliseconds: onTheMove) }
        cell.report(stall)
    }

    // MARK: Sessions that others left behind

    /// Takes those of dead workers of a slot out of the table a few at a time and has their end announced.
    func collectOrphans(of slot: UInt8, before incarnation: UInt32, completion: @escaping @LoopActor () -> Void) {
        guard let records = server.directory.takeOrphans(slot: slot, before: incarnation, limit: Self.orphansPerTurn)
        else {
            server.components.releaseOrphans(slot: slot, before: incarnation)
            return completion()
        }
        for record in records { server.announceOrphan(record) }
        if !records.isEmpty {
            Log.notice("announced sessions of a lost worker", [Field("sessions", records.count)])
        }
        _ = Loop.after(1) { [self] in collectOrphans(of: slot, before: incarnation, completion: completion) }
    }

    // MARK: The end

    /// Closes what comes back by itself, at the worker that takes this one's place.
    func leave() {
        for listener in listeners { listener.leave() }
        federation.checks.closeAll()
    }

    func stopAccepting(othersGoOn others: Bool) {
        for listener in listeners { listener.stopAccepting(othersGoOn: others) }
    }

    func endAll(_ error: StreamError) {
        for listener in listeners { listener.endAll(error) }
    }

    func closeAll() {
        for listener in listeners { listener.closeAll() }
    }

    var openConnections: Int { listeners.reduce(0) { $0 + $1.openConnections } }

    /// Sessions that can be resumed go to the worker in that slot, what others own now to its owners.
    func moveSessions(to slot: UInt8) {
        server.ownership.refresh()
        let before = server.localSessions.count
        _ = server.moveResumableSessions(to: slot)
        sessionsDeparted += max(0, before - server.localSessions.count)
    }

    private var sessionsDeparted = 0

    /// Sessions that have been handed over.
    var sessionsMoved: Int { max(0, sessionsDeparted - server.sessionsOnTheMove) }

    /// Ends sessions that wait for clients to come back.
    func endDetached() {
        for session in Array(server.localSessions) where !session.isAttached { session.end() }
    }

    /// Finishes what storage and other programs have begun. Nothing can be asked of this worker afterwards.
    func finish() async {
        federation.close()
        await server.runShutdownHooks()
        server.stop()
        await PortProgram.endAll(within: 500)
        tick?.cancel()
        let database = database
        try? await Loop.offload { database.close() }
    }
}
