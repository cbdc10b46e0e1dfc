/// A new configuration on its way into force: all workers agree to it first, then it takes effect in all of them, or
/// nothing has changed (H27).
struct ConfigurationRollout: Equatable, Sendable {
    enum Strategy: Equatable {
        /// The running workers take it up: all prepare, then all commit.
        case inPlace
        /// Running workers cannot take it up: this many others are started beside them with it, and all the running ones
        /// leave at once. The new ones accept no connection before the last of the old ones has left, so that at no
        /// moment two configurations serve.
        case replaceAll(size: Int)
    }

    let generation: UInt32
    let strategy: Strategy
    /// In place: the workers that were asked to prepare. Otherwise: the workers that were started with it.
    var workers: [WorkerName]
    /// Before the commit: workers that have not said prepared, or ready. After it: workers that have not said committed,
    /// or have not left.
    var awaited: Set<WorkerName>
    /// All workers have agreed: there is no way back.
    var isCommitted = false
    /// Slots to refill at the end.
    var vacated: [Int] = []
    /// Why a worker that was started with it is about to be killed or to leave; the first reason counts.
    var failure: RestartFailure?

    /// Workers that were asked and have not answered, in their order.
    var late: [WorkerName] { workers.filter(awaited.contains) }
}

extension Supervisor {
    // MARK: Beginning

    mutating func reload(_ generation: UInt32, at now: Int64) -> [SupervisionAction] {
        if let refusal = changeRefusal { return answer(generation, refusal) }
        // A starting worker that has said hello has the old configuration before it in its channel: it is asked as well,
        // and answers after its start. One that has not said hello joins when it does. A draining worker is left alone.
        let asked = slots.filter { $0.isGreeted && !$0.isDraining }.map(\.worker)
        let change = ConfigurationRollout(
            generation: generation, strategy: .inPlace, workers: asked, awaited: Set(asked))
        phase = .changing(change)
        var actions: [SupervisionAction] = hasBeenUp ? [.notify(.reloading)] : []
        if asked.isEmpty { return actions + commit(change, at: now) }
        actions += asked.map { .prepare($0, generation: generation) }
        return actions + [.arm(.reload(generation: generation), after: policy.reloadMilliseconds)]
    }

    mutating func change(_ generation: UInt32, workers: Int) -> [SupervisionAction] {
        guard (1...WorkerName.positions).contains(workers) else { return [] }
        if let refusal = changeRefusal { return answer(generation, refusal) }
        guard hasBeenUp else { return answer(generation, .stopping) }
        if let drainingWorker { return answer(generation, .leaving(drainingWorker)) }
        var actions: [SupervisionAction] = [.notify(.reloading)]
        var new: [WorkerName] = []
        for position in 0..<workers {
            let slot = (Int(positions[position].activeSlot) + (position < wanted ? WorkerName.positions : 0)) % WorkerName.slots
            actions += spawn(slot)
            new.append(slots[slot].worker)
        }
        phase = .changing(
            ConfigurationRollout(
                generation: generation, strategy: .replaceAll(size: workers), workers: new, awaited: Set(new)))
        return actions
    }

    /// Why no change can begin now; nil if one can.
    private var changeRefusal: ReloadOutcome? {
        switch phase {
        case .changing: .busy
        case .restarting: .restarting
        case .idle, .stopping, .ended: .stopping
        case .running: nil
        }
    }

    /// A worker was handed the old configuration while the others prepare a new one in place.
    mutating func joinReload(_ worker: WorkerName) -> [SupervisionAction] {
        guard case .changing(var change) = phase, change.strategy == .inPlace, !change.isCommitted else { return [] }
        change.workers.append(worker)
        change.awaited.insert(worker)
        phase = .changing(change)
        return [.prepare(worker, generation: change.generation)]
    }

    // MARK: Answers of workers

    mutating func prepared(_ worker: WorkerName, _ generation: UInt32, at now: Int64) -> [SupervisionAction] {
        guard let change = changeInPlace(generation), !change.isCommitted else { return [] }
        return settle(worker, at: now)
    }

    mutating func rejected(_ worker: WorkerName, _ generation: UInt32, _ problems: [String]) -> [SupervisionAction] {
        guard let change = changeInPlace(generation), !change.isCommitted else { return [] }
        return withdraw(change, .rejected(worker, problems: problems))
    }

