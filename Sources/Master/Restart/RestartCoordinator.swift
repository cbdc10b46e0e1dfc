internal import IPC
internal import Operations
internal import SharedState
internal import Supervision
internal import Telemetry

/// Carries a restart from the request to the result. The installed programs are asked first whether they can serve beside
/// the running ones. One restart at a time; another is refused.
final class RestartCoordinator {
    enum Kind {
        /// One worker after the other, then the master's own program.
        case rolling
        /// One worker after the other, because of a new configuration.
        case workers
        /// The master's own program only.
        case master
        /// The server stops, then the process executes the program anew.
        case whole
    }

    /// The client that waits for the result.
    struct Requester {
        weak var client: ControlClient?
        let request: UInt64
    }

    private enum Stage {
        case idle
        case asking
        case restarting(id: UInt32)
    }

    /// The interval of progress messages to the requester, in milliseconds.
    private static let rhythm: Int64 = 1_000

    private let pool: WorkerPool
    private let loop: EventLoop
    /// The path of the master's program.
    private let program: String
    private let configuration: String
    private var stage = Stage.idle
    private var kind = Kind.rolling
    /// Workers are to be replaced because of the configuration in force, as soon as no restart is under way.
    private var owesWorkers = false
    private var question: CommandRunner?
    private var lastID: UInt32 = 0
    private var asker: Requester?

    /// Executes the next program of the master, which sends the result.
    /// - Returns: the reason, only if that is not possible.
    var succeed: (_ asker: Requester?, _ result: Value) -> String = { _, _ in "" }

    init(_ pool: WorkerPool, program: String, on loop: EventLoop) {
        self.pool = pool
        self.program = program
        self.loop = loop
        configuration = pool.settings.bundle.path
    }

    /// - Parameter asker: the client that gets progress and result; nil: the log has them.
    func begin(_ kind: Kind, for asker: Requester?) {
        guard case .idle = stage else { return refuse("another restart is under way; try again when it is over", to: asker) }
        guard !pool.supervisor.isStopping else { return refuse("the server is stopping", to: asker) }
        if kind == .whole, pool.hasHandedSockets {
            return refuse(
                "systemd holds the listening sockets and hands them over at its own starts only: systemctl restart xmppd", to: asker
            )
        }
        stage = .asking
        self.kind = kind
        self.asker = asker
        switch kind {
        case .rolling: askWorker { [self] in askMaster { [self] in roll() } }
        case .workers: askWorker { [self] in roll() }
        case .master: askMaster { [self] in succeed(to: ["workers": 0]) }
        case .whole: check()
        }
    }

    /// Replaces the workers, now or after the restart under way.
    func replaceWorkers() {
        owesWorkers = true
        payWorkers()
    }

    private func payWorkers() {
        guard owesWorkers, case .idle = stage, !pool.supervisor.isStopping else { return }
        begin(.workers, for: nil)
    }

    private func askWorker(_ next: @escaping () -> Void) {
        ask(pool.settings.workerProgram, ProgramVersions(segment: SharedSegment.layoutVersion), next)
    }

    private func askMaster(_ next: @escaping () -> Void) { ask(program, .ofMaster, next) }

    private func ask(_ program: String, _ ours: ProgramVersions, _ next: @escaping () -> Void) {
        question = CommandRunner.compare(program, with: ours, on: loop) { [weak self] objection in
            guard let self else { return }
            guard let objection else { return next() }
            let remedy = "nothing has been stopped; 'xmppctl restart' without options stops everything and starts that program"
            refuse("\(objection); \(remedy)")
        }
    }

    /// Checks that the installed program accepts the configuration: the server would not come up again otherwise.
    private func check() {
        question = CommandRunner(program, ["--check", "--config", configuration], on: loop) { [weak self] answer in
            guard let self else { return }
            if case .failed(let sentence) = answer {
                return refuse("\(sentence); nothing has been stopped; see xmppctl config check")
            }
            stage = .idle
            asker?.client?.reply(asker?.request ?? 0, .success(["workers": 0, "master": true]))
            pool.stop(toBeginAnew: true)
        }
    }

    // MARK: One worker after the other

    private func roll() {
        owesWorkers = false
        lastID += 1
        stage = .restarting(id: lastID)
        pool.tell(.restart(id: lastID))
        tick(lastID)
    }

