/// Decides which worker processes exist: the policy of the master without a process, a clock or a descriptor (H29).
///
/// The shell carries the actions out in their order and feeds the outcomes back as events. Events of a process that no
/// longer has its slot are ignored.
public struct Supervisor: Sendable {
    enum Phase: Equatable {
        case idle
        case running
        case changing(ConfigurationRollout)
        case restarting(Restart)
        /// Until the last worker has exited; the master then exits with that status.
        case stopping(status: Int32)
        case ended
    }

    public var policy: SupervisionPolicy
    var phase = Phase.idle
    /// All slots, by number.
    var slots: [Slot]
    /// All possible positions, by number.
    var positions: [WorkerIndexState]
    /// How many positions have a worker: the first ones.
    var wanted: Int
    /// The number that `wanted` becomes once no reload or restart is under way; nil: no other.
    var size: Int?
    var orphans: [Orphans] = []
    var lastHeartbeats: Int64?
    var patientUntil = Int64.min
    /// Whether all workers have been ready at one time. Before that a failure to start ends the server.
    var hasBeenUp = false

    /// - Parameter workers: 1 to 64.
    public init(workers: Int, policy: SupervisionPolicy = SupervisionPolicy()) {
        self.policy = policy
        wanted = min(max(1, workers), WorkerName.positions)
        slots = (0..<WorkerName.slots).map { Slot(number: UInt8(clamping: $0)) }
        positions = (0..<WorkerName.positions).map { WorkerIndexState(number: $0) }
    }

    /// - Parameter now: milliseconds of a clock that never goes back.
    public mutating func handle(_ event: SupervisionEvent, at now: Int64) -> [SupervisionAction] {
        var next = self
        let actions = next.step(event, at: now)
        self = next
        return actions
    }

    private mutating func step(_ event: SupervisionEvent, at now: Int64) -> [SupervisionAction] {
        switch event {
        case .start: start()
        case .restart(let id): restart(id)
        case .resize(let number): resize(number)
        case .collected(let worker, let dead): collected(worker, dead)
        case .heartbeats(let beats): heartbeats(beats, at: now)
        case .adopted: adopted(at: now)
        case .stop: stop(status: 0)
        case .timer(let timer): fired(timer)
        case .reload(let generation): reload(generation, at: now)
        case .change(let generation, let workers): change(generation, workers: workers)
        case .spawnFailed(let worker, let reason): holds(worker) ? lost(worker, .notSpawned(reason), at: now) : []
        case .hello(let worker): holds(worker) ? hello(worker) : []
        case .ready(let worker): holds(worker) ? ready(worker, at: now) : []
        case .refused(let worker, let problems): holds(worker) ? refused(worker, problems) : []
        case .misbehaved(let worker, let reason): holds(worker) ? misbehaved(worker, reason) : []
        case .channelClosed(let worker): holds(worker) ? [.arm(.silence(worker), after: policy.silenceGraceMilliseconds)] : []
        case .exited(let worker, let exit): holds(worker) ? lost(worker, .exited(exit), at: now) : []
        case .prepared(let worker, let generation): holds(worker) ? prepared(worker, generation, at: now) : []
        case .rejected(let worker, let generation, let problems):
            holds(worker) ? rejected(worker, generation, problems) : []
        case .committed(let worker, let generation): holds(worker) ? committed(worker, generation, at: now) : []
        }
    }

    /// Whether the slot's living process is this one, not a predecessor or successor.
    func holds(_ worker: WorkerName) -> Bool {
        let slot = Int(worker.slot)
        return slot < slots.count && slots[slot].worker == worker && slots[slot].isAlive
    }

    // MARK: Starting

    private mutating func start() -> [SupervisionAction] {
        guard phase == .idle else { return [] }
        phase = .running
        return holders.flatMap { spawn($0) }
    }

    mutating func spawn(_ slot: Int) -> [SupervisionAction] {
        let worker = slots[slot].begin()
        positions[worker.position].begin()
        return [.spawn(worker), .arm(.readiness(worker), after: policy.readinessMilliseconds)]
    }

    private mutating func hello(_ worker: WorkerName) -> [SupervisionAction] {
        let slot = Int(worker.slot)
        switch slots[slot].state {
        case .starting(greeted: false):
            let peers = greetedWorkers
            slots[slot].state = .starting(greeted: true)
            return [.handOver(worker, connecting: peers)] + joinReload(worker)
        case .starting(greeted: true), .ready: return misbehaved(worker, "a second hello")
        case .vacant, .waiting, .draining, .leaving, .condemned: return []
        }
    }

    private mutating func ready(_ worker: WorkerName, at now: Int64) -> [SupervisionAction] {
        let slot = Int(worker.slot)
        switch slots[slot].state {
        case .starting(greeted: true): break
        case .starting(greeted: false), .ready: return misbehaved(worker, "ready out of turn")
        case .vacant, .waiting, .draining, .leaving, .condemned: return []
        }
        slots[slot].state = .ready(since: now)
        var actions: [SupervisionAction] =
            [.report(.ready(worker))] + restartReady(worker, at: now) + changeReady(worker, at: now) + [.notify(status)]
        if isHolder(slot) { positions[worker.position].hasServed = true }
        if !hasBeenUp, readyCount == wanted {
            hasBeenUp = true
            actions += [.report(.allReady(wanted)), .notify(.ready)]
        }
        return actions + assignOrphans()
    }

