internal import CPlatform
internal import IPC
internal import SharedState
internal import Supervision
internal import Telemetry

/// Carries out the supervisor's actions: the shell around the pure machine.
final class WorkerPool {
    /// Gets the events for the other parts of the master.
    var handler: (PoolEvent) -> Void = { _ in }
    /// The configuration in force, for every worker that starts.
    private(set) var settings: MasterSettings {
        didSet { supervisor.policy = settings.policy(supervisor.policy) }
    }
    /// The configuration that workers are asked to prepare, or are started with; nil once the reload has ended.
    var candidate: CandidateConfiguration.Prepared?
    private(set) var supervisor: Supervisor
    private(set) var workers: [UInt8: WorkerProcess] = [:]

    private let loop: EventLoop
    let listeners: ListenerSet
    private let segment: SharedSegment
    private let segmentDescriptor: Descriptor

    init(
        _ settings: MasterSettings, listeners: ListenerSet, segment: SharedSegment, segmentDescriptor: Descriptor,
        policy: SupervisionPolicy, memory: SupervisorSnapshot? = nil, on loop: EventLoop
    ) {
        self.settings = settings
        self.listeners = listeners
        self.segment = segment
        self.segmentDescriptor = segmentDescriptor
        self.loop = loop
        supervisor = memory.flatMap { Supervisor($0, policy: policy) } ?? Supervisor(workers: settings.workers, policy: policy)
        watchHearts()
    }

    /// The process executes the program anew after the stop: the service manager is told of a reload, not of the end.
    private(set) var beginsAnew = false

    /// Stops the server. `stop` without a restart overrides one with it.
    func stop(toBeginAnew again: Bool = false) {
        beginsAnew = again
        tell(.stop)
    }

    /// Takes over the workers of the previous program; they are children of this process.
    func adopt(_ possessions: [MasterState.Child]) throws(SystemFailure) {
        for worker in possessions {
            let name = WorkerName(slot: worker.slot, incarnation: worker.incarnation)
            let child = WorkerSpawner.Child(
                pid: worker.pid, handle: try descriptor(cplatform_pidfd_open(worker.pid), "pidfd_open"),
                channel: Descriptor(worker.channel))
            workers[name.slot] = WorkerProcess(name, child, started: worker.started, unread: worker.unread, on: loop) {
                [weak self] in self?.occurred(name, $0)
            }
        }
    }

    /// The workers, for the next program; nil while one has not read what it was sent.
    var possessions: [MasterState.Child]? {
        for worker in workers.values { worker.drain() }
        let possessions = workers.values.compactMap(\.possession)
        return possessions.count == workers.count ? possessions.sorted { $0.slot < $1.slot } : nil
    }

    func tell(_ event: SupervisionEvent) {
        // An action may cause the next event; the actions of that come after these.
        pending += supervisor.handle(event, at: loop.now)
        publishOwners()
        guard !isExecuting else { return }
        isExecuting = true
        defer { isExecuting = false }
        while !pending.isEmpty { execute(pending.removeFirst()) }
    }

    /// Before any worker is told what follows from it. While the server stops, the last owners go on.
    private func publishOwners() {
        guard !supervisor.isStopping else { return }
        OwnershipTable(segment).write(
            supervisor.owners.map { $0.map { WorkerOwners.Process(slot: $0.slot, incarnation: $0.incarnation) } })
    }

    private var standing: ServiceStatus?
    private var toldStatus = ""
    private var pending: [SupervisionAction] = []
    private var isExecuting = false

    func send(_ message: MasterMessage, to name: WorkerName) { worker(name)?.send(message) }

    /// Sends a message to every worker that has got its configuration.
    func sendToAll(_ message: MasterMessage) {
        for name in supervisor.greetedWorkers { send(message, to: name) }
    }

    private func worker(_ name: WorkerName) -> WorkerProcess? {
        workers[name.slot].flatMap { $0.name == name ? $0 : nil }
    }

    // MARK: Actions

