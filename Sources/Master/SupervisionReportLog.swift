internal import Supervision
internal import Telemetry

extension SupervisionReport {
    /// Tells the operator, with the remedy where there is one.
    func log() {
        switch self {
        case .ready(let worker): Log.info("worker is serving", [Field("worker", worker)])
        case .allReady(let count): Log.notice("server is up", [Field("workers", count)])
        case .stopping(let count): Log.notice("server is stopping", [Field("workers", count)])
        case .left(let worker, let exit): Log.info("worker has left", [Field("worker", worker), Field("how", describe(exit))])
        case .spawnFailed(let worker, let reason, let wait):
            Log.error(
                "worker cannot be started; check xmppd.worker_program",
                [Field("worker", worker), Field("reason", reason), Field("next_attempt_ms", wait)])
        case .notReadyInTime(let worker, let patience):
            Log.error("worker was not ready in time and is killed", [Field("worker", worker), Field("patience_ms", patience)])
        case .misbehaved(let worker, let reason):
            Log.error("worker broke the contract and is killed", [Field("worker", worker), Field("reason", reason)])
        case .died(let worker, let exit, let wasReady, let wait):
            Log.error(
                wasReady ? "worker died" : "worker died before it was ready; what it logged before says why",
                [Field("worker", worker), Field("how", describe(exit)), Field("refill_ms", wait)])
        case .killedAtStop(let worker):
            Log.warning("worker did not leave by the deadline and is killed", [Field("worker", worker)])
        case .refused(let worker, let problems): Self.log("worker refuses the configuration", worker, problems)
        case .reload(let generation, let outcome): outcome.log(generation)
        }
    }

    fileprivate static func log(_ event: String, _ worker: WorkerName, _ problems: [String]) {
        Log.error(event, [Field("worker", worker), Field("problems", problems.count)])
        for problem in problems { Log.error(problem) }
    }
}

extension ReloadOutcome {
    fileprivate func log(_ generation: UInt32) {
        switch self {
        case .committed: Log.notice("configuration reloaded", [Field("generation", generation)])
        case .rejected(let worker, let problems):
            SupervisionReport.log("configuration not reloaded, nothing has changed: a worker refuses it", worker, problems)
        case .busy, .stopping, .died, .unanswered:
            Log.error("configuration not reloaded, nothing has changed: \(sentence)", [Field("generation", generation)])
        }
    }

    /// Why not; empty if it was.
    var sentence: String {
        switch self {
        case .committed: ""
        case .busy: "another reload is under way"
        case .stopping: "the server is not up, or is stopping"
        case .rejected(let worker, _): "worker \(worker) refuses it"
        case .died(let worker): "worker \(worker) died while it prepared it"
        case .unanswered(let workers):
            "no answer in time from worker \(workers.map(\.description).joined(separator: ", "))"
        }
    }
}
