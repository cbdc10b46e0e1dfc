/// A reload under way: all prepare, then all commit, or nobody does (H27).
struct Reload: Equatable, Sendable {
    let generation: UInt32
    /// Who was asked.
    var asked: [WorkerName]
    /// Who has not answered.
    var awaited: Set<WorkerName>
    /// All have agreed: it is in force, and those awaited are putting it in force.
    var isCommitted = false
    /// Slots to refill when it is over.
    var vacated: [Int] = []
}

extension Supervisor {
    mutating func reload(_ generation: UInt32) -> [SupervisionAction] {
        switch phase {
        case .reloading, .changing: return answer(generation, .busy)
        case .restarting: return answer(generation, .restarting)
        case .idle, .stopping, .ended: return answer(generation, .stopping)
        case .running: break
        }
        // A worker that is starting has the old configuration before it in its channel: it is asked as well, and
        // answers after its start. One that has not said hello joins when it does.
        // One that leaves is left alone.
        let asked = slots.filter { $0.isGreeted && !$0.isDraining }.map(\.worker)
        let reload = Reload(generation: generation, asked: asked, awaited: Set(asked))
        phase = .reloading(reload)
        var actions: [SupervisionAction] = hasBeenUp ? [.notify(.reloading)] : []
        if asked.isEmpty { return actions + commit(reload) }
        actions += asked.map { .prepare($0, generation: generation) }
        return actions + [.arm(.reload(generation: generation), after: policy.reloadDeadline)]
    }

    /// A worker was handed the old configuration while a new one is being prepared.
    mutating func joinReload(_ worker: WorkerName) -> [SupervisionAction] {
        guard case .reloading(var reload) = phase, !reload.isCommitted else { return [] }
        reload.asked.append(worker)
        reload.awaited.insert(worker)
        phase = .reloading(reload)
        return [.prepare(worker, generation: reload.generation)]
    }

    mutating func prepared(_ worker: WorkerName, _ generation: UInt32) -> [SupervisionAction] {
        guard case .reloading(var reload) = phase, reload.generation == generation, !reload.isCommitted else { return [] }
        reload.awaited.remove(worker)
        if reload.awaited.isEmpty { return commit(reload) }
        phase = .reloading(reload)
        return []
    }

    /// A worker has put the new configuration in force.
    mutating func committed(_ worker: WorkerName, _ generation: UInt32) -> [SupervisionAction] {
        guard case .reloading(let reload) = phase, reload.generation == generation, reload.isCommitted else { return [] }
        return settle(worker, reload)
    }

    /// Nothing more is awaited of this worker.
    private mutating func settle(_ worker: WorkerName, _ reload: Reload) -> [SupervisionAction] {
        var reload = reload
        reload.awaited.remove(worker)
        if reload.awaited.isEmpty { return conclude(reload, .committed) }
        phase = .reloading(reload)
        return []
    }

    mutating func rejected(_ worker: WorkerName, _ generation: UInt32, _ problems: [String]) -> [SupervisionAction] {
        guard case .reloading(let reload) = phase, reload.generation == generation, !reload.isCommitted else { return [] }
        return abandon(reload, .rejected(worker, problems: problems))
    }

    /// A worker died. If it was serving, the new configuration may be the cause; if it was only starting, the old.
    /// Once all have agreed there is no way back: its successor starts with the new one.
    mutating func reloadLost(_ worker: WorkerName, wasReady: Bool) -> [SupervisionAction] {
        guard case .reloading(var reload) = phase, reload.awaited.contains(worker) else { return [] }
        if reload.isCommitted { return settle(worker, reload) }
        if wasReady { return abandon(reload, .died(worker)) }
        reload.awaited.remove(worker)
        if reload.awaited.isEmpty { return commit(reload) }
        phase = .reloading(reload)
        return []
    }

    mutating func reloadExpired(_ generation: UInt32) -> [SupervisionAction] {
        guard case .reloading(let reload) = phase, reload.generation == generation, !reload.isCommitted else { return [] }
        return abandon(reload, .unanswered(reload.asked.filter(reload.awaited.contains)))
    }

    private mutating func commit(_ reload: Reload) -> [SupervisionAction] {
        let living = reload.asked.filter(isGreeted)
        let actions: [SupervisionAction] =
            [.adopt(generation: reload.generation)]
            + living.map { .commit($0, generation: reload.generation) }
        if living.isEmpty { return actions + conclude(reload, .committed) }
        var reload = reload
        reload.isCommitted = true
        reload.awaited = Set(living)
        phase = .reloading(reload)
        return actions + [.arm(.commit(generation: reload.generation), after: policy.commitDeadline)]
    }

    /// Who has not said yet that it has done it is not waited for: it will, or it dies and its successor does.
    mutating func commitExpired(_ generation: UInt32) -> [SupervisionAction] {
        guard case .reloading(let reload) = phase, reload.generation == generation, reload.isCommitted else { return [] }
        return conclude(reload, .committedBut(late: reload.asked.filter(reload.awaited.contains)))
    }

    /// Nothing has changed anywhere, and whoever has prepared forgets it. What is in force stays so.
    mutating func abandon(_ reload: Reload, _ outcome: ReloadOutcome) -> [SupervisionAction] {
        if reload.isCommitted { return conclude(reload, .committedBut(late: reload.asked.filter(reload.awaited.contains))) }
        return withdraw(reload, outcome)
    }

    private mutating func withdraw(_ reload: Reload, _ outcome: ReloadOutcome) -> [SupervisionAction] {
        reload.asked.filter(isGreeted).map { .abort($0, generation: reload.generation) } + conclude(reload, outcome)
    }

    private mutating func conclude(_ reload: Reload, _ outcome: ReloadOutcome) -> [SupervisionAction] {
        phase = .running
        return answer(reload.generation, outcome) + (hasBeenUp ? [.notify(.ready), .notify(status)] : [])
            + reload.vacated.flatMap { slots[$0].state == .waiting ? spawn($0) : [] } + applyResize()
    }

    func answer(_ generation: UInt32, _ outcome: ReloadOutcome) -> [SupervisionAction] {
        [.report(.reload(generation: generation, outcome)), .reloadEnded(generation: generation, outcome)]
    }

    private func isGreeted(_ worker: WorkerName) -> Bool {
        slots[Int(worker.slot)].worker == worker && slots[Int(worker.slot)].isGreeted
    }
}