    private func execute(_ action: SupervisionAction) {
        switch action {
        case .spawn(let name): spawn(name)
        case .handOver(let name, let peers): handOver(name, connecting: peers)
        case .announceDeath(let name, let peers):
            for peer in peers { send(.meshGone(slot: name.slot, incarnation: name.incarnation), to: peer) }
        case .kill(let name): worker(name)?.kill()
        case .refuseConnections: listeners.refuse()
        case .drain(let name, let successor, let deadline):
            send(.drain(successor: successor, deadlineMilliseconds: UInt32(clamping: deadline)), to: name)
        case .collect(let dead, let name): send(.collectOrphans(slot: dead.slot, incarnation: dead.incarnation), to: name)
        case .accept(let names): names.compactMap(worker).forEach(handListeners)
        case .stop(let name, let deadline): send(.stop(deadlineMilliseconds: UInt32(clamping: deadline)), to: name)
        case .arm(let timer, let delay): loop.after(delay) { [weak self] in self?.tell(.timer(timer)) }
        case .prepare(let name, let generation):
            if let worker = worker(name), let candidate, candidate.generation == generation { prepare(worker, candidate) }
        case .commit(let name, let generation): send(.commit(generation: generation), to: name)
        case .abort(let name, let generation): send(.abort(generation: generation), to: name)
        case .adopt(let generation): handler(.configurationAdopted(generation: generation))
        case .reloadEnded(let generation, let outcome):
            if candidate?.generation == generation { candidate = nil }
            handler(.reloadEnded(generation: generation, outcome))
        case .restartProgress: handler(.restartAdvanced)
        case .restartEnded(let id, let outcome): handler(.restartEnded(id: id, outcome))
        case .report(let report): report.log()
        case .notify(let notice): notify(notice)
        case .exit(let status): handler(.ended(status: status))
        }
    }

    private func spawn(_ name: WorkerName) {
        let settings = settings(of: name)
        let arguments = WorkerArguments(
            slot: name.slot, incarnation: name.incarnation, workers: UInt8(clamping: settings.workers),
            logLevel: Log.level.rawValue, account: settings.account)
        segment.use(Int(name.slot))
        do {
            let child = try WorkerSpawner(program: settings.workerProgram).worker(arguments)
            workers[name.slot] = WorkerProcess(name, child, on: loop) { [weak self] in self?.occurred(name, $0) }
        } catch {
            tell(.spawnFailed(name, reason: error.description))
        }
    }

    /// Order of the contract: level, configuration, segment, listeners, mesh, start.
    private func handOver(_ name: WorkerName, connecting peers: [WorkerName]) {
        guard let worker = worker(name) else { return }
        worker.send(.logLevel(Log.level.rawValue))
        worker.send(.configure(settings(of: name).bundle))
        worker.send(.segment, segmentDescriptor)
        if !supervisor.acceptsLater(name) { handListeners(to: worker) }
        for peer in peers { connect(worker, peer) }
        worker.send(.start)
    }

    /// The settings that a worker is started with: those in force, or those of the candidate it is started for.
    private func settings(of name: WorkerName) -> MasterSettings {
        guard let generation = supervisor.candidate(for: name), let candidate, candidate.generation == generation else {
            return settings
        }
        return candidate.candidate.settings
    }

    private func handListeners(to worker: WorkerProcess) {
        for listener in listeners.bound { hand(listener, to: worker, workers: settings.workers) }
    }

    private func hand(_ listener: ListenerSet.Bound, to worker: WorkerProcess, workers: Int) {
        for socket in ListenerSet.sockets(of: listener, position: worker.name.position, workers: workers) {
            worker.send(.listener(listener.descriptor), socket)
        }
    }

    /// Sends the configuration with its new sockets, so that the worker has them at the commit.
    private func prepare(_ worker: WorkerProcess, _ prepared: CandidateConfiguration.Prepared) {
        let listeners = prepared.listeners
        let (settings, descriptors) = (prepared.candidate.settings, listeners.bound.map(\.descriptor))
        worker.send(
            .prepare(
                generation: prepared.generation, settings.bundle, workers: UInt8(clamping: settings.workers),
                listeners: descriptors))
        for listener in listeners.opened { hand(listener, to: worker, workers: self.settings.workers) }
    }

    /// Brings the number of workers from `former` to that of the settings. Remaining workers get the sockets of those that leave.
    func follow(number former: Int) {
        guard settings.workers != former else { return }
        for name in supervisor.readyWorkers where name.position < settings.workers {
            guard let worker = worker(name) else { continue }
            for listener in listeners.bound {
                let has = Set(ListenerSet.sockets(of: listener, position: name.position, workers: former).map(\.number))
                for socket in ListenerSet.sockets(of: listener, position: name.position, workers: settings.workers)
                where !has.contains(socket.number) {
                    worker.send(.listener(listener.descriptor), socket)
                }
            }
        }
        tell(.resize(settings.workers))
    }

    /// Puts other settings in force.
    func adopt(_ settings: MasterSettings) { self.settings = settings }

    private func connect(_ worker: WorkerProcess, _ peer: WorkerName) {
        guard let other = self.worker(peer) else { return }
        do {
            let (near, far) = try Descriptor.streamPair()
            worker.send(.mesh(slot: peer.slot, incarnation: peer.incarnation), near)
            other.send(.mesh(slot: worker.name.slot, incarnation: worker.name.incarnation), far)
        } catch {
            // Without this stream the two cannot serve together: the newer one is killed, and its position filled again.
            Log.error(
                "cannot connect two workers; raise LimitNOFILE= if files are short",
                [
                    Field("worker", worker.name), Field("peer", peer), Field("reason", error),
                ])
            worker.kill()
        }
    }

