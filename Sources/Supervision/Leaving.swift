/// A dead worker whose sessions are still in the directory: another worker announces their end and removes them.
struct Orphans: Equatable, Sendable {
    let dead: WorkerName
    /// The worker that was told to; nil if none is ready.
    var collector: WorkerName?
}

/// Workers that leave while the server goes on, and the sessions of those that died.
extension Supervisor {
    /// Tells a serving worker to hand its sessions over and to exit.
    /// - Parameter deadline: milliseconds after which the worker closes the sessions that are left; nil: `drainMilliseconds`.
    mutating func drain(_ slot: Int, successor: UInt8, deadline: Int64? = nil, at now: Int64) -> [SupervisionAction] {
        guard slots[slot].isReady else { return [] }
        let deadline = deadline ?? policy.drainMilliseconds
        slots[slot].state = .draining(since: now)
        let worker = slots[slot].worker
        return [
            .report(.draining(worker, successor: successor)),
            .drain(worker, successor: successor, deadline: deadline),
            .arm(.drain(worker), after: deadline + policy.drainGraceMilliseconds),
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

    /// Gives the orphans without a collector to a ready worker; without one they wait for the next `ready`.
    mutating func assignOrphans() -> [SupervisionAction] {
        guard let collector = readyWorkers.first else { return [] }
        return orphans.indices.filter { orphans[$0].collector == nil }.map { place in
            orphans[place].collector = collector
            return .collect(orphans[place].dead, by: collector)
        }
    }

    /// The collector is dead: another worker begins anew.
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

    /// Brings the number of workers to the one asked for.
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

    /// Starts a worker at a position that has none, in a free one of its two slots.
    mutating func fill(_ position: Int) -> [SupervisionAction] {
        let pair = [position, position + WorkerName.positions]
        // A refill that waits for its timer needs no second start.
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

    /// Kills a serving worker that gives no sign of life, or whose work does not get on, for `silenceMilliseconds`. After a pause
    /// of the master itself all workers get that time anew.
    mutating func heartbeats(_ beats: [Heartbeat], at now: Int64) -> [SupervisionAction] {
        if let last = lastHeartbeats, now - last > 3 * policy.heartbeatMilliseconds {
            patientUntil = now + policy.silenceMilliseconds
        }
        lastHeartbeats = now
        guard policy.silenceMilliseconds > 0, now >= patientUntil else { return [] }
        return beats.flatMap { beat -> [SupervisionAction] in
            let slot = Int(beat.worker.slot)
            guard beat.ageMilliseconds >= policy.silenceMilliseconds, holds(beat.worker),
                slots[slot].isReady || slots[slot].isDraining
            else { return [] }
            slots[slot].markForKill()
            let report = SupervisionReport.self
            let reason =
                beat.isStalled
                ? report.stalled(beat.worker, milliseconds: beat.ageMilliseconds)
                : report.hung(beat.worker, milliseconds: beat.ageMilliseconds)
            return [.report(reason), .kill(beat.worker)]
        }
    }
}
