internal import CPlatform
internal import Configuration
internal import Glibc
internal import IPC
internal import Operations
internal import SharedState
public import Supervision
internal import Telemetry

/// The master: everything that is begun at its start and kept until its end. It reads no byte from the network.
public final class MasterProcess {
    private let loop = EventLoop()
    private let policy: SupervisionPolicy
    private var exitStatus: Int32?
    private let program = OwnProgram.path
    /// What is executed in this process's place once everything has stopped.
    private var again: (program: String, words: [String])?

    /// - Parameter policy: the patience; `stopDeadline` is that of the configuration.
    public init(policy: SupervisionPolicy = SupervisionPolicy()) { self.policy = policy }

    /// Reads and checks a configuration and prints what is wrong or worth knowing.
    /// - Returns: the exit status of `xmppd --check`.
    public func check(_ path: String) -> Int32 {
        guard let (settings, _, notes) = checkedConfiguration(path) else { return ExitStatus.configuration }
        for note in notes { Self.print(note.description) }
        if settings.runsWorkersAsRoot { Self.print("\(path): xmppd.user: warning: \(MasterSettings.rootWarning)") }
        return 0
    }

    /// Prints what a file comes to, with all defaults.
    /// - Returns: the exit status of `xmppd --show`.
    public func show(_ path: String, json: Bool) -> Int32 {
        switch ConfigurationFile.read(path) {
        case .refused(let problems):
            for problem in problems { Self.print(problem) }
            return ExitStatus.configuration
        case .usable(_, let configuration, _):
            let report = ConfigurationReport.settings(of: configuration, file: path)
            Self.printResult(json ? JSON.text(of: report) : ConfigurationListing.settings(report))
            return 0
        }
    }

    /// Prints the options there are, or those that a name is of.
    /// - Returns: the exit status of `xmppd --options`.
    public func options(_ name: String?, json: Bool) -> Int32 {
        switch ConfigurationReport.options(name) {
        case .failure(let objection):
            Self.print("xmppd: \(objection)")
            return ExitStatus.usage
        case .success(let report):
            Self.printResult(json ? JSON.text(of: report) : ConfigurationListing.options(report))
            return 0
        }
    }

    /// Prints what every setting of a file comes to, one that was written for MongooseIM above all.
    /// - Returns: the exit status of `xmppd --import`.
    public func review(_ path: String, json: Bool) -> Int32 {
        let report: Value, isUsable: Bool
        switch ConfigurationFile.read(path) {
        case .usable(let settings, _, _): (report, isUsable) = ConfigurationReport.review(path, judged: objections(settings, path))
        case .refused(let lines): (report, isUsable) = ConfigurationReport.review(path, refused: lines)
        }
        Self.printResult(json ? JSON.text(of: report) : ConfigurationListing.review(report))
        return isUsable ? 0 : ExitStatus.configuration
    }

