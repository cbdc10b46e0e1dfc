internal import SharedState
internal import Supervision

/// What the workers say of one another in their cells: who beats, but does not get on with the work for it.
struct StallReports {
    /// A worker is believed that has beaten within so many milliseconds; what an older cell says may be over.
    private static let freshness: Int64 = 3_000

    let workers: [UInt8: WorkerProcess]
    let cells: WorkerCells

    /// The one worker that is worst off: two that block each other name one another, and the end of one frees the other.
    func worst(now: Int64) -> [Heartbeat] {
        let reports = workers.values.compactMap { report(of: $0, now) }
        return reports.max { ($0.age, $1.worker.slot) < ($1.age, $0.worker.slot) }.map { [$0] } ?? []
    }

    /// A worker that has taken the place of the one that was meant has had no longer than it lives.
    private func report(of teller: WorkerProcess, _ now: Int64) -> Heartbeat? {
        let cell = cells.status(Int(teller.name.slot))
        guard cell.pid == teller.pid, now - Int64(clamping: cell.heartbeat) < Self.freshness, let stall = cell.stall,
            let worker = workers[stall.slot]
        else { return nil }
        return Heartbeat(worker: worker.name, age: min(stall.milliseconds, now - worker.started), isStalled: true)
    }
}