    private func tick(_ id: UInt32) {
        guard case .restarting(id) = stage else { return }
        tell()
        loop.after(Self.rhythm) { [weak self] in self?.tick(id) }
    }

    /// The supervisor or a draining worker has got further.
    func tell() {
        guard case .restarting = stage, let standing = pool.supervisor.restartStanding else { return }
        var report = LeaveReport(sessions: 0, connections: 0, moved: 0, moving: 0)
        if standing.step == .draining, let position = standing.position,
            let leaving = pool.supervisor.standings.first(where: { $0.state == .draining && $0.worker.position == position })
        {
            let process = pool.workers[leaving.worker.slot]
            // A worker that has not reported on its draining yet counts with its last report.
            if let load = process?.load {
                report = LeaveReport(sessions: load.sessions, connections: load.connections, moved: 0, moving: 0)
            }
            report = process?.leaveReport ?? report
        }
        guard case .object(let members) = standing.value else { return }
        let left: [Value.Member] = [
            .init("sessions", .int(Int64(report.sessions))), .init("connections", .int(Int64(report.connections))),
            .init("moved", .int(Int64(report.moved))), .init("moving", .int(Int64(report.moving))),
        ]
        asker?.client?.progress(asker?.request ?? 0, .object(members + left))
    }

    /// The restart of the workers has ended.
    func ended(_ id: UInt32, _ outcome: RestartOutcome) {
        guard case .restarting(id) = stage else { return }
        switch outcome {
        case .done(let count) where kind == .workers: finish(.success(["workers": .int(Int64(count))]))
        case .busy where kind == .workers:
            owesWorkers = true
            stage = .asking
            loop.after(Self.rhythm) { [weak self] in self?.roll() }
        // The remaining actions of this event come first.
        case .done(let count): loop.after(0) { [self] in succeed(to: ["workers": .int(Int64(count))]) }
        case .busy: finish(Operation.Failure(.unavailable, "not restarted: \(outcome.sentence)").result)
        case .stopping: finish(Operation.Failure(.unavailable, outcome.sentence).result)
        case .abandoned where kind == .workers:
            Log.error("workers are not as the configuration says; xmppctl restart --rolling tries again")
            finish(Operation.Failure(.failed, outcome.sentence).result)
        case .abandoned: finish(Operation.Failure(.failed, "the restart was abandoned: \(outcome.sentence)").result)
        }
    }

    // MARK: The end

    /// Executes the next program, which sends the result. If that is not possible, the result is sent from here: what has been
    /// done so far, or the failure.
    /// - Parameter attempts: how many more times 50 ms the requester gets to read what it has been sent.
    private func succeed(to result: Value, attempts: Int = 20) {
        guard case .object(let members) = result else { return }
        if attempts > 0, asker?.client?.isFlushed == false {
            return loop.after(50) { [weak self] in self?.succeed(to: result, attempts: attempts - 1) }
        }
        let reason = succeed(asker, .object(members + [.init("master", true)]))
        Log.error("the master goes on with the program it has", [Field("reason", reason)])
        guard case .restarting = stage else { return refuse("the master goes on with the program it has: \(reason)") }
        finish(.success(.object(members + [.init("master", false), .init("reason", .string(reason))])))
    }

    private func refuse(_ text: String) {
        Log.error("not restarted", [Field("reason", text)])
        // Another try would fail the same way: the next one is an administrator's.
        if kind == .workers { owesWorkers = false }
        finish(Operation.Failure(.failed, text).result)
    }

    private func refuse(_ text: String, to asker: Requester?) {
        Log.error("not restarted", [Field("reason", text)])
        asker?.client?.reply(asker?.request ?? 0, Operation.Failure(.unavailable, text).result)
    }

    private func finish(_ result: OperationResult) {
        stage = .idle
        question = nil
        let asker = asker
        self.asker = nil
        asker?.client?.reply(asker?.request ?? 0, result)
        if owesWorkers { loop.after(0) { [weak self] in self?.payWorkers() } }
    }
}

extension ProgramVersions {
    /// The versions of the protocols of this program.
    static var ofMaster: ProgramVersions {
        ProgramVersions(segment: SharedSegment.layoutVersion, state: MasterState.version)
    }
}
