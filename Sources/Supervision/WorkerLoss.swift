/// Why a worker process does not exist any more.
enum WorkerLoss: Equatable {
    case exited(Exit)
    /// It could not be started; the system's reason.
    case notSpawned(String)

    /// How the process ended; nil if there was none.
    var exit: Exit? {
        switch self {
        case .exited(let exit): exit
        case .notSpawned: nil
        }
    }

    /// The same as the reason of a failed restart or change.
    var failure: RestartFailure {
        switch self {
        case .exited(let exit): .died(exit)
        case .notSpawned(let reason): .spawnFailed(reason)
        }
    }

    /// - Parameter milliseconds: until the next process is started; nil if this loss starts none.
    fileprivate func report(_ worker: WorkerName, wasReady: Bool, nextAfter milliseconds: Int64?) -> SupervisionAction {
        switch self {
        case .exited(let exit): .report(.died(worker, exit, wasReady: wasReady, nextAfter: milliseconds))
        case .notSpawned(let reason): .report(.spawnFailed(worker, reason: reason, nextAfter: milliseconds))
        }
    }
}

/// The consequences of a worker's loss: they depend on the phase and on the worker's role.
extension Supervisor {
    mutating func lost(_ worker: WorkerName, _ loss: WorkerLoss, at now: Int64) -> [SupervisionAction] {
        forgetCollector(worker)
        switch (phase, role(of: worker)) {
        case (.idle, _), (.ended, _): return []
        case (.stopping, _): return left(worker, loss)
        case (_, .retiring): return retired(worker, loss, at: now)
        case (_, .replacement): return replacementLost(worker, loss)
        case (_, .replaced(let new)): return lost(worker, loss, replacedBy: new, at: now)
        case (_, .awaited): return activeLost(worker, loss, isAwaited: true, at: now)
        case (_, .active): return activeLost(worker, loss, isAwaited: false, at: now)
        }
    }

    private mutating func left(_ worker: WorkerName, _ loss: WorkerLoss) -> [SupervisionAction] {
        slots[Int(worker.slot)].state = .vacant
        let report = loss.exit.map { .report(.left(worker, $0)) } ?? loss.report(worker, wasReady: false, nextAfter: nil)
        return [report] + endIfEmpty()
    }

    /// The replacement never served; the worker that it should have replaced goes on.
    private mutating func replacementLost(_ worker: WorkerName, _ loss: WorkerLoss) -> [SupervisionAction] {
        let death = announcement(of: worker, loss)
        slots[Int(worker.slot)].state = .vacant
        return [loss.report(worker, wasReady: false, nextAfter: nil)] + death
            + (death.isEmpty ? [] : leaveOrphans(of: worker)) + restartFailed(worker, loss.failure)
    }

    /// The worker died before its replacement was ready: the replacement becomes the active worker, and no other is started.
    private mutating func lost(
        _ worker: WorkerName, _ loss: WorkerLoss, replacedBy new: WorkerName, at now: Int64
    ) -> [SupervisionAction] {
        let (actions, _) = noteLoss(worker, loss, isRefilled: false, at: now)
        slots[Int(worker.slot)].state = .vacant
        promote(new)
        return actions + [.notify(status)] + leaveOrphans(of: worker)
    }

    /// The active worker died: the next is started in its slot.
    /// - Parameter isAwaited: a rolling restart waits for this very process.
    private mutating func activeLost(
        _ worker: WorkerName, _ loss: WorkerLoss, isAwaited: Bool, at now: Int64
    ) -> [SupervisionAction] {
        let wasReady = slots[Int(worker.slot)].isReady
        var (actions, delay) = noteLoss(worker, loss, isRefilled: true, at: now)
        // A program that could never be started will not be: the server stops.
        if loss.exit == nil, !hasBeenUp { return actions + stop(status: ExitStatus.osError) }
        actions.append(.notify(status))
        actions += refill(Int(worker.slot), after: delay)
        actions += isAwaited ? restartFailed(worker, loss.failure) : restartLost(worker, loss.failure)
        return actions + reloadLost(worker, wasReady: wasReady, at: now) + assignOrphans()
    }

    /// Counts the loss of the worker of an index, reports it and tells the other workers.
    /// - Returns: the actions, and the milliseconds until the next process is to be started.
    private mutating func noteLoss(
        _ worker: WorkerName, _ loss: WorkerLoss, isRefilled: Bool, at now: Int64
    ) -> (actions: [SupervisionAction], delayMilliseconds: Int64) {
        let slot = Int(worker.slot)
        let (wasReady, death) = (slots[slot].isReady, announcement(of: worker, loss))
        let readySince = slots[slot].end()
        let delay = positions[worker.position].fail(loss.exit, readySince: readySince, at: now, policy)
        return ([loss.report(worker, wasReady: wasReady, nextAfter: isRefilled ? delay : nil)] + death, delay)
    }

    /// Tells the other workers of a death. They do not know a worker that has not got its mesh ends.
    private func announcement(of worker: WorkerName, _ loss: WorkerLoss) -> [SupervisionAction] {
        guard loss.exit != nil, slots[Int(worker.slot)].state != .starting(greeted: false) else { return [] }
        return [.announceDeath(worker, to: greetedWorkers.filter { $0 != worker })]
    }

    /// A drained or superfluous worker is dead.
    private mutating func retired(_ worker: WorkerName, _ loss: WorkerLoss, at now: Int64) -> [SupervisionAction] {
        slots[Int(worker.slot)].state = .vacant
        if worker.position >= wanted { positions[worker.position].close() }
        var actions: [SupervisionAction]
        switch loss {
        case .exited(let exit):
            actions = [.report(.retired(worker, exit)), .announceDeath(worker, to: greetedWorkers), .notify(status)]
            actions += leaveOrphans(of: worker)
        case .notSpawned: actions = [loss.report(worker, wasReady: false, nextAfter: nil)]
        }
        actions += restartRetired(worker) + changeRetired(worker, at: now)
        // The position was wanted again before its last worker had exited.
        if worker.position < wanted, phase == .running { actions += fill(worker.position) }
        return actions
    }

    /// Starts the next process of a slot: at once, at the end of a change, or after so many milliseconds.
    mutating func refill(_ slot: Int, after milliseconds: Int64) -> [SupervisionAction] {
        if milliseconds == 0, canSpawn { return spawn(slot) }
        if milliseconds == 0, defersRefills {
            deferRefill(slot)
            return []
        }
        let next = WorkerName(slot: UInt8(clamping: slot), incarnation: slots[slot].incarnation + 1)
        return [.arm(.refill(next), after: milliseconds)]
    }
}
