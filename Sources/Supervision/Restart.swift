/// A rolling restart under way: one position after the other gets a worker of the program that is installed now.
struct Restart: Equatable, Sendable {
    enum Stage: Equatable {
        case idle
        /// The replacement has not said ready; `old` is nil where the position has no worker.
        case starting(position: Int, new: WorkerName, old: WorkerName?)
        /// The replacement serves; the old worker hands over.
        case draining(position: Int, old: WorkerName)
        /// The position was between two processes when its turn came: it begins when the next is ready or dead.
        case awaiting(position: Int)
        /// The old worker has exited and its replacement died meanwhile: the next one must become ready.
        case settling(position: Int)
    }

    let id: UInt32
    /// Positions whose turn has not come.
    var queue: [Int]
    let total: Int
    var stage = Stage.idle
    /// Why the replacement is about to be killed or to exit; the first reason counts.
    var failure: RestartFailure?

    var standing: RestartStatus {
        let (position, step): (Int?, RestartStatus.Step) =
            switch stage {
            case .idle: (nil, .starting)
            case .starting(let position, _, _), .awaiting(let position), .settling(let position): (position, .starting)
            case .draining(let position, _): (position, .draining)
            }
        return RestartStatus(
            id: id, position: position, step: step, done: total - queue.count - (position == nil ? 0 : 1), total: total)
    }
}

/// How far a rolling restart is.
public struct RestartStatus: Equatable, Sendable {
    public enum Step: String, Sendable { case starting, draining }

    public var id: UInt32
    /// The position that is being restarted.
    public var position: Int?
    public var step: Step
    /// Positions that have been restarted.
    public var done: Int
    public var total: Int
}

/// How a rolling restart ended.
public enum RestartOutcome: Equatable, Sendable {
    case done(Int)
    /// A reload or another restart is under way; the text is a sentence for the administrator.
    case busy(String)
    case stopping
    /// The replacement at this position did not become ready; the worker that served before goes on.
    case abandoned(position: Int, RestartFailure)
}

public enum RestartFailure: Equatable, Sendable {
    case spawnFailed(String)
    case refused([String])
    case notReadyInTime(milliseconds: Int64)
    case misbehaved(String)
    case died(Exit)
}

extension Supervisor {
    mutating func restart(_ id: UInt32) -> [SupervisionAction] {
        switch phase {
        case .restarting: return ended(id, .busy("a rolling restart is under way"))
        case .changing: return ended(id, .busy("a reload is under way"))
        case .idle, .stopping, .ended: return ended(id, .stopping)
        case .running where !hasBeenUp: return ended(id, .busy("the server is not up yet"))
        case .running: break
        }
        if let drainingWorker { return ended(id, .busy("worker \(drainingWorker) is still leaving")) }
        phase = .restarting(Restart(id: id, queue: Array(0..<wanted), total: wanted))
        return advance()
    }

    /// A worker that was told to exit and still lives, if there is one.
    var drainingWorker: WorkerName? { slots.indices.first { slots[$0].isAlive && !isHolder($0) }.map { slots[$0].worker } }

    /// Begins with the next position, or ends the restart.
    private mutating func advance() -> [SupervisionAction] {
        guard case .restarting(var restart) = phase else { return [] }
        restart.failure = nil
        guard let position = restart.queue.first else {
            restart.stage = .idle
            return conclude(restart, .done(restart.total))
        }
        restart.queue.removeFirst()
        let activeSlot = Int(positions[position].activeSlot)
        var actions: [SupervisionAction] = []
        switch slots[activeSlot].state {
        case .ready:
            let other = (activeSlot + WorkerName.positions) % WorkerName.slots
            actions = spawn(other)
            restart.stage = .starting(position: position, new: slots[other].worker, old: slots[activeSlot].worker)
        case .waiting, .vacant:
            actions = spawn(activeSlot)
            restart.stage = .starting(position: position, new: slots[activeSlot].worker, old: nil)
        case .starting, .condemned, .draining, .leaving: restart.stage = .awaiting(position: position)
        }
        phase = .restarting(restart)
        return [.restartProgress(restart.standing), .notify(status)] + actions
    }

    /// A worker has become ready; the restart goes on if it waited for this one.
    mutating func restartReady(_ worker: WorkerName, at now: Int64) -> [SupervisionAction] {
        guard case .restarting(var restart) = phase else { return [] }
        switch restart.stage {
        case .starting(let position, worker, let old):
            positions[position].activeSlot = worker.slot
            guard let old else { return advance() }
            restart.stage = .draining(position: position, old: old)
            phase = .restarting(restart)
            return drain(Int(old.slot), successor: worker.slot, at: now) + [.restartProgress(restart.standing)]
        case .awaiting(worker.position):
            restart.queue.insert(worker.position, at: 0)
            phase = .restarting(restart)
            return advance()
        case .settling(worker.position): return advance()
        case .idle, .starting, .draining, .awaiting, .settling: return []
        }
    }

    /// Notes why a replacement is about to be killed or to exit.
    mutating func noteFailure(_ worker: WorkerName, _ failure: RestartFailure) {
        noteChangeFailure(worker, failure)
        guard case .restarting(var restart) = phase, case .starting(_, worker, _) = restart.stage, restart.failure == nil
        else { return }
        restart.failure = failure
        phase = .restarting(restart)
    }

    /// A worker that a restart or a change waits for is dead; its slot is vacant or waits for the next process.
    mutating func restartFailed(_ worker: WorkerName, _ failure: RestartFailure) -> [SupervisionAction] {
        if case .changing = phase { return changeLost(worker, failure) }
        guard case .restarting(let restart) = phase, let position = restart.standing.position else { return [] }
        return conclude(restart, .abandoned(position: position, restart.failure ?? failure))
    }

    /// The worker of a position is dead; the restart may wait for the next one there.
    mutating func restartLost(_ worker: WorkerName, _ failure: RestartFailure) -> [SupervisionAction] {
        guard case .restarting(var restart) = phase else { return [] }
        switch restart.stage {
        case .awaiting(worker.position):
            restart.queue.insert(worker.position, at: 0)
            phase = .restarting(restart)
            return advance()
        case .settling(worker.position):
            return conclude(restart, .abandoned(position: worker.position, failure))
        case .idle, .starting, .draining, .awaiting, .settling: return []
        }
    }

    /// The old worker died before its replacement was ready: makes the replacement the active worker of the position.
    mutating func promote(_ new: WorkerName) {
        guard case .restarting(var restart) = phase, case .starting(let position, new, _) = restart.stage else { return }
        restart.stage = .starting(position: position, new: new, old: nil)
        positions[position].activeSlot = new.slot
        phase = .restarting(restart)
    }

    /// A drained worker has exited.
    mutating func restartRetired(_ worker: WorkerName) -> [SupervisionAction] {
        guard case .restarting(var restart) = phase, case .draining(let position, worker) = restart.stage else { return [] }
        if slots[Int(positions[position].activeSlot)].isReady { return advance() }
        restart.stage = .settling(position: position)
        phase = .restarting(restart)
        return []
    }

    /// Ends the restart because the server stops.
    mutating func breakOff(_ restart: Restart) -> [SupervisionAction] { conclude(restart, .stopping) }

    private mutating func conclude(_ restart: Restart, _ outcome: RestartOutcome) -> [SupervisionAction] {
        phase = .running
        return ended(restart.id, outcome) + [.notify(status)] + applyResize()
    }

    private func ended(_ id: UInt32, _ outcome: RestartOutcome) -> [SupervisionAction] {
        [.report(.restart(id: id, outcome)), .restartEnded(id: id, outcome)]
    }
}
