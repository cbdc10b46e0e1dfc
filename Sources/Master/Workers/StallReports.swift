internal import SharedState
internal import Supervision

/// Reads the workers' cells for reports on their peers: a worker may beat while the frames for it do not get on.
struct StallReports {
    /// Milliseconds since a reporter's last beat within which its report counts; an older one may be outdated.
    private static let freshness: Int64 = 3_000

    let workers: [UInt8: WorkerProcess]
    let cells: WorkerCells

    /// The worker with the longest stall, and no other: two that block each other report one another, and the end of one frees
    /// the other.
    func worst(now: Int64) -> [Heartbeat] {
        let reports = workers.values.compactMap { report(of: $0, now) }
        return reports.max { ($0.ageMilliseconds, $1.worker.slot) < ($1.ageMilliseconds, $0.worker.slot) }.map { [$0] } ?? []
    }

    /// Limits a stall to the worker's own lifetime: the report may be about its predecessor in the slot.
    private func report(of teller: WorkerProcess, _ now: Int64) -> Heartbeat? {
        let cell = cells.status(Int(teller.name.slot))
        guard cell.pid == teller.pid, now - Int64(clamping: cell.heartbeat) < Self.freshness, let stall = cell.stall,
            let worker = workers[stall.slot]
        else { return nil }
        return Heartbeat(worker: worker.name, ageMilliseconds: min(stall.milliseconds, now - worker.started), isStalled: true)
    }
}
