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
    /// The same, of one that running workers cannot take up: so many others are to serve with it, 1 to 64.
    case change(generation: UInt32, workers: Int)
    case prepared(WorkerName, generation: UInt32)
    case rejected(WorkerName, generation: UInt32, problems: [String])
    /// Replace every worker by one of the program as it is now, one position after the other.
    case restart(id: UInt32)
    /// So many workers shall serve, 1 to 64.
    case resize(Int)
    /// A worker has announced the end of everything that a dead one left behind.
    case collected(WorkerName, dead: WorkerName)
    /// How long ago each of these gave a sign of life.
    case heartbeats([Heartbeat])
    /// Another image of the program goes on with what the former one knew: all timers are gone.
    case adopted
    /// The worker has done what `commit` told it to.
    case committed(WorkerName, generation: UInt32)
    /// End everything in order.
    case stop
}

public struct Heartbeat: Equatable, Sendable {
    public var worker: WorkerName
    /// In milliseconds.
    public var age: Int64
    /// The worker beats, but work for it has not got on for so long.
    public var isStalled: Bool

    public init(worker: WorkerName, age: Int64, isStalled: Bool = false) {
        self.worker = worker
        self.age = age
        self.isStalled = isStalled
    }
}

/// A timer, named after what it is for; one that has lost its purpose is ignored when it fires.
public enum SupervisionTimer: Hashable, Sendable {
    case readiness(WorkerName)
    /// Time to start this next process of a slot.
    case refill(WorkerName)
    /// This process closed its channel; time to be gone.
    case silence(WorkerName)
    case reload(generation: UInt32)
    /// This process was told to drain; time to be gone.
    case drain(WorkerName)
    case commit(generation: UInt32)
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
    /// Nobody connects any more: close the listening sockets, for all workers at once.
    case refuseConnections
    case stop(WorkerName, deadline: Int64)
    /// It accepts no more, hands its sessions to the worker in that slot where it can, and leaves.
    case drain(WorkerName, successor: UInt8, deadline: Int64)
    /// Give these their listening sockets, which they have not been given before.
    case accept([WorkerName])
    /// Announce the end of what the dead worker left behind.
    case collect(WorkerName, by: WorkerName)
    case arm(SupervisionTimer, after: Int64)
    case prepare(WorkerName, generation: UInt32)
    case commit(WorkerName, generation: UInt32)
    case abort(WorkerName, generation: UInt32)
    /// From now on new workers get this configuration.
    case adopt(generation: UInt32)
    /// The answer to whoever asked for the reload.
    case reloadEnded(generation: UInt32, ReloadOutcome)
    /// The rolling restart has come one step further.
    case restartProgress(RestartStatus)
    case restartEnded(id: UInt32, RestartOutcome)
    case report(SupervisionReport)
    /// Tell the service manager.
    case notify(Notice)
    /// All workers are gone: leave with this status.
    case exit(Int32)

    public enum Notice: Equatable, Sendable {
        case ready, reloading, stopping
        case status(ServiceStatus)

        static func status(ready: Int, of all: Int) -> Notice { .status(ServiceStatus(ready: ready, all: all)) }
    }
}

/// How the server stands, in the service manager's one line.
public struct ServiceStatus: Equatable, Sendable {
    /// A position whose workers die again and again.
    public struct Crashing: Equatable, Sendable {
        public var position: Int
        /// How long until the next start, in milliseconds.
        public var delay: Int64
    }

    public var ready: Int
    public var all: Int
    public var crashing: [Crashing] = []
    public var restart: RestartStatus?
}

/// How a reload ended.
public enum ReloadOutcome: Equatable, Sendable {
    case committed
    /// In force everywhere, but these have not said so in time.
    case committedBut(late: [WorkerName])
    /// Another reload is under way.
    case busy
    /// A rolling restart is under way.
    case restarting
    case stopping
    case rejected(WorkerName, problems: [String])
    case died(WorkerName)
    /// These did not answer in time.
    case unanswered([WorkerName])
    /// This worker has not left yet.
    case leaving(WorkerName)
    /// A new worker at this position did not come up; whoever served before goes on.
    case abandoned(position: Int, RestartFailure)
}

/// A fact for the log.
public enum SupervisionReport: Equatable, Sendable {
    /// - nextAfter: milliseconds until the index is filled again; nil if this does not fill it.
    case spawnFailed(WorkerName, reason: String, nextAfter: Int64?)
    case ready(WorkerName)
    case notReadyInTime(WorkerName, milliseconds: Int64)
    case refused(WorkerName, problems: [String])
    case misbehaved(WorkerName, reason: String)
    /// Unexpectedly; `nextAfter` as above.
    case died(WorkerName, Exit, wasReady: Bool, nextAfter: Int64?)
    case left(WorkerName, Exit)
    case allReady(Int)
    case stopping(workers: Int)
    case killedAtStop(WorkerName)
    case reload(generation: UInt32, ReloadOutcome)
    case draining(WorkerName, successor: UInt8)
    /// A worker that was to leave has left; with another status than 0 not as it should.
    case retired(WorkerName, Exit)
    case killedAtDrain(WorkerName)
    case hung(WorkerName, milliseconds: Int64)
    /// It beats, but work for it does not get on.
    case stalled(WorkerName, milliseconds: Int64)
    case restart(id: UInt32, RestartOutcome)
    case resized(from: Int, to: Int)
}
