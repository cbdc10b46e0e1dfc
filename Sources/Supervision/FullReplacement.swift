/// A configuration that workers cannot take up while they run: all of them give way at once to others, which are started
/// beside them. The new ones accept nobody before the last of the old ones has left, so that at no moment two
/// configurations serve. If one of the new ones does not come up, nothing has changed (H27).
struct FullReplacement: Equatable, Sendable {
    let generation: UInt32
    /// How many positions there shall be.
    let size: Int
    let new: [WorkerName]
    /// Those of the new ones that have not said ready.
    var awaited: Set<WorkerName>
    /// Old workers that have not left, once all the new ones are ready: then there is no way back.
    var leaving: Set<WorkerName>?
    /// Slots to refill if nothing comes of it.
    var vacated: [Int] = []
    /// Why a new worker is not what it should be.
    var failure: RestartFailure?
}

extension Supervisor {
    mutating func change(_ generation: UInt32, workers: Int) -> [SupervisionAction] {
        guard (1...WorkerName.positions).contains(workers) else { return [] }
        switch phase {
        case .reloading, .changing: return answer(generation, .busy)
        case .restarting: return answer(generation, .restarting)
        case .idle, .stopping, .ended: return answer(generation, .stopping)
        case .running where !hasBeenUp: return answer(generation, .stopping)
        case .running: break
        }
        if let drainingWorker { return answer(generation, .leaving(drainingWorker)) }
        var actions: [SupervisionAction] = [.notify(.reloading)]
        var new: [WorkerName] = []
        for position in 0..<workers {
            let slot = (Int(positions[position].activeSlot) + (position < wanted ? WorkerName.positions : 0)) % WorkerName.slots
            actions += spawn(slot)
            new.append(slots[slot].worker)
        }
        phase = .changing(FullReplacement(generation: generation, size: workers, new: new, awaited: Set(new)))
        return actions
    }

    /// The configuration that this worker is to start with, if that is not the one in force yet.
    public func proposal(for worker: WorkerName) -> UInt32? {
        guard case .changing(let change) = phase, change.leaving == nil, change.new.contains(worker) else { return nil }
        return change.generation
    }

    /// Whether this worker gets its listening sockets later, with `accept`.
    public func acceptsLater(_ worker: WorkerName) -> Bool {
        guard case .changing(let change) = phase else { return false }
        return change.leaving != nil || change.new.contains(worker)
    }

    /// A worker has said ready; perhaps it is the last of the new ones.
    mutating func changeReady(_ worker: WorkerName, at now: Int64) -> [SupervisionAction] {
        guard case .changing(var change) = phase, change.leaving == nil, change.awaited.remove(worker) != nil else { return [] }
        phase = .changing(change)
        return change.awaited.isEmpty ? commit(change, at: now) : []
    }

    private mutating func commit(_ change: FullReplacement, at now: Int64) -> [SupervisionAction] {
        let old = slots.indices.filter { slots[$0].isAlive && !change.new.contains(slots[$0].worker) }
        var change = change
        change.leaving = Set(old.map { slots[$0].worker })
        phase = .changing(change)
        var actions: [SupervisionAction] = [.adopt(generation: change.generation)]
        // Who is between two processes needs no next one; what the last has left behind is collected elsewhere.
        let vacant = holders.filter { slots[$0].state == .waiting }
        for slot in vacant { slots[slot].state = .vacant }
        for position in min(change.size, wanted)..<wanted { positions[position].close() }
        for worker in change.new {
            positions[worker.position].activeSlot = worker.slot
            positions[worker.position].hasServed = true
        }
        wanted = change.size
        for slot in old {
            let successor = positions[slots[slot].worker.position % wanted].activeSlot
            switch slots[slot].state {
            case .ready:
                actions += drain(slot, successor: successor, deadline: min(policy.drainDeadline, policy.changeDeadline), at: now)
            case .starting:
                slots[slot].markForKill()
                actions.append(.kill(slots[slot].worker))
            case .vacant, .waiting, .draining, .leaving, .condemned: break
            }
        }
        for slot in vacant { actions += leaveOrphans(of: slots[slot].worker) }
        return actions + (old.isEmpty ? finish(change) : [])
    }

    /// A worker that was to leave has left.
    mutating func changeRetired(_ worker: WorkerName) -> [SupervisionAction] {
        guard case .changing(var change) = phase, change.leaving?.remove(worker) != nil else { return [] }
        phase = .changing(change)
        return change.leaving?.isEmpty == true ? finish(change) : []
    }

    private mutating func finish(_ change: FullReplacement) -> [SupervisionAction] {
        [.accept(greetedWorkers)] + conclude(change, .committed)
    }

    /// The holder of a slot is gone, and the next must not start with a configuration about to change.
    mutating func deferRefill(_ slot: Int) -> Bool {
        guard case .changing(var change) = phase, change.leaving == nil else { return false }
        change.vacated.append(slot)
        phase = .changing(change)
        return true
    }

    mutating func noteChangeFailure(_ worker: WorkerName, _ failure: RestartFailure) {
        guard case .changing(var change) = phase, change.leaving == nil, change.new.contains(worker), change.failure == nil else {
            return
        }
        change.failure = failure
        phase = .changing(change)
    }

    /// One of the new workers is gone before all of them were ready.
    mutating func changeLost(_ worker: WorkerName, _ failure: RestartFailure) -> [SupervisionAction] {
        guard case .changing(let change) = phase, change.leaving == nil else { return [] }
        return withdraw(change, .abandoned(position: worker.position, change.failure ?? failure))
    }

    /// A stop puts an end to it.
    mutating func breakOff(_ change: FullReplacement) -> [SupervisionAction] {
        var change = change
        change.vacated = []
        return change.leaving == nil ? withdraw(change, .stopping) : conclude(change, .committed)
    }

    private mutating func withdraw(_ change: FullReplacement, _ outcome: ReloadOutcome) -> [SupervisionAction] {
        var actions: [SupervisionAction] = []
        for worker in change.new where holds(worker) {
            slots[Int(worker.slot)].markForKill()
            actions.append(.kill(worker))
        }
        return actions + conclude(change, outcome)
    }

    private mutating func conclude(_ change: FullReplacement, _ outcome: ReloadOutcome) -> [SupervisionAction] {
        phase = .running
        return answer(change.generation, outcome) + [.notify(.ready), .notify(status)]
            + change.vacated.flatMap { slots[$0].state == .waiting && isHolder($0) ? spawn($0) : [] } + applyResize()
    }
}
