internal import Configuration
internal import IPC
internal import Operations
internal import SharedState
internal import Supervision
internal import Telemetry

/// Carries a reload from the file to the result: read, checked by the worker program, bound, prepared by all workers, put
/// in force, and reported once all workers have confirmed. One at a time; others wait. A failure before the commit changes
/// nothing.
final class ReloadCoordinator {
    /// Most reloads that wait for their turn; one more is refused.
    static let waitersLimit = 8

    private enum Stage {
        case idle
        case checking(Request, CandidateConfiguration, WorkerCheck)
        case preparing(Request, CandidateConfiguration.Prepared)
        case committing(Request, CandidateConfiguration, ReloadReport, gone: [ListenerSet.Bound])
    }

    private struct Request {
        /// A dry run: nothing is put in force.
        let isRehearsal: Bool
        let completion: (OperationResult) -> Void
    }

    private let pool: WorkerPool
    private let restarter: RestartCoordinator
    private let seat: MasterEndpoints
    private let segment: SharedSegment
    private let loop: EventLoop
    /// The configuration in force.
    private(set) var configuration: ServerConfiguration
    /// The undefined names of that configuration, as the texts of their notes.
    private var dangling: Set<String>
    private(set) var generation: UInt32
    /// The number of workers before the latest reload.
    private var formerWorkers = 0
    private var stage = Stage.idle
    private var waiters: [Request] = []
    private var hasSignalWaiting = false

    init(
        _ pool: WorkerPool, restarter: RestartCoordinator, _ configuration: ServerConfiguration, notes: [Note],
        generation: UInt32, seat: MasterEndpoints, segment: SharedSegment, on loop: EventLoop
    ) {
        self.generation = generation
        self.pool = pool
        self.restarter = restarter
        dangling = Set(notes.filter(\.isDangling).map(\.text))
        self.configuration = configuration
        self.seat = seat
        self.segment = segment
        self.loop = loop
        let counters = ListenerCounters(segment)
        pool.listeners.isVacant = { counters.open($0) == 0 && counters.pending($0) == 0 }
    }

    var isIdle: Bool {
        if case .idle = stage { waiters.isEmpty } else { false }
    }

    /// SIGHUP: begins a reload whose result is logged. A signal while another waits has no further effect.
    func beginBySignal() {
        guard !hasSignalWaiting else { return }
        hasSignalWaiting = true
        let request = Request(isRehearsal: false) { result in
            if case .failure(_, let text) = result { Log.error("not reloaded", [Field("reason", text)]) }
        }
        admit(request)
    }

    /// Begins a reload, now or after those before it; the completion is called once.
    func begin(isRehearsal: Bool, _ completion: @escaping (OperationResult) -> Void) {
        admit(Request(isRehearsal: isRehearsal, completion: completion))
    }

    private func admit(_ request: Request) {
        if case .idle = stage { return start(request) }
        guard waiters.count < Self.waitersLimit else {
            return request.completion(
                Operation.Failure(.unavailable, "\(Self.waitersLimit) reloads wait for their turn; try again later").result)
        }
        waiters.append(request)
    }

    private func start(_ request: Request) {
        // The file is read now: a later signal may be about a later version of it.
        hasSignalWaiting = false
        guard !pool.supervisor.isStopping else {
            return finish(request, Operation.Failure(.unavailable, "the server is stopping").result)
        }
        switch ConfigurationFile.read(pool.settings.bundle.path) {
        case .refused(let problems): refuse(request, problems)
        case .usable(let settings, let configuration, let notes):
            let changes = configuration.changes(from: self.configuration)
            let needs = NewWorkers(from: pool.settings, to: settings, self.configuration, configuration)
            let candidate = CandidateConfiguration(
                settings: settings, configuration: configuration, notes: notes, changes: changes, needs: needs)
            check(request, candidate)
        }
    }

    private func check(_ request: Request, _ candidate: CandidateConfiguration) {
        guard candidate.needs.problems.isEmpty else { return refuse(request, candidate.needs.problems) }
        // A server starts with a file that names undefined rules, as other releases do. A reload that adds such a name is
        // refused: most likely it is a slip, and it would deny all clients or drop a limit.
        let slips = candidate.notes.filter { $0.isDangling && !dangling.contains($0.text) }
        guard slips.isEmpty else {
            return refuse(request, slips.map { "\($0.file):\($0.position): \($0.path): \($0.text); define it, or remove its name" })
        }
        let check = WorkerCheck(
            candidate.settings.bundle, program: candidate.settings.workerProgram, account: candidate.settings.account,
            triesStorage: candidate.needs.tryStorage, on: loop
        ) { [weak self] verdict in self?.checked(request, candidate, verdict) }
        stage = .checking(request, candidate, check)
    }

    private func checked(_ request: Request, _ candidate: CandidateConfiguration, _ verdict: WorkerCheck.Verdict) {
        switch verdict {
        case .problems(let problems): refuse(request, problems.map(\.sentence))
        case .failed(let sentence): refuse(request, [sentence])
        case .accepted: prepare(request, candidate)
        }
    }

