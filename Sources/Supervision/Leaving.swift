/// A dead worker whose sessions nobody has announced as gone: its slot is not filled again at once.
struct Orphans: Equatable, Sendable {
    let dead: WorkerName
    /// Who was told to.
    var collector: WorkerName?
}

/// Workers that leave while the server goes on, and what they leave behind.
extension Supervisor {
    /// Tells a serving worker to hand over and leave.
    /// - Parameter deadline: until when clients may stay, in milliseconds; nil: as long as the policy gives them.
    mutating func drain(_ slot: Int, successor: UInt8, deadline: Int64? = nil, at now: Int64) -> [SupervisionAction] {
        guard slots[slot].isReady else { return [] }
        let deadline = deadline ?? policy.drainDeadline
        slots[slot].state = .draining(since: now)
        let worker = slots[slot].worker
        return [
            .report(.draining(worker, successor: successor)),
            .drain(worker, successor: successor, deadline: deadline),
            .arm(.drain(worker), after: deadline + policy.drainGrace),
        ]
    }

    mutating func drainExpired(_ worker: WorkerName) -> [SupervisionAction] {
        let slot = Int(worker.slot)
        guard holds(worker), slots[slot].isDraining else { return [] }
        slots[slot].markForKill()
        return [.report(.killedAtDrain(worker)), .kill(worker)]
    }

    // MARK: Orphans

    mutating func leaveOrphans(of dead: WorkerName) -> [SupervisionAction] {
        orphans.append(Orphans(dead: dead))
        return assignOrphans()
    }

    /// Whatever nobody collects is given to a worker that serves, if there is one.
    mutating func assignOrphans() -> [SupervisionAction] {
        guard let collector = readyWorkers.first else { return [] }
        return orphans.indices.filter { orphans[$0].collector == nil }.map { place in
            orphans[place].collector = collector
            return .collect(orphans[place].dead, by: collector)
        }
    }

    /// The collector is gone; another begins anew.
    mutating func forgetCollector(_ worker: WorkerName) {
        for place in orphans.indices where orphans[place].collector == worker { orphans[place].collector = nil }
    }

    mutating func collected(_ worker: WorkerName, _ dead: WorkerName) -> [SupervisionAction] {
        orphans.removeAll { $0.dead == dead && $0.collector == worker }
        return []
    }

    // MARK: Another number of workers

    mutating func resize(_ number: Int) -> [SupervisionAction] {
        guard (1...WorkerName.positions).contains(number) else { return [] }
        size = number
        return phase == .running ? applyResize() : []
    }

    /// Puts a number of workers in force that was asked for.
    mutating func applyResize() -> [SupervisionAction] {
        guard let size, phase == .running else { return [] }
        self.size = nil
        let before = wanted
        guard size != before else { return [] }
        wanted = size
        var actions: [SupervisionAction] = [.report(.resized(from: before, to: size))]
        if size > before {
            for position in before..<size { actions += fill(position) }
        } else {
            for position in (size..<before).reversed() {
                positions[position].hasServed = false
                actions += removeIndex(position)
            }
        }
        return actions + [.notify(status)]
    }

    /// Starts a worker at a position that has none, in whichever of its slots is free.
    mutating func fill(_ position: Int) -> [SupervisionAction] {
        let pair = [position, position + WorkerName.positions]
        // One that waits for its time comes by itself.
        if pair.contains(where: { isHolder($0) && (slots[$0].isAlive && !slots[$0].isDraining || slots[$0].state == .waiting) }) {
            return []
        }
        guard let free = pair.first(where: { slots[$0].state == .vacant }) else { return [] }
        positions[position].activeSlot = UInt8(clamping: free)
        return spawn(free)
    }

    private mutating func removeIndex(_ position: Int) -> [SupervisionAction] {
        let slot = Int(positions[position].activeSlot)
        switch slots[slot].state {
        case .ready(let since):
            let successor = holders.first { slots[$0].isReady } ?? holders[0]
            return drain(slot, successor: UInt8(clamping: successor), at: since)
        case .starting:
            slots[slot].markForKill()
            return [.kill(slots[slot].worker)]
        case .waiting, .vacant:
            slots[slot].state = .vacant
            positions[position].close()
            return []
        case .draining, .leaving, .condemned: return []
        }
    }

    // MARK: Heartbeats

    /// Kills whoever serves and gives no sign of life, or does not get on with the work for it. After the master itself has slept, all are given time anew.
    mutating func heartbeats(_ beats: [Heartbeat], at now: Int64) -> [SupervisionAction] {
        if let last = lastHeartbeats, now - last > 3 * policy.heartbeatInterval { patientUntil = now + policy.heartbeatDeadline }
        lastHeartbeats = now
        guard policy.heartbeatDeadline > 0, now >= patientUntil else { return [] }
        return beats.flatMap { beat -> [SupervisionAction] in
            let slot = Int(beat.worker.slot)
            guard beat.age >= policy.heartbeatDeadline, holds(beat.worker), slots[slot].isReady || slots[slot].isDraining
            else { return [] }
            slots[slot].markForKill()
            let report = SupervisionReport.self
            let reason =
                beat.isStalled
                ? report.stalled(beat.worker, milliseconds: beat.age) : report.hung(beat.worker, milliseconds: beat.age)
            return [.report(reason), .kill(beat.worker)]
        }
    }
}