    /// A worker has put the new configuration in force.
    mutating func committed(_ worker: WorkerName, _ generation: UInt32, at now: Int64) -> [SupervisionAction] {
        guard let change = changeInPlace(generation), change.isCommitted else { return [] }
        return settle(worker, at: now)
    }

    /// A worker has said ready; it may be the last of those started with the new configuration.
    mutating func changeReady(_ worker: WorkerName, at now: Int64) -> [SupervisionAction] {
        candidate(for: worker) == nil ? [] : settle(worker, at: now)
    }

    /// A worker that was to leave has left.
    mutating func changeRetired(_ worker: WorkerName, at now: Int64) -> [SupervisionAction] { settle(worker, at: now) }

    /// The worker of an index died. If it was serving, the new configuration may be the cause; if it was only starting,
    /// the old one was. After the commit there is no way back: its successor starts with the new one.
    mutating func reloadLost(_ worker: WorkerName, wasReady: Bool, at now: Int64) -> [SupervisionAction] {
        guard case .changing(let change) = phase, change.awaited.contains(worker) else { return [] }
        return wasReady && !change.isCommitted ? withdraw(change, .died(worker)) : settle(worker, at: now)
    }

    mutating func noteChangeFailure(_ worker: WorkerName, _ failure: RestartFailure) {
        guard case .changing(var change) = phase, candidate(for: worker) != nil, change.failure == nil else { return }
        change.failure = failure
        phase = .changing(change)
    }

    /// A worker that was started with the new configuration is gone before all of them were ready.
    mutating func changeLost(_ worker: WorkerName, _ failure: RestartFailure) -> [SupervisionAction] {
        guard case .changing(let change) = phase, !change.isCommitted else { return [] }
        return withdraw(change, .abandoned(position: worker.position, change.failure ?? failure))
    }

    mutating func reloadExpired(_ generation: UInt32) -> [SupervisionAction] {
        guard let change = changeInPlace(generation), !change.isCommitted else { return [] }
        return withdraw(change, .unanswered(change.late))
    }

    /// A late worker is not waited for: it commits yet, or it dies and its successor has the new configuration.
    mutating func commitExpired(_ generation: UInt32) -> [SupervisionAction] {
        guard let change = changeInPlace(generation), change.isCommitted else { return [] }
        return conclude(change, .committedBut(late: change.late))
    }

    /// Nothing more is awaited of this worker; after the last of them comes the commit, or the end.
    private mutating func settle(_ worker: WorkerName, at now: Int64) -> [SupervisionAction] {
        guard case .changing(var change) = phase, change.awaited.remove(worker) != nil else { return [] }
        phase = .changing(change)
        guard change.awaited.isEmpty else { return [] }
        return change.isCommitted ? finish(change) : commit(change, at: now)
    }

    // MARK: Commit

    private mutating func commit(_ change: ConfigurationRollout, at now: Int64) -> [SupervisionAction] {
        let awaited: [WorkerName] =
            switch change.strategy {
            case .inPlace: change.workers.filter(isGreeted)
            case .replaceAll: slots.filter { $0.isAlive && !change.workers.contains($0.worker) }.map(\.worker)
            }
        var change = change
        change.isCommitted = true
        change.awaited = Set(awaited)
        phase = .changing(change)
        var actions: [SupervisionAction] = [.adopt(generation: change.generation)]
        switch change.strategy {
        case .inPlace:
            actions += awaited.map { .commit($0, generation: change.generation) }
            if !awaited.isEmpty { actions.append(.arm(.commit(generation: change.generation), after: policy.commitMilliseconds)) }
        case .replaceAll(let size): actions += handOverIndices(to: change.workers, size: size, from: awaited, at: now)
        }
        return actions + (awaited.isEmpty ? finish(change) : [])
    }

