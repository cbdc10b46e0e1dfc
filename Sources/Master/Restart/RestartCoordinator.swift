internal import IPC
internal import Operations
internal import SharedState
internal import Supervision
internal import Telemetry

/// Restarts, from the request to the answer: the programs are asked whether they can follow before anything is stopped.
/// One at a time.
final class RestartCoordinator {
    enum Kind {
        /// One worker after the other, then the master's own program.
        case rolling
        /// One worker after the other, since the configuration wants others.
        case workers
        /// The master's own program only.
        case master
        /// Everything is stopped, and the program begins anew.
        case whole
    }

    /// Whoever waits for the answer.
    struct Requester {
        weak var client: ControlClient?
        let request: UInt64
    }

    private enum Stage {
        case idle
        case asking
        case restarting(id: UInt32)
    }

    /// How often whoever waits hears how far it is, in milliseconds.
    private static let rhythm: Int64 = 1_000

    private let pool: WorkerPool
    private let loop: EventLoop
    /// The program of the master, as it was started.
    private let program: String
    private let configuration: String
    private var stage = Stage.idle
    private var kind = Kind.rolling
    /// Workers are not what the configuration says.
    private var owesWorkers = false
    private var question: CommandRunner?
    private var lastID: UInt32 = 0
    private var asker: Requester?

    /// Lets the next image of the master go on, which answers; returns why it cannot, or not at all.
    var succeed: (_ asker: Requester?, _ result: Value) -> String = { _, _ in "" }

    init(_ pool: WorkerPool, program: String, on loop: EventLoop) {
        self.pool = pool
        self.program = program
        self.loop = loop
        configuration = pool.settings.bundle.path
    }

    /// - Parameter asker: who is told how far it is, and the result; nil if nobody waits.
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

    /// Has the workers replaced, now or when nothing else is under way.
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

    /// The new program must accept the configuration, or nobody would be there afterwards.
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

    /// The supervisor, or a worker that leaves, has come further.
    func tell() {
        guard case .restarting = stage, let standing = pool.supervisor.restartStanding else { return }
        var report = LeaveReport(sessions: 0, connections: 0, moved: 0, moving: 0)
        if standing.step == .draining, let position = standing.position,
            let leaving = pool.supervisor.standings.first(where: { $0.state == .draining && $0.worker.position == position })
        {
            let process = pool.workers[leaving.worker.slot]
            // Until it has said something about its leaving, what it said before counts.
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

    /// The supervisor's last word about it.
    func ended(_ id: UInt32, _ outcome: RestartOutcome) {
        guard case .restarting(id) = stage else { return }
        switch outcome {
        case .done(let count) where kind == .workers: finish(.success(["workers": .int(Int64(count))]))
        case .busy where kind == .workers:
            owesWorkers = true
            stage = .asking
            loop.after(Self.rhythm) { [weak self] in self?.roll() }
        // What the supervisor still has to do for this event comes first.
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

    /// The next image answers; if there is none, what has been done so far is the result, or the failure.
    /// - Parameter patience: how often the asker is given time to read what it has been told so far.
    private func succeed(to result: Value, patience: Int = 20) {
        guard case .object(let members) = result else { return }
        if patience > 0, asker?.client?.isFlushed == false {
            return loop.after(50) { [weak self] in self?.succeed(to: result, patience: patience - 1) }
        }
        let reason = succeed(asker, .object(members + [.init("master", true)]))
        Log.error("the master goes on with the program it has", [Field("reason", reason)])
        guard case .restarting = stage else { return refuse("the master goes on with the program it has: \(reason)") }
        finish(.success(.object(members + [.init("master", false), .init("reason", .string(reason))])))
    }

    private func refuse(_ text: String) {
        Log.error("not restarted", [Field("reason", text)])
        // It would come to the same again: an administrator decides when.
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
    /// What this image of the master speaks.
    static var ofMaster: ProgramVersions {
        ProgramVersions(segment: SharedSegment.layoutVersion, state: MasterState.version)
    }
}