    /// Binds the new sockets and locks, which other processes may hold, and asks the workers.
    private func prepare(_ request: Request, _ candidate: CandidateConfiguration) {
        let path = candidate.settings.bundle.path
        let change: ListenerSet.Change
        do throws(ListenerSet.Failure) {
            let (settings, isReal) = (candidate.settings, !request.isRehearsal)
            change = try pool.listeners.change(to: settings.listeners, workers: settings.workers, listens: isReal)
        } catch {
            let place = candidate.configuration.position(of: error.listener.path).map { "\(path):\($0.line): " } ?? ""
            return refuse(request, ["\(place)\(error)"], .unavailable)
        }
        let move: MasterEndpoints.Move
        do throws(StartFailure) {
            move = try seat.prepare(candidate.settings)
        } catch {
            return refuse(request, [error.description], .unavailable)
        }
        if request.isRehearsal {
            seat.abandon(move)
            var report = ReloadReport(candidate, change, hosts: configuration.hosts)
            report.remarks += candidate.needs.remarks(sessions: sessions, isRehearsal: true)
            return finish(request, .success(report.rehearsal(SessionTable(segment), ListenerCounters(segment))))
        }
        generation += 1
        let prepared = CandidateConfiguration.Prepared(
            generation: generation, candidate: candidate, listeners: change, endpoints: move)
        stage = .preparing(request, prepared)
        pool.candidate = prepared
        if candidate.needs.isOtherDatabase {
            pool.tell(.change(generation: generation, workers: candidate.settings.workers))
        } else {
            pool.tell(.reload(generation: generation))
        }
    }

    private var sessions: Int {
        let table = SessionTable(segment)
        return configuration.hosts.reduce(0) { $0 + table.count(host: $1) }
    }

    // MARK: What comes of it

    /// All workers have prepared: the configuration is in force, and there is no way back.
    func adopted(_ generation: UInt32) {
        guard generation == self.generation, case .preparing(let request, let prepared) = stage else { return }
        let (candidate, change) = (prepared.candidate, prepared.listeners)
        let sessions = sessions
        if candidate.settings.logLevel != pool.settings.logLevel, let level = LogLevel(rawValue: candidate.settings.logLevel) {
            Log.level = level
            pool.sendToAll(.logLevel(level.rawValue))
        }
        let gone = pool.listeners.adopt(change)
        for listener in change.opened where !gone.contains(where: { $0.descriptor.index == listener.descriptor.index }) {
            ListenerCounters(segment).reset(Int(listener.descriptor.index))
        }
        seat.take(prepared.endpoints, candidate.settings)
        // Where all workers were replaced, their number is the new one already.
        formerWorkers = candidate.needs.isOtherDatabase ? candidate.settings.workers : pool.settings.workers
        pool.adopt(candidate.settings)
        configuration = candidate.configuration
        dangling = Set(candidate.notes.filter(\.isDangling).map(\.text))
        var report = ReloadReport(candidate, change)
        report.remarks += candidate.needs.remarks(sessions: sessions, isRehearsal: false)
        stage = .committing(request, candidate, report, gone: gone)
    }

    /// A worker has put the configuration in force.
    func committed(_ generation: UInt32, _ effects: ReloadEffects) {
        guard generation == self.generation, case .committing(let request, let candidate, var report, let gone) = stage else {
            return
        }
        report.add(effects)
        stage = .committing(request, candidate, report, gone: gone)
    }

    /// The reload has ended. The sockets of removed listeners are closed with `stage`: no worker accepts there any more.
    func ended(_ generation: UInt32, _ outcome: ReloadOutcome) {
        guard generation == self.generation else { return }
        switch stage {
        case .committing(let request, let candidate, var report, _):
            if case .committedBut = outcome { report.remarks.append(outcome.sentence) }
            report.log()
            pool.follow(number: formerWorkers)
            if candidate.needs.isOtherAccount, !candidate.needs.isOtherDatabase { restarter.replaceWorkers() }
            finish(request, .success(report.value(generation: generation)))
        case .preparing(let request, let prepared):
            seat.abandon(prepared.endpoints)
            switch outcome {
            case .rejected(_, let problems), .abandoned(_, .refused(let problems)):
                finish(request, Operation.Failure(.configuration, problems.joined(separator: "\n")).result)
            case .committed, .committedBut, .busy, .restarting, .stopping, .died, .unanswered, .leaving, .abandoned:
                finish(request, Operation.Failure(.failed, "nothing has changed: \(outcome.sentence)").result)
            }
        case .idle, .checking: break
        }
    }

    private func refuse(_ request: Request, _ problems: [String], _ code: Operation.Failure.Code = .configuration) {
        if !request.isRehearsal {
            Log.error("configuration not reloaded, nothing has changed", [Field("problems", problems.count)])
            for problem in problems { Log.error(problem) }
        }
        finish(request, Operation.Failure(code, problems.joined(separator: "\n")).result)
    }

    private func finish(_ request: Request, _ result: OperationResult) {
        stage = .idle
        request.completion(result)
        guard case .idle = stage, !waiters.isEmpty else { return }
        start(waiters.removeFirst())
    }
}
