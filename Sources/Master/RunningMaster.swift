internal import CPlatform
internal import Configuration
internal import Glibc
internal import IPC
internal import SharedState
internal import Supervision
internal import Telemetry

/// The master while the server runs: its parts, the events between them, and the exec of the next program.
final class RunningMaster {
    private let loop: EventLoop
    private let program: String
    private let resources: MasterResources
    private let started: Int64
    private let pool: WorkerPool
    private let reloader: ReloadCoordinator
    private let restarter: RestartCoordinator
    private let relay: OperationRelay
    private let operations: MasterOperations
    private let memory: MemoryTrimmer
    private let signals: Descriptor
    private var exitStatus: Int32?

    /// - Parameter state: the state of the previous program of this process; nil at the server's start.
    init(
        _ settings: MasterSettings, _ configuration: ServerConfiguration, _ notes: [Note], _ resources: MasterResources,
        program: String, policy: SupervisionPolicy, after state: MasterState?, on loop: EventLoop
    ) throws {
        self.loop = loop
        self.program = program
        self.resources = resources
        started = state?.started ?? loop.now
        signals = try Descriptor.signals([SIGTERM, SIGINT, SIGHUP, SIGUSR2])
        let (listeners, segment) = (resources.listeners, resources.segment)
        let duplicate = try descriptor(fcntl(segment.descriptor, F_DUPFD_CLOEXEC, 3), "fcntl")
        pool = WorkerPool(
            settings, listeners: listeners, segment: segment, segmentDescriptor: duplicate, policy: settings.policy(policy),
            memory: state?.memory, on: loop)
        restarter = RestartCoordinator(pool, program: program, on: loop)
        reloader = ReloadCoordinator(
            pool, restarter: restarter, configuration, notes: notes, generation: state?.generation ?? 1, seat: resources.seat,
            segment: segment, on: loop)
        relay = OperationRelay(pool, on: loop)
        operations = MasterOperations(
            pool, listeners: listeners, segment: segment, reloader: reloader, restarter: restarter, relay: relay, started: started,
            on: loop)
        memory = MemoryTrimmer(on: loop)
    }

    /// Whether the program is executed anew once the server has stopped.
    var beginsAnew: Bool { pool.beginsAnew }

    /// Starts the workers, or takes them over, and serves until the server has stopped.
    /// - Returns: the exit status of the process.
    func run(after state: MasterState?) throws -> Int32 {
        resources.seat.handler = { [unowned self] in
            memory.worked()
            operations.perform($0, for: $1)
        }
        pool.handler = { [unowned self] in handle($0) }
        restarter.succeed = { [unowned self] in succeed($0, $1) }
        let watch = loop.watch(signals.number, for: Readiness.input) { [unowned self] _ in takeSignals() }
        defer { watch.cancel() }
        if let state { try resume(state) } else { start() }
        let watchdog = Watchdog(on: loop) { [unowned self] in pool.answers(within: Self.silence) }
        return withExtendedLifetime((self, watchdog)) { runLoop() }
    }

    // MARK: Events

    private func handle(_ event: PoolEvent) {
        switch event {
        case .stateChanged: memory.worked()
        case .workerDied(let worker): relay.lost(worker)
        case .restartAdvanced: restarter.tell()
        case .restartEnded(let id, let outcome): restarter.ended(id, outcome)
        case .configurationAdopted(let generation): reloader.adopted(generation)
        case .configurationCommitted(let generation, let effects): reloader.committed(generation, effects)
        case .reloadEnded(let generation, let outcome): reloader.ended(generation, outcome)
        case .operationProgress(let id, let value): relay.progress(id, value)
        case .operationEnded(let id, let result): relay.finish(id, result)
        case .ended(let status): exitStatus = status
        }
    }

    private func takeSignals() {
        while true {
            switch cplatform_next_signal(signals.number) {
            case SIGTERM, SIGINT: pool.stop()
            case SIGHUP: reloader.beginBySignal()
            case SIGUSR2: restarter.begin(.master, for: nil)
            default: return
            }
        }
    }

    // MARK: Beginning and end

    private func start() {
        for bound in resources.listeners.bound {
            let place = endpoint(bound.descriptor.address, bound.descriptor.port)
            Log.info("listening", [Field("listener", bound.setting.path), Field("at", place)])
        }
        pool.tell(.start)
    }

    /// Goes on where the previous program of this process stopped.
    private func resume(_ state: MasterState) throws {
        let clients = resources.seat.clients
        try pool.adopt(state.workers)
        relay.adopt(state.relays, last: state.lastRelay, clients)
        pool.tell(.adopted)
        Log.notice(
            "the master goes on as another program",
            [Field("version", ServerVersion.number), Field("workers", state.workers.count)])
        if let answer = state.answer, Int(answer.client) < clients.count {
            clients[Int(answer.client)].reply(answer.request, .success(answer.result))
        }
    }

    /// Executes the program anew, with the open descriptors and the state.
    /// - Returns: the reason, only if that is not possible.
    private func succeed(_ asker: RestartCoordinator.Requester?, _ result: Value) -> String {
        guard let workers = pool.possessions else { return "a worker does not read what it is sent" }
        // Messages of the workers that were read just now may have begun something.
        guard reloader.isIdle, let memory = pool.supervisor.memory else { return "something else is under way" }
        let (seat, bundle) = (resources.seat, pool.settings.bundle)
        let clients = seat.clients.filter { $0.possession != nil }
        let place = { (client: ControlClient) in clients.firstIndex { $0 === client }.map { UInt32(clamping: $0) } }
        let answer = asker.flatMap { asker in
            asker.client.flatMap(place).map { MasterState.Answer(client: $0, request: asker.request, result: result) }
        }
        let state = MasterState(
            program: program, bundle: bundle, generation: reloader.generation, logLevel: Log.level.rawValue, started: started,
            control: seat.listeningSocket, segment: resources.segment.descriptor, locks: seat.possessions,
            listeners: resources.listeners.possessions, memory: memory, workers: workers, clients: clients.compactMap(\.possession),
            relays: relay.possessions(place), lastRelay: relay.lastID, answer: answer)
        return SelfExec.execute(program, ["--config", bundle.path], state)
    }

    private func runLoop() -> Int32 {
        loop.run { exitStatus != nil }
        // Clients get `farewellMilliseconds` to read their last answers.
        var isOver = resources.seat.isFlushed
        loop.after(Self.farewellMilliseconds) { isOver = true }
        loop.run { isOver || resources.seat.isFlushed }
        Log.notice("server has stopped", [Field("status", exitStatus ?? 0)])
        return exitStatus ?? 0
    }

    /// Milliseconds without a sign of life of any worker, after which systemd's watchdog is fed no more.
    private static let silence: Int64 = 10_000
    /// How long clients of the control socket may take to read their last answers, in milliseconds; then they lose them.
    private static let farewellMilliseconds: Int64 = 1_000
}
