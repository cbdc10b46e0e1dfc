/// What a process is for in the present phase of the supervisor.
enum Role: Equatable {
    /// It serves its index, or will once it is ready.
    case active
    /// The same, and a rolling restart waits for it: no other process serves the index.
    case awaited
    /// It serves its index until this worker, which has been started beside it, is ready.
    case replaced(by: WorkerName)
    /// It has been started beside the worker of its index, or for an index that is to be served from now on, and serves
    /// once it is ready. Until then the server does without it.
    case replacement
    /// Another process has its index, or the index is no longer wanted: its exit is awaited.
    case retiring
}

extension Supervisor {
    /// - Parameter worker: one that holds its slot.
    func role(of worker: WorkerName) -> Role {
        switch phase {
        case .restarting(let restart):
            if case .starting(_, worker, let old) = restart.stage { return old == nil ? .awaited : .replacement }
            if case .starting(_, let new, worker) = restart.stage { return .replaced(by: new) }
        case .changing:
            if candidate(for: worker) != nil { return .replacement }
        case .idle, .running, .stopping, .ended: break
        }
        return isHolder(Int(worker.slot)) ? .active : .retiring
    }
}