    private func notify(_ notice: SupervisionAction.Notice) {
        handler(.stateChanged)
        switch notice {
        case .ready: ServiceManager.ready()
        case .reloading: ServiceManager.reloading()
        case .stopping: beginsAnew ? ServiceManager.reloading() : ServiceManager.stopping()
        case .status(let standing):
            self.standing = standing
            tellStatus()
        }
    }

    /// Whether systemd has opened listening sockets of this server.
    var hasHandedSockets: Bool { listeners.bound.contains(where: \.isHanded) }

    /// Whether a worker has given a sign of life within this many milliseconds.
    func answers(within milliseconds: Int64) -> Bool {
        workers.values.contains { loop.now - lastSign(of: $0) < milliseconds }
    }

    /// Tells systemd the status line, if it has changed.
    func tellStatus() {
        guard let standing else { return }
        let sessions = WorkerCells(segment).total(.sessions)
        let sentence = "\(standing.sentence); \(sessions) \(sessions == 1 ? "session" : "sessions")"
        guard sentence != toldStatus else { return }
        toldStatus = sentence
        ServiceManager.status(sentence)
    }

    // MARK: Events

    private func occurred(_ name: WorkerName, _ event: WorkerProcess.Event) {
        switch event {
        case .message(let message): received(message, from: name)
        case .misbehaved(let reason): tell(.misbehaved(name, reason: reason))
        case .channelClosed: tell(.channelClosed(name))
        case .exited(let exit): exited(name, exit)
        }
    }

    /// Checks the age of each worker's last sign of life: the younger of its beat in the segment and its last report.
    private func watchHearts() {
        loop.after(supervisor.policy.heartbeatMilliseconds) { [weak self] in
            guard let self else { return }
            let now = loop.now
            let beats = workers.values.map { Heartbeat(worker: $0.name, ageMilliseconds: now - lastSign(of: $0)) }
            tell(.heartbeats(beats + StallReports(workers: workers, cells: WorkerCells(segment)).worst(now: now)))
            tellStatus()
            watchHearts()
        }
    }

    func lastSign(of worker: WorkerProcess) -> Int64 {
        let cell = WorkerCells(segment).status(Int(worker.name.slot))
        let beat = cell.pid == worker.pid ? Int64(clamping: cell.heartbeat) : nil
        return max(beat ?? 0, worker.reported ?? worker.started)
    }

    /// Clears the counters of a dead worker, before its successor can begin.
    private func exited(_ name: WorkerName, _ exit: Exit) {
        workers[name.slot] = nil
        ListenerCounters(segment).forgetOpen(slot: Int(name.slot))
        WorkerCells(segment).resetGauges(Int(name.slot))
        tell(.exited(name, exit))
        handler(.workerDied(name))
    }

    private func received(_ message: WorkerMessage, from name: WorkerName) {
        switch message {
        case .hello(let hello): tell(greeting(hello, from: name))
        case .ready: tell(.ready(name))
        case .refused(let problems): tell(.refused(name, problems: problems.map(\.sentence)))
        case .report(let load):
            worker(name)?.load = load
            worker(name)?.reported = loop.now
        case .prepared(let generation): tell(.prepared(name, generation: generation))
        case .rejected(let generation, let problems):
            tell(.rejected(name, generation: generation, problems: problems.map(\.sentence)))
        case .committed(let generation, let effects):
            handler(.configurationCommitted(generation: generation, effects))
            tell(.committed(name, generation: generation))
        case .operationProgress(let id, let value): handler(.operationProgress(id: id, value))
        case .operationReply(let id, let result): handler(.operationEnded(id: id, result))
        case .leaving(let report):
            worker(name)?.leaveReport = report
            handler(.restartAdvanced)
        case .collected(let slot, let incarnation):
            tell(.collected(name, dead: WorkerName(slot: slot, incarnation: incarnation)))
        case .stopped: Log.debug("worker has ended its streams", [Field("worker", name)])
        }
    }

    private func greeting(_ hello: Hello, from name: WorkerName) -> SupervisionEvent {
        guard hello.version == contractVersion else {
            let text =
                "it speaks version \(hello.version) of the contract, not \(contractVersion): install master and worker together"
            return .misbehaved(name, reason: text)
        }
        guard hello.slot == name.slot, hello.incarnation == name.incarnation, hello.pid == worker(name)?.pid else {
            return .misbehaved(name, reason: "its hello is that of another worker")
        }
        return .hello(name)
    }
}

extension ReportedProblem {
    /// `FILE:LINE:COLUMN: PATH: TEXT`
    var sentence: String {
        let place = line == 0 ? file : "\(file):\(line):\(column)"
        return path.isEmpty ? "\(place): \(text)" : "\(place): \(path): \(text)"
    }
}
