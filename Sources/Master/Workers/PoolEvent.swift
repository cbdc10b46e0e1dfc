internal import IPC
internal import Supervision

/// What the pool tells the rest of the master, about the workers and about the supervisor's decisions.
enum PoolEvent {
    /// The server stands otherwise than before, and the service manager has been told.
    case stateChanged
    /// A worker is gone.
    case workerDied(WorkerName)
    /// The rolling restart, or the worker that leaves for it, is one step further.
    case restartAdvanced
    /// The supervisor's last word about a rolling restart.
    case restartEnded(id: UInt32, RestartOutcome)
    /// The supervisor puts a configuration in force: workers get it from now on.
    case configurationAdopted(generation: UInt32)
    /// A worker has put a configuration in force.
    case configurationCommitted(generation: UInt32, ReloadEffects)
    /// The supervisor's last word about a reload.
    case reloadEnded(generation: UInt32, ReloadOutcome)
    /// A worker sends a part of the result of an operation.
    case operationProgress(id: UInt64, Value)
    /// A worker has carried an operation out, or failed to.
    case operationEnded(id: UInt64, OperationResult)
    /// All workers are gone: the master leaves with this status.
    case ended(status: Int32)
}