    /// The worker cannot serve the configuration; its exit follows. Before the server has been up it stops: another start would
    /// be refused as well.
    private mutating func refused(_ worker: WorkerName, _ problems: [String]) -> [SupervisionAction] {
        let report = SupervisionAction.report(.refused(worker, problems: problems))
        switch phase {
        case .running where !hasBeenUp: return [report] + stop(status: ExitStatus.configuration)
        case .restarting, .changing:
            noteFailure(worker, .refused(problems))
            return [report]
        case .idle, .running, .stopping, .ended: return [report]
        }
    }

    // MARK: Ending

    private mutating func misbehaved(_ worker: WorkerName, _ reason: String) -> [SupervisionAction] {
        let slot = Int(worker.slot)
        switch slots[slot].state {
        case .starting, .ready, .draining, .leaving:
            noteFailure(worker, .misbehaved(reason))
            slots[slot].markForKill()
            return [.report(.misbehaved(worker, reason: reason)), .kill(worker)]
        case .vacant, .waiting, .condemned: return []
        }
    }

    private mutating func fired(_ timer: SupervisionTimer) -> [SupervisionAction] {
        switch timer {
        case .readiness(let worker): return readinessExpired(worker)
        case .refill(let worker):
            let slot = Int(worker.slot)
            guard slot < slots.count, slots[slot].state == .waiting, worker.incarnation == slots[slot].incarnation + 1
            else { return [] }
            return canSpawn ? spawn(slot) : refill(slot, after: 0)
        case .silence(let worker): return holds(worker) ? misbehaved(worker, "it lives on with its channel closed") : []
        case .reload(let generation): return reloadExpired(generation)
        case .drain(let worker): return drainExpired(worker)
        case .commit(let generation): return commitExpired(generation)
        case .stop:
            guard case .stopping = phase else { return [] }
            return slots.indices.filter { slots[$0].isAlive }.flatMap { slot -> [SupervisionAction] in
                slots[slot].markForKill()
                return [.report(.killedAtStop(slots[slot].worker)), .kill(slots[slot].worker)]
            }
        }
    }

    private mutating func readinessExpired(_ worker: WorkerName) -> [SupervisionAction] {
        guard holds(worker), case .starting = slots[Int(worker.slot)].state else { return [] }
        noteFailure(worker, .notReadyInTime(milliseconds: policy.readinessMilliseconds))
        slots[Int(worker.slot)].markForKill()
        return [.report(.notReadyInTime(worker, milliseconds: policy.readinessMilliseconds)), .kill(worker)]
    }

    // MARK: Stopping

    mutating func stop(status: Int32) -> [SupervisionAction] {
        switch phase {
        case .stopping, .ended: return []
        case .idle, .running: break
        case .restarting(let restart): return breakOff(restart) + stop(status: status)
        case .changing(let change): return breakOff(change) + stop(status: status)
        }
        phase = .stopping(status: status)
        var actions: [SupervisionAction] = [
            .report(.stopping(workers: slots.filter(\.isAlive).count)), .notify(.stopping), .refuseConnections,
        ]
        for slot in slots.indices { actions += stopWorker(slot) }
        let end = endIfEmpty()
        return actions + (end.isEmpty ? [.arm(.stop, after: policy.stopMilliseconds + policy.stopGraceMilliseconds)] : end)
    }

    /// Tells a serving worker to stop; kills one that is starting, which has no streams to end.
    private mutating func stopWorker(_ slot: Int) -> [SupervisionAction] {
        switch slots[slot].state {
        case .ready, .draining:
            slots[slot].state = .leaving
            return [.stop(slots[slot].worker, deadline: policy.stopMilliseconds)]
        case .starting:
            slots[slot].markForKill()
            return [.kill(slots[slot].worker)]
        case .waiting:
            slots[slot].state = .vacant
            return []
        case .vacant, .leaving, .condemned: return []
        }
    }

    mutating func endIfEmpty() -> [SupervisionAction] {
        guard case .stopping(let status) = phase, !slots.contains(where: \.isAlive) else { return [] }
        phase = .ended
        return [.exit(status)]
    }

    // MARK: Views

    /// Workers that have got configuration and mesh, and take messages.
    public var greetedWorkers: [WorkerName] { slots.filter(\.isGreeted).map(\.worker) }

    /// The active slot of each position, in their order.
    var holders: [Int] { positions[..<wanted].map { Int($0.activeSlot) } }

    /// Whether this slot is the active one of a wanted position.
    func isHolder(_ slot: Int) -> Bool {
        let position = slot % WorkerName.positions
        return position < wanted && Int(positions[position].activeSlot) == slot
    }

    var readyCount: Int { holders.count { slots[$0].isReady } }

    /// Whether a process may be started now: none that would have a configuration about to change.
    var canSpawn: Bool {
        switch phase {
        case .running, .restarting: true
        case .changing: !defersRefills
        case .idle, .stopping, .ended: false
        }
    }

    var status: SupervisionAction.Notice {
        let crashing = positions[..<wanted].compactMap { position -> ServiceStatus.Crashing? in
            guard slots[Int(position.activeSlot)].state == .waiting, let crashStreak = position.crashStreak,
                let next = crashStreak.nextStart
            else { return nil }
            return ServiceStatus.Crashing(position: position.number, delayMilliseconds: next - crashStreak.last)
        }
        return .status(ServiceStatus(ready: readyCount, all: wanted, crashing: crashing, restart: restartStanding))
    }
}

/// Exit statuses of the master, from sysexits.h.
public enum ExitStatus {
    public static let usage: Int32 = 64
    public static let software: Int32 = 70
    public static let osError: Int32 = 71
    public static let unavailable: Int32 = 69
    public static let configuration: Int32 = 78
}
