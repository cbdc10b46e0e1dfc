/// What the supervisor is told.
public enum SupervisionEvent: Equatable, Sendable {
    /// Everything is bound: workers may be started.
    case start
    /// The process of `spawn` could not be started.
    case spawnFailed(WorkerName, reason: String)
    /// A worker's hello came and is right.
    case hello(WorkerName)
    case ready(WorkerName)
    /// The worker cannot serve the configuration; lines for people.
    case refused(WorkerName, problems: [String])
    /// The worker sent what no worker may send.
    case misbehaved(WorkerName, reason: String)
    /// End of file on the worker's channel: its exit should follow.
    case channelClosed(WorkerName)
    case exited(WorkerName, Exit)
    case timer(SupervisionTimer)
    /// A new configuration was read and is right as far as the master can tell.
    case reload(generation: UInt32)
    case prepared(WorkerName, generation: UInt32)
    case rejected(WorkerName, generation: UInt32, problems: [String])
    /// End everything in order.
    case stop
}

/// A timer, named after what it is for; one that has lost its purpose is ignored when it fires.
public enum SupervisionTimer: Hashable, Sendable {
    case readiness(WorkerName)
    /// Time to start this next process of a slot.
    case refill(WorkerName)
    /// This process closed its channel; time to be gone.
    case silence(WorkerName)
    case reload(generation: UInt32)
    case stop
}

/// What the supervisor wants done, in this order.
public enum SupervisionAction: Equatable, Sendable {
    case spawn(WorkerName)
    /// Give it configuration, segment, listeners, and a new stream to each of these living workers (both ends), then `start`.
    case handOver(WorkerName, connecting: [WorkerName])
    /// Tell these that the worker is dead.
    case announceDeath(WorkerName, to: [WorkerName])
    case kill(WorkerName)
    case stop(WorkerName, deadline: Int64)
    case arm(SupervisionTimer, after: Int64)
    case prepare(WorkerName, generation: UInt32)
    case commit(WorkerName, generation: UInt32)
    case abort(WorkerName, generation: UInt32)
    /// From now on new workers get this configuration.
    case adopt(generation: UInt32)
    /// The answer to whoever asked for the reload.
    case reloadEnded(generation: UInt32, ReloadOutcome)
    case report(SupervisionReport)
    /// Tell the service manager.
    case notify(Notice)
    /// All workers are gone: leave with this status.
    case exit(Int32)

    public enum Notice: Equatable, Sendable {
        case ready, reloading, stopping
        case status(ready: Int, of: Int)
    }
}

/// How a reload ended.
public enum ReloadOutcome: Equatable, Sendable {
    case committed
    /// Another reload is under way.
    case busy
    case stopping
    case rejected(WorkerName, problems: [String])
    case died(WorkerName)
    /// These did not answer in time.
    case unanswered([WorkerName])
}

/// A fact for the log.
public enum SupervisionReport: Equatable, Sendable {
    case spawnFailed(WorkerName, reason: String, nextAfter: Int64)
    case ready(WorkerName)
    case notReadyInTime(WorkerName, milliseconds: Int64)
    case refused(WorkerName, problems: [String])
    case misbehaved(WorkerName, reason: String)
    /// Unexpectedly.
    case died(WorkerName, Exit, wasReady: Bool, nextAfter: Int64)
    case left(WorkerName, Exit)
    case allReady(Int)
    case stopping(workers: Int)
    case killedAtStop(WorkerName)
    case reload(generation: UInt32, ReloadOutcome)
}
