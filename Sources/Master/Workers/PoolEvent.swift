internal import IPC
internal import Supervision

/// An event of the workers, or a decision of the supervisor, for the other parts of the master.
enum PoolEvent {
    /// The state of the server has changed; the service manager is told separately.
    case stateChanged
    /// A worker process has exited.
    case workerDied(WorkerName)
    /// The rolling restart, or a draining worker, has got one step further.
    case restartAdvanced
    /// A rolling restart has ended.
    case restartEnded(id: UInt32, RestartOutcome)
    /// A configuration is in force: workers started from now on get it.
    case configurationAdopted(generation: UInt32)
    /// A worker has put a configuration in force.
    case configurationCommitted(generation: UInt32, ReloadEffects)
    /// A reload has ended.
    case reloadEnded(generation: UInt32, ReloadOutcome)
    /// A worker has sent a part of an operation's result.
    case operationProgress(id: UInt64, Value)
    /// A worker has sent an operation's result or failure.
    case operationEnded(id: UInt64, OperationResult)
    /// All workers have exited: the master exits with this status.
    case ended(status: Int32)
}
