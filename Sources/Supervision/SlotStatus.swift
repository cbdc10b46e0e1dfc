/// The state of one worker, for `xmppctl status`.
public struct SlotStatus: Equatable, Sendable {
    public enum State: String, Sendable { case vacant, waiting, starting, ready, draining, leaving, killed }

    public var worker: WorkerName
    public var state: State
    /// Processes that were started for the position after its first.
    public var restarts: UInt32
    /// Deaths without stable service between; nil if there were none.
    public var crashStreak: CrashStreak?

    public init(worker: WorkerName, state: State, restarts: UInt32, crashStreak: CrashStreak? = nil) {
        self.worker = worker
        self.state = state
        self.restarts = restarts
        self.crashStreak = crashStreak
    }
}

extension Supervisor {
    /// One for each position, in their order; after them workers that have been replaced and have not exited.
    public var standings: [SlotStatus] {
        holders.map { standing(of: $0) } + slots.indices.filter { slots[$0].isAlive && !isHolder($0) }.map { standing(of: $0) }
    }

    /// The active worker of each position.
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

    /// Workers that serve, in the order of their slots.
    public var readyWorkers: [WorkerName] { slots.filter(\.isReady).map(\.worker) }

    /// The worker that serves each index; nil: none does now, and what the index owns waits for the next process.
    ///
    /// An added index counts once its first worker has been ready: what others own does not wait for a process that may not
    /// come up. When the server starts, all count at once.
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