    /// Makes the new workers the active ones of all indices and tells the old ones to leave.
    private mutating func handOverIndices(
        to new: [WorkerName], size: Int, from old: [WorkerName], at now: Int64
    ) -> [SupervisionAction] {
        // A slot between two processes gets no next one; other workers collect what the last one has left behind.
        let vacant = holders.filter { slots[$0].state == .waiting }
        for slot in vacant { slots[slot].state = .vacant }
        for position in min(size, wanted)..<wanted { positions[position].close() }
        for worker in new {
            positions[worker.position].activeSlot = worker.slot
            positions[worker.position].hasServed = true
        }
        wanted = size
        var actions: [SupervisionAction] = []
        for worker in old {
            let slot = Int(worker.slot)
            switch slots[slot].state {
            case .ready:
                let successor = positions[worker.position % wanted].activeSlot
                actions += drain(
                    slot, successor: successor, deadline: min(policy.drainMilliseconds, policy.changeMilliseconds), at: now)
            case .starting:
                slots[slot].markForKill()
                actions.append(.kill(worker))
            case .vacant, .waiting, .draining, .leaving, .condemned: break
            }
        }
        for slot in vacant { actions += leaveOrphans(of: slots[slot].worker) }
        return actions
    }

    // MARK: End

    /// Ends the change because the server stops: nothing is refilled.
    mutating func breakOff(_ change: ConfigurationRollout) -> [SupervisionAction] {
        var change = change
        change.vacated = []
        guard change.isCommitted else { return withdraw(change, .stopping) }
        return conclude(change, change.strategy == .inPlace ? .committedBut(late: change.late) : .committed)
    }

    private mutating func finish(_ change: ConfigurationRollout) -> [SupervisionAction] {
        (change.strategy == .inPlace ? [] : [.accept(greetedWorkers)]) + conclude(change, .committed)
    }

    /// Nothing has changed anywhere: workers that have prepared forget it, workers that were started with it are killed.
    private mutating func withdraw(_ change: ConfigurationRollout, _ outcome: ReloadOutcome) -> [SupervisionAction] {
        let actions: [SupervisionAction]
        switch change.strategy {
        case .inPlace: actions = change.workers.filter(isGreeted).map { .abort($0, generation: change.generation) }
        case .replaceAll:
            let living = change.workers.filter(holds)
            for worker in living { slots[Int(worker.slot)].markForKill() }
            actions = living.map { .kill($0) }
        }
        return actions + conclude(change, outcome)
    }

    private mutating func conclude(_ change: ConfigurationRollout, _ outcome: ReloadOutcome) -> [SupervisionAction] {
        phase = .running
        return answer(change.generation, outcome) + (hasBeenUp ? [.notify(.ready), .notify(status)] : [])
            + change.vacated.flatMap { slots[$0].state == .waiting && isHolder($0) ? spawn($0) : [] } + applyResize()
    }

    private func answer(_ generation: UInt32, _ outcome: ReloadOutcome) -> [SupervisionAction] {
        [.report(.reload(generation: generation, outcome)), .reloadEnded(generation: generation, outcome)]
    }

    // MARK: Views

    /// The change of this generation, if it is under way and the running workers take it up.
    private func changeInPlace(_ generation: UInt32) -> ConfigurationRollout? {
        guard case .changing(let change) = phase, change.strategy == .inPlace, change.generation == generation else { return nil }
        return change
    }

    /// The configuration that this worker is to start with, if that is not the one in force yet.
    public func candidate(for worker: WorkerName) -> UInt32? {
        guard case .changing(let change) = phase, change.strategy != .inPlace, !change.isCommitted,
            change.workers.contains(worker)
        else { return nil }
        return change.generation
    }

    /// Whether this worker gets its listening sockets later, with `accept`.
    public func acceptsLater(_ worker: WorkerName) -> Bool {
        guard case .changing(let change) = phase, change.strategy != .inPlace else { return false }
        return change.isCommitted || change.workers.contains(worker)
    }

    /// Whether a change decides when a vacated slot gets its next process: one that started now would have a
    /// configuration that is about to change.
    var defersRefills: Bool {
        guard case .changing(let change) = phase else { return false }
        return change.strategy == .inPlace || !change.isCommitted
    }

    /// Leaves the next process of a slot to the end of the change.
    mutating func deferRefill(_ slot: Int) {
        guard case .changing(var change) = phase else { return }
        change.vacated.append(slot)
        phase = .changing(change)
    }

    private func isGreeted(_ worker: WorkerName) -> Bool {
        slots[Int(worker.slot)].worker == worker && slots[Int(worker.slot)].isGreeted
    }
}