    private static func printResult(_ text: String) {
        let bytes = Array("\(text)\n".utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress.map { $0 + written }, bytes.count - written) }
            if count < 0 && errno != EINTR { return }
            written += max(0, count)
        }
    }

    /// Runs the server until it has stopped.
    /// - Returns: the exit status of the process.
    public func run(_ path: String) -> Int32 {
        guard let (settings, configuration, notes) = checkedConfiguration(path) else { return ExitStatus.configuration }
        Log.start(process: "master", level: LogLevel(rawValue: settings.logLevel) ?? .warning)
        for note in notes { Log.event(note.kind == .warning ? .warning : .info, note.description) }
        return attempt {
            let possessions = try MasterResources.take(settings, on: loop)
            defer { possessions.release() }
            raiseDescriptorLimit()
            if settings.runsWorkersAsRoot { Log.error(MasterSettings.rootWarning) }
            return try serve(settings, configuration, notes, possessions)
        }
    }

    /// Goes on where the former image of this process stopped.
    /// - Returns: the exit status of the process.
    public func adopt(_ number: Int32, _ path: String) -> Int32 {
        attempt {
            let state = try SelfExec.read(number)
            Log.start(process: "master", level: LogLevel(rawValue: state.logLevel) ?? .warning)
            guard case .usable(let settings, let configuration, let notes) = ConfigurationFile.read(state.bundle) else {
                throw StartFailure(
                    status: ExitStatus.configuration, description: "the configuration of the former image is not understood")
            }
            let possessions = try MasterResources.adopt(state, settings, on: loop)
            defer { possessions.release() }
            return try serve(settings, configuration, notes, possessions, after: state)
        }
    }

    /// What the processes of this build speak to one another, in one line.
    public static var versions: String { ProgramVersions.ofMaster.description }

    private func attempt(_ body: () throws -> Int32) -> Int32 {
        do {
            let status = try body()
            guard let again else { return status }
            Self.print("xmppd: \(SelfExec.execute(again.program, again.words))")
            return ExitStatus.osError
        } catch let failure as StartFailure {
            Self.print("xmppd: \(failure)")
            return failure.status
        } catch {
            Self.print("xmppd: \(error)")
            return ExitStatus.osError
        }
    }

    /// The configuration in full, judged by the worker program as well; nil once its problems are printed.
    private func checkedConfiguration(_ path: String) -> (MasterSettings, ServerConfiguration, [Note])? {
        let settings: MasterSettings, configuration: ServerConfiguration, notes: [Note]
        switch ConfigurationFile.read(path) {
        case .refused(let problems):
            for problem in problems { Self.print(problem) }
            return nil
        case .usable(let one, let two, let three): (settings, configuration, notes) = (one, two, three)
        }
        let objections = objections(settings, path)
        for objection in objections { Self.print(objection.sentence) }
        return objections.isEmpty ? (settings, configuration, notes) : nil
    }

    /// What the worker program has against settings that are right otherwise.
    private func objections(_ settings: MasterSettings, _ path: String) -> [ReportedProblem] {
        var verdict: WorkerCheck.Verdict?
        let check = WorkerCheck(
            settings.bundle, program: settings.workerProgram, account: settings.account, on: loop
        ) { verdict = $0 }
        withExtendedLifetime(check) { loop.run { verdict != nil } }
        switch verdict {
        case .problems(let problems): return problems
        case .failed(let sentence): return [ReportedProblem(file: path, line: 0, column: 0, path: "", text: sentence)]
        case .accepted, nil: return []
        }
    }

    private func serve(
        _ settings: MasterSettings, _ configuration: ServerConfiguration, _ notes: [Note], _ possessions: MasterResources,
        after state: MasterState? = nil
    ) throws -> Int32 {
        let (listeners, segment, seat) = (possessions.listeners, possessions.segment, possessions.seat)
        let signals = try Descriptor.signals([SIGTERM, SIGINT, SIGHUP, SIGUSR2])
        let duplicate = try descriptor(fcntl(segment.descriptor, F_DUPFD_CLOEXEC, 3), "fcntl")
        let pool = WorkerPool(
            settings, listeners: listeners, segment: segment, segmentDescriptor: duplicate, policy: settings.policy(policy),
            memory: state?.memory, on: loop)
        let started = state?.started ?? loop.now
        let reloader = ReloadCoordinator(
            pool, configuration, notes: notes, generation: state?.generation ?? 1, seat: seat, segment: segment, on: loop)
        let restarter = RestartCoordinator(pool, program: program, on: loop)
        let relay = OperationRelay(pool, on: loop)
        let verbs = MasterOperations(
            pool, listeners: listeners, segment: segment, reloader: reloader, restarter: restarter, relay: relay, started: started,
            on: loop)
        let memory = MemoryTrimmer(on: loop)
        seat.handler = { [unowned verbs] in
            memory.worked()
            verbs.perform($0, for: $1)
        }
        pool.observer = WorkerPool.Observer(
            ended: { [unowned self] in exitStatus = $0 }, restartProgress: { [unowned restarter] _ in restarter.tell() },
            restartEnded: { [unowned restarter] in restarter.ended($0, $1) },
            leaving: { [unowned restarter] _, _ in restarter.tell() },
            reloadEnded: { [unowned reloader] in reloader.ended($0, $1) },
            adopted: { [unowned reloader] in reloader.adopted($0) },
            committed: { [unowned reloader] in reloader.committed($0, $1) },
            operationProgress: { [unowned relay] in relay.progress($0, $1) },
            operationReply: { [unowned relay] in relay.finish($0, $1) }, died: { [unowned relay] in relay.lost($0) },
            worked: { memory.worked() })
        reloader.replaceWorkers = { [unowned restarter] in restarter.replaceWorkers() }
        restarter.succeed = { [unowned self, unowned pool, unowned reloader, unowned relay] asker, result in
            succeed(possessions, pool, reloader, relay, asker, result, started)
        }
        let watch = loop.watch(signals.number, for: Readiness.input) { [unowned self] _ in take(signals, pool, reloader, restarter)
        }
        defer { watch.cancel() }
        if let state {
            try pool.adopt(state.workers)
            relay.adopt(state.relays, last: state.lastRelay, seat.clients)
            pool.tell(.adopted)
            Log.notice(
                "the master goes on as another program",
                [Field("version", ServerVersion.number), Field("workers", state.workers.count)])
            if let answer = state.answer, Int(answer.client) < seat.clients.count {
                seat.clients[Int(answer.client)].reply(answer.request, .success(answer.result))
            }
        } else {
            announce(listeners)
            pool.tell(.start)
        }
        let watchdog = Watchdog(on: loop) { [unowned pool] in pool.answers(within: Self.silence) }
        let status = withExtendedLifetime((verbs, relay, reloader, restarter, watchdog)) { run(seat) }
        if status == 0, pool.beginsAnew { again = (program, ["--config", settings.bundle.path]) }
        return status
    }

    /// Executes the program anew, with everything that is open and known.
    /// - Returns: only if that is not possible; why.
    private func succeed(
        _ possessions: MasterResources, _ pool: WorkerPool, _ reloader: ReloadCoordinator, _ relay: OperationRelay,
        _ asker: RestartCoordinator.Requester?, _ result: Value, _ started: Int64
    ) -> String {
        guard let workers = pool.possessions else { return "a worker does not read what it is sent" }
        // What the workers had to say may have changed something.
        guard reloader.isIdle, let memory = pool.supervisor.memory else { return "something else is under way" }
        let clients = possessions.seat.clients.filter { $0.possession != nil }
        let place = { (client: ControlClient) in clients.firstIndex { $0 === client }.map { UInt32(clamping: $0) } }
        let answer = asker.flatMap { asker in
            asker.client.flatMap(place).map { MasterState.Answer(client: $0, request: asker.request, result: result) }
        }
        let state = MasterState(
            program: program, bundle: pool.settings.bundle, generation: reloader.generation, logLevel: Log.level.rawValue,
            started: started, control: possessions.seat.listeningSocket, segment: possessions.segment.descriptor,
            locks: possessions.seat.possessions, listeners: possessions.listeners.possessions, memory: memory,
            workers: workers, clients: clients.compactMap(\.possession), relays: relay.possessions(place), lastRelay: relay.lastID,
            answer: answer)
        return SelfExec.execute(program, ["--config", pool.settings.bundle.path], state)
    }

    private func announce(_ listeners: ListenerSet) {
        for bound in listeners.bound {
            Log.info(
                "listening",
                [
                    Field("listener", bound.setting.path), Field("at", endpoint(bound.descriptor.address, bound.descriptor.port)),
                ])
        }
    }

    private func run(_ seat: MasterEndpoints) -> Int32 {
        loop.run { exitStatus != nil }
        // The last answers are given a moment, no more.
        var isOver = seat.isFlushed
        loop.after(1_000) { isOver = true }
        loop.run { isOver || seat.isFlushed }
        Log.notice("server has stopped", [Field("status", exitStatus ?? 0)])
        return exitStatus ?? 0
    }

    private func take(_ signals: Descriptor, _ pool: WorkerPool, _ reloader: ReloadCoordinator, _ restarter: RestartCoordinator) {
        while true {
            switch cplatform_next_signal(signals.number) {
            case SIGTERM, SIGINT: pool.stop()
            case SIGHUP: reloader.beginBySignal()
            case SIGUSR2: restarter.begin(.master, for: nil)
            default: return
            }
        }
    }

    /// Workers that have said nothing for so many milliseconds do not answer.
    private static let silence: Int64 = 10_000

    /// Workers inherit it, and each connection of theirs is a descriptor.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    static func print(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
