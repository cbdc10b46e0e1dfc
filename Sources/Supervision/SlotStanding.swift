/// How one slot stands, for `status`.
public struct SlotStanding: Equatable, Sendable {
    public enum State: String, Sendable { case vacant, waiting, starting, ready, leaving, killed }

    public var worker: WorkerName
    public var state: State
    /// How often the place was refilled.
    public var restarts: UInt32
}

extension Supervisor {
    public var standings: [SlotStanding] {
        slots.map { slot in
            let state: SlotStanding.State =
                switch slot.state {
                case .vacant: .vacant
                case .waiting: .waiting
                case .starting: .starting
                case .ready: .ready
                case .leaving: .leaving
                case .condemned: .killed
                }
            return SlotStanding(worker: slot.worker, state: state, restarts: slot.incarnation > 0 ? slot.incarnation - 1 : 0)
        }
    }

    /// Workers that serve, for work that any of them can do.
    public var readyWorkers: [WorkerName] { slots.filter(\.isReady).map(\.worker) }

    public var isStopping: Bool {
        switch phase {
        case .stopping, .ended: true
        case .idle, .running, .reloading: false
        }
    }
}
