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

    /// - Parameter policy: the patience; `stopDeadline` is that of the configuration.
    public init(policy: SupervisionPolicy = SupervisionPolicy()) { self.policy = policy }

    /// Reads and checks a configuration and prints what is wrong or worth knowing.
    /// - Returns: the exit status of `xmppd --check`.
    public func check(_ path: String) -> Int32 {
        guard let (_, _, notes) = checkedConfiguration(path) else { return ExitStatus.configuration }
        for note in notes { Self.print(note.description) }
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
        do {
            return try serve(settings, configuration)
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
        var verdict: WorkerCheck.Verdict?
        let check = WorkerCheck(
            settings.bundle, program: settings.workerProgram, account: settings.account, on: loop
        ) { verdict = $0 }
        withExtendedLifetime(check) { loop.run { verdict != nil } }
        switch verdict {
        case .accepted: return (settings, configuration, notes)
        case .problems(let problems): for problem in problems { Self.print(problem.sentence) }
        case .failed(let sentence): Self.print("\(path): \(sentence)")
        case nil: break
        }
        return nil
    }

    private func serve(_ settings: MasterSettings, _ configuration: ServerConfiguration) throws -> Int32 {
        let locks = try Self.lock(settings)
        defer { for lock in locks { lock.release() } }
        raiseDescriptorLimit()
        if geteuid() == 0, settings.account == nil {
            Log.warning("workers run as root; name a user of their own in xmppd.user")
        }
        let listeners = try Self.bind(settings)
        let segment = try Self.segment(settings)
        let control = try ControlServer(settings.controlSocket, group: settings.account?.group, on: loop)
        defer { control.close() }
        let signals = try Descriptor.signals([SIGTERM, SIGINT, SIGHUP])
        let duplicate = try descriptor(fcntl(segment.descriptor, F_DUPFD_CLOEXEC, 3), "fcntl")
        let pool = WorkerPool(
            settings, listeners: listeners, segment: segment, segmentDescriptor: duplicate, policy: settings.policy(policy), on: loop)
        let reloader = Reloader(pool, configuration, on: loop)
        let relay = OperationRelay(pool, on: loop)
        let verbs = MasterVerbs(pool, listeners: listeners, segment: segment, reloader: reloader, relay: relay, on: loop)
        let memory = IdleMemory(on: loop)
        control.handler = { [unowned verbs] in
            memory.worked()
            verbs.perform($0, for: $1)
        }
        pool.observer = WorkerPool.Observer(
            ended: { [unowned self] in exitStatus = $0 }, reloadEnded: { [unowned reloader] in reloader.ended($0, $1) },
            adopted: { [unowned reloader] in reloader.adopted($0) },
            operationProgress: { [unowned relay] in relay.progress($0, $1) },
            operationReply: { [unowned relay] in relay.finish($0, $1) }, died: { [unowned relay] in relay.lost($0) },
            worked: { memory.worked() })
        let watch = loop.watch(signals.number, for: Readiness.input) { [unowned self] _ in take(signals, pool, reloader) }
        defer { watch.cancel() }
        return withExtendedLifetime((verbs, relay, reloader)) { run(pool, listeners, control) }
    }

    private func run(_ pool: WorkerPool, _ listeners: ListenerSet, _ control: ControlServer) -> Int32 {
        for bound in listeners.bound {
            Log.info("listening", [
                Field("listener", bound.setting.path), Field("at", endpoint(bound.descriptor.address, bound.descriptor.port)),
            ])
        }
        pool.tell(.start)
        loop.run { exitStatus != nil }
        // The last answers are given a moment, no more.
        var isOver = control.isFlushed
        loop.after(1_000) { isOver = true }
        loop.run { isOver || control.isFlushed }
        Log.notice("server has stopped", [Field("status", exitStatus ?? 0)])
        return exitStatus ?? 0
    }

    private func take(_ signals: Descriptor, _ pool: WorkerPool, _ reloader: Reloader) {
        while true {
            switch cplatform_next_signal(signals.number) {
            case SIGTERM, SIGINT: pool.tell(.stop)
            case SIGHUP: reloader.begin { _ in }
            default: return
            }
        }
    }

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
