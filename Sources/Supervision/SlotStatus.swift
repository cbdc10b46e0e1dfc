/// How one worker stands, for `status`.
public struct SlotStatus: Equatable, Sendable {
    public enum State: String, Sendable { case vacant, waiting, starting, ready, draining, leaving, killed }

    public var worker: WorkerName
    public var state: State
    /// How often the position was filled again.
    public var restarts: UInt32
    /// Deaths without stable service between.
    public var crashStreak: CrashStreak?

    public init(worker: WorkerName, state: State, restarts: UInt32, crashStreak: CrashStreak? = nil) {
        self.worker = worker
        self.state = state
        self.restarts = restarts
        self.crashStreak = crashStreak
    }
}

extension Supervisor {
    /// One for each position, in their order; after them whoever else is still there.
    public var standings: [SlotStatus] {
        holders.map { standing(of: $0) } + slots.indices.filter { slots[$0].isAlive && !isHolder($0) }.map { standing(of: $0) }
    }

    /// Workers that hold a position, as many as there should be.
    public var holderStandings: [SlotStatus] { holders.map { standing(of: $0) } }

    private func standing(of slot: Int) -> SlotStatus {
        let position = positions[slot % WorkerName.positions]
        let state: SlotStatus.State =
            switch slots[slot].state {
            case .vacant: .vacant
            case .waiting: .waiting
            case .starting: .starting
            case .ready: .ready
            case .draining: .draining
            case .leaving: .leaving
            case .condemned: .killed
            }
        return SlotStatus(
            worker: slots[slot].worker, state: state, restarts: position.starts > 0 ? position.starts - 1 : 0,
            crashStreak: isHolder(slot) ? position.crashStreak : nil)
    }

    /// Workers that serve, for work that any of them can do.
    public var readyWorkers: [WorkerName] { slots.filter(\.isReady).map(\.worker) }

    /// Who serves each worker index; nil: nobody does now, and what the index owns waits for the next process.
    ///
    /// An index that has been added counts from its first readiness on: what others own does not wait for a process that may
    /// not come up. When the server starts, all count at once.
    public var owners: [WorkerName?] {
        let count = hasBeenUp ? positions[..<wanted].prefix { $0.hasServed }.count : wanted
        return holders.prefix(count).map { slots[$0].isReady ? slots[$0].worker : nil }
    }

    public var isStopping: Bool {
        switch phase {
        case .stopping, .ended: true
        case .idle, .running, .changing, .restarting: false
        }
    }

    /// The rolling restart under way.
    public var restartStanding: RestartStatus? {
        if case .restarting(let restart) = phase { restart.standing } else { nil }
    }
}
