/// An event of the processes, of a clock or of an administrator, as the shell tells it to the supervisor.
public enum SupervisionEvent: Equatable, Sendable {
    /// The sockets are bound: workers may be started.
    case start
    /// The process of `spawn` could not be started.
    case spawnFailed(WorkerName, reason: String)
    /// A worker's hello has come, and its version, slot, incarnation and pid are right.
    case hello(WorkerName)
    case ready(WorkerName)
    /// The worker cannot serve the configuration; one sentence for each problem.
    case refused(WorkerName, problems: [String])
    /// The worker broke the contract between the processes.
    case misbehaved(WorkerName, reason: String)
    /// End of file on the worker's channel: its exit should follow.
    case channelClosed(WorkerName)
    case exited(WorkerName, Exit)
    case timer(SupervisionTimer)
    /// A new configuration has passed the checks of the master and of the worker program: running workers take it up.
    case reload(generation: UInt32)
    /// The same for a configuration that running workers cannot take up: this many others are to serve with it, 1 to 64.
    case change(generation: UInt32, workers: Int)
    case prepared(WorkerName, generation: UInt32)
    case rejected(WorkerName, generation: UInt32, problems: [String])
    /// Replace every worker by one of the program that is installed now, one position after the other.
    case restart(id: UInt32)
    /// This many workers are to serve, 1 to 64.
    case resize(Int)
    /// A worker has announced the end of all sessions of a dead one.
    case collected(WorkerName, dead: WorkerName)
    /// The age of the last sign of life of each worker.
    case heartbeats([Heartbeat])
    /// The master has executed its program anew and goes on with the saved state; no timer is armed.
    case adopted
    /// The worker has put the configuration of this generation in force.
    case committed(WorkerName, generation: UInt32)
    /// Stop all workers, then exit.
    case stop
}

public struct Heartbeat: Equatable, Sendable {
    public var worker: WorkerName
    /// In milliseconds.
    public var ageMilliseconds: Int64
    /// Whether `age` is that of a stall which another worker reports: this one beats, but does not take the frames for it.
    public var isStalled: Bool

    public init(worker: WorkerName, ageMilliseconds: Int64, isStalled: Bool = false) {
        self.worker = worker
        self.ageMilliseconds = ageMilliseconds
        self.isStalled = isStalled
    }
}

/// A timer, named after its purpose; one that has lost it is ignored when it fires.
public enum SupervisionTimer: Hashable, Sendable {
    case readiness(WorkerName)
    /// This next process of a slot is to be started.
    case refill(WorkerName)
    /// This process has closed its channel and should have exited by now.
    case silence(WorkerName)
    case reload(generation: UInt32)
    /// This process was told to drain and should have exited by now.
    case drain(WorkerName)
    case commit(generation: UInt32)
    case stop
}

/// An order of the supervisor; the shell carries them out in turn.
public enum SupervisionAction: Equatable, Sendable {
    case spawn(WorkerName)
    /// Send it configuration, segment, listeners and one end of a new stream to each of these living workers, which get the
    /// other end; then `start`.
    case handOver(WorkerName, connecting: [WorkerName])
    /// Tell these workers that the first one is dead.
    case announceDeath(WorkerName, to: [WorkerName])
    case kill(WorkerName)
    /// Shut the listening sockets down, for all workers at once: no client connects any more.
    case refuseConnections
    case stop(WorkerName, deadline: Int64)
    /// The worker accepts no connection, migrates its resumable sessions to the successor, and exits; the deadline is in
    /// milliseconds.
    case drain(WorkerName, successor: UInt8, deadline: Int64)
    /// Send these workers their listening sockets, which they have not got yet.
    case accept([WorkerName])
    /// The second worker announces the end of the dead one's sessions.
    case collect(WorkerName, by: WorkerName)
    case arm(SupervisionTimer, after: Int64)
    case prepare(WorkerName, generation: UInt32)
    case commit(WorkerName, generation: UInt32)
    case abort(WorkerName, generation: UInt32)
    /// The configuration is in force: workers started from now on get it.
    case adopt(generation: UInt32)
    /// The reload has ended; its requester gets the outcome.
    case reloadEnded(generation: UInt32, ReloadOutcome)
    /// The rolling restart has come one step further.
    case restartProgress(RestartStatus)
    case restartEnded(id: UInt32, RestartOutcome)
    case report(SupervisionReport)
    /// Tell the service manager (sd_notify).
    case notify(Notice)
    /// All workers have exited: exit with this status.
    case exit(Int32)

    public enum Notice: Equatable, Sendable {
        case ready, reloading, stopping
        case status(ServiceStatus)

        static func status(ready: Int, of all: Int) -> Notice { .status(ServiceStatus(ready: ready, all: all)) }
    }
}

/// The state of the server, for the service manager's status line.
public struct ServiceStatus: Equatable, Sendable {
    /// A position whose workers die again and again.
    public struct Crashing: Equatable, Sendable {
        public var position: Int
        /// How long until the next start, in milliseconds.
        public var delayMilliseconds: Int64
    }

    public var ready: Int
    public var all: Int
    public var crashing: [Crashing] = []
    public var restart: RestartStatus?
}

/// How a reload ended.
public enum ReloadOutcome: Equatable, Sendable {
    case committed
    /// In force, but these workers have not confirmed it within `commitMilliseconds`.
    case committedBut(late: [WorkerName])
    /// Another reload is under way.
    case busy
    /// A rolling restart is under way.
    case restarting
    case stopping
    case rejected(WorkerName, problems: [String])
    case died(WorkerName)
    /// These workers did not answer within `reloadMilliseconds`.
    case unanswered([WorkerName])
    /// This replaced worker has not exited yet; nothing was begun.
    case leaving(WorkerName)
    /// A new worker at this position did not become ready; the old workers go on.
    case abandoned(position: Int, RestartFailure)
}

/// A fact for the log.
public enum SupervisionReport: Equatable, Sendable {
    /// - nextAfter: milliseconds until the next process is started; nil if this loss starts none.
    case spawnFailed(WorkerName, reason: String, nextAfter: Int64?)
    case ready(WorkerName)
    case notReadyInTime(WorkerName, milliseconds: Int64)
    case refused(WorkerName, problems: [String])
    case misbehaved(WorkerName, reason: String)
    /// An exit that was not asked for; `nextAfter` as above.
    case died(WorkerName, Exit, wasReady: Bool, nextAfter: Int64?)
    case left(WorkerName, Exit)
    case allReady(Int)
    case stopping(workers: Int)
    case killedAtStop(WorkerName)
    case reload(generation: UInt32, ReloadOutcome)
    case draining(WorkerName, successor: UInt8)
    /// A drained worker has exited; another status than 0 is a fault.
    case retired(WorkerName, Exit)
    case killedAtDrain(WorkerName)
    case hung(WorkerName, milliseconds: Int64)
    /// The worker beats, but its work has not got on for this long.
    case stalled(WorkerName, milliseconds: Int64)
    case restart(id: UInt32, RestartOutcome)
    case resized(from: Int, to: Int)
}
