internal import Configuration
internal import IPC
internal import Operations
internal import SharedState
internal import Supervision
internal import Telemetry

/// A reload from the file to the answer: read, checked by the worker program, bound, prepared by all workers, put in
/// force, and reported when all have done so. One at a time, others wait; whatever fails, nothing has changed.
final class ReloadCoordinator {
    /// Reloads that may wait for their turn.
    static let waitersLimit = 8

    struct Proposal {
        let settings: MasterSettings
        let configuration: ServerConfiguration
        let notes: [Note]
        let changes: [ConfigurationChange]
        /// What running workers cannot take up.
        let needs: NewWorkers
    }

    private enum Stage {
        case idle
        case checking(Request, Proposal, WorkerCheck)
        case preparing(Request, Proposal, ListenerSet.Change, MasterEndpoints.Move)
        case committing(Request, Proposal, ReloadReport, gone: [ListenerSet.Bound])
    }

    private struct Request {
        /// Nothing is to be put in force.
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
    /// What it names without defining it.
    private var dangling: Set<String>
    private(set) var generation: UInt32
    /// How many workers there were before the latest reload.
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

    /// SIGHUP: what comes of it stands in the log. Signals that come while one waits are that one.
    func beginBySignal() {
        guard !hasSignalWaiting else { return }
        hasSignalWaiting = true
        let request = Request(isRehearsal: false) { result in
            if case .failure(_, let text) = result { Log.error("not reloaded", [Field("reason", text)]) }
        }
        admit(request)
    }

    /// Begins a reload, now or when those before it are over; the completion is called once.
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
        // A signal that comes from here on may be about a file that has been written again.
        hasSignalWaiting = false
        guard !pool.supervisor.isStopping else {
            return finish(request, Operation.Failure(.unavailable, "the server is stopping").result)
        }
        switch ConfigurationFile.read(pool.settings.bundle.path) {
        case .refused(let problems): refuse(request, problems)
        case .usable(let settings, let configuration, let notes):
            let changes = configuration.changes(from: self.configuration)
            let needs = NewWorkers(from: pool.settings, to: settings, self.configuration, configuration)
            let proposal = Proposal(
                settings: settings, configuration: configuration, notes: notes, changes: changes, needs: needs)
            check(request, proposal)
        }
    }

    private func check(_ request: Request, _ proposal: Proposal) {
        guard proposal.needs.problems.isEmpty else { return refuse(request, proposal.needs.problems) }
        // A server starts with a file that names what is not there, as other releases do. A running one is not made to
        // deny everybody, or to lose a limit, by what looks like a slip.
        let slips = proposal.notes.filter { $0.isDangling && !dangling.contains($0.text) }
        guard slips.isEmpty else {
            return refuse(request, slips.map { "\($0.file):\($0.position): \($0.path): \($0.text); define it, or remove its name" })
        }
        let check = WorkerCheck(
            proposal.settings.bundle, program: proposal.settings.workerProgram, account: proposal.settings.account,
            triesStorage: proposal.needs.tryStorage, on: loop
        ) { [weak self] verdict in self?.checked(request, proposal, verdict) }
        stage = .checking(request, proposal, check)
    }

    private func checked(_ request: Request, _ proposal: Proposal, _ verdict: WorkerCheck.Verdict) {
        switch verdict {
        case .problems(let problems): refuse(request, problems.map(\.sentence))
        case .failed(let sentence): refuse(request, [sentence])
        case .accepted: prepare(request, proposal)
        }
    }

    /// Takes what can be had only if nobody else has it, and asks the workers.
    private func prepare(_ request: Request, _ proposal: Proposal) {
        let path = proposal.settings.bundle.path
        let change: ListenerSet.Change
        do throws(ListenerSet.Failure) {
            let (settings, isReal) = (proposal.settings, !request.isRehearsal)
            change = try pool.listeners.change(to: settings.listeners, workers: settings.workers, listens: isReal)
        } catch {
            let place = proposal.configuration.position(of: error.listener.path).map { "\(path):\($0.line): " } ?? ""
            return refuse(request, ["\(place)\(error)"], .unavailable)
        }
        let move: MasterEndpoints.Move
        do throws(StartFailure) {
            move = try seat.prepare(proposal.settings)
        } catch {
            return refuse(request, [error.description], .unavailable)
        }
        if request.isRehearsal {
            seat.abandon(move)
            var report = ReloadReport(proposal, change, hosts: configuration.hosts)
            report.remarks += proposal.needs.remarks(sessions: sessions, isRehearsal: true)
            return finish(request, .success(report.rehearsal(SessionTable(segment), ListenerCounters(segment))))
        }
        generation += 1
        stage = .preparing(request, proposal, change, move)
        pool.proposals[generation] = WorkerPool.Proposal(settings: proposal.settings, listeners: change)
        if proposal.needs.isOtherDatabase {
            pool.tell(.change(generation: generation, workers: proposal.settings.workers))
        } else {
            pool.tell(.reload(generation: generation))
        }
    }

    private var sessions: Int {
        let table = SessionTable(segment)
        return configuration.hosts.reduce(0) { $0 + table.count(host: $1) }
    }

    // MARK: What comes of it

    /// The supervisor puts it in force: from here on there is no way back.
    func adopted(_ generation: UInt32) {
        guard generation == self.generation, case .preparing(let request, let proposal, let change, let move) = stage else {
            return
        }
        let sessions = sessions
        if proposal.settings.logLevel != pool.settings.logLevel, let level = LogLevel(rawValue: proposal.settings.logLevel) {
            Log.level = level
            pool.sendToAll(.logLevel(level.rawValue))
        }
        let gone = pool.listeners.adopt(change)
        for listener in change.opened where !gone.contains(where: { $0.descriptor.index == listener.descriptor.index }) {
            ListenerCounters(segment).reset(Int(listener.descriptor.index))
        }
        seat.take(move, proposal.settings)
        // Where all workers are others, there are as many as there shall be.
        formerWorkers = proposal.needs.isOtherDatabase ? proposal.settings.workers : pool.settings.workers
        pool.adopt(proposal.settings)
        configuration = proposal.configuration
        dangling = Set(proposal.notes.filter(\.isDangling).map(\.text))
        var report = ReloadReport(proposal, change)
        report.remarks += proposal.needs.remarks(sessions: sessions, isRehearsal: false)
        stage = .committing(request, proposal, report, gone: gone)
    }

    /// A worker has done it.
    func committed(_ generation: UInt32, _ effects: ReloadEffects) {
        guard generation == self.generation, case .committing(let request, let proposal, var report, let gone) = stage else {
            return
        }
        report.add(effects)
        stage = .committing(request, proposal, report, gone: gone)
    }

    /// The supervisor's last word about it. Sockets of listeners that are gone are closed with this: nobody accepts there.
    func ended(_ generation: UInt32, _ outcome: ReloadOutcome) {
        guard generation == self.generation else { return }
        switch stage {
        case .committing(let request, let proposal, var report, _):
            if case .committedBut = outcome { report.remarks.append(outcome.sentence) }
            report.log()
            pool.follow(number: formerWorkers)
            if proposal.needs.isOtherAccount, !proposal.needs.isOtherDatabase { restarter.replaceWorkers() }
            finish(request, .success(report.value(generation: generation)))
        case .preparing(let request, _, _, let move):
            seat.abandon(move)
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
