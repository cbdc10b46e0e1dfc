internal import Supervision
internal import Telemetry

extension SupervisionReport {
    /// Logs the report, with the remedy if there is one.
    func log() {
        switch self {
        case .ready(let worker): Log.info("worker is serving", [Field("worker", worker)])
        case .allReady(let count): Log.notice("server is up", [Field("workers", count)])
        case .stopping(let count): Log.notice("server is stopping", [Field("workers", count)])
        case .left(let worker, let exit): Log.info("worker has left", [Field("worker", worker), Field("how", describe(exit))])
        case .spawnFailed(let worker, let reason, let wait):
            Log.error(
                "worker cannot be started; check xmppd.worker_program",
                [Field("worker", worker), Field("reason", reason)] + (wait.map { [Field("next_attempt_ms", $0)] } ?? []))
        case .notReadyInTime(let worker, let patience):
            Log.error("worker was not ready in time and is killed", [Field("worker", worker), Field("patience_ms", patience)])
        case .misbehaved(let worker, let reason):
            Log.error("worker broke the contract and is killed", [Field("worker", worker), Field("reason", reason)])
        case .died(let worker, let exit, let wasReady, let wait):
            Log.error(
                wasReady ? "worker died" : "worker died before it was ready; what it logged before says why",
                [Field("worker", worker), Field("how", describe(exit))] + (wait.map { [Field("refill_ms", $0)] } ?? []))
        case .killedAtStop(let worker):
            Log.warning("worker did not leave by the deadline and is killed", [Field("worker", worker)])
        case .refused(let worker, let problems): Self.log("worker refuses the configuration", worker, problems)
        case .reload(let generation, let outcome): outcome.log(generation)
        case .draining(let worker, let successor):
            let next = WorkerName(slot: successor, incarnation: 0).position
            Log.notice("worker hands over and leaves", [Field("worker", worker), Field("to_worker", next)])
        case .retired(let worker, let exit):
            Log.event(
                exit == .status(0) ? .notice : .error, exit == .status(0) ? "worker has left" : "worker died while it left",
                [Field("worker", worker), Field("how", describe(exit))])
        case .killedAtDrain(let worker):
            Log.warning("worker did not leave after its time to drain and is killed", [Field("worker", worker)])
        case .hung(let worker, let silence):
            Log.error(
                "worker gives no sign of life and is killed; see xmppd.watchdog_timeout",
                [Field("worker", worker), Field("silent_ms", silence)])
        case .stalled(let worker, let stall):
            Log.error(
                "worker does not get on with its work and is killed; see xmppd.watchdog_timeout",
                [Field("worker", worker), Field("silent_ms", stall)])
        case .restart(_, let outcome): outcome.log()
        case .resized(let before, let after):
            Log.notice("number of workers changes", [Field("from", before), Field("to", after)])
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
        case .committedBut: Log.warning("configuration reloaded, but \(sentence)", [Field("generation", generation)])
        case .rejected(let worker, let problems):
            SupervisionReport.log("configuration not reloaded, nothing has changed: a worker refuses it", worker, problems)
        case .busy, .restarting, .stopping, .died, .unanswered, .leaving, .abandoned:
            Log.error("configuration not reloaded, nothing has changed: \(sentence)", [Field("generation", generation)])
        }
    }

    /// The reason why the configuration is not in force; empty if it is.
    var sentence: String {
        switch self {
        case .committed: ""
        case .committedBut(let workers):
            "worker \(workers.map(\.description).joined(separator: ", ")) has not said in time that it has done it"
        case .busy: "another reload is under way"
        case .restarting: "a rolling restart is under way"
        case .stopping: "the server is not up, or is stopping"
        case .rejected(let worker, _): "worker \(worker) refuses it"
        case .died(let worker): "worker \(worker) died while it prepared it"
        case .unanswered(let workers):
            "no answer in time from worker \(workers.map(\.description).joined(separator: ", "))"
        case .leaving(let worker): "worker \(worker) is still leaving; try again when it has left"
        case .abandoned(let position, let failure): "the new worker \(position) \(failure.sentence); whoever serves now goes on"
        }
    }
}

extension RestartOutcome {
    fileprivate func log() {
        switch self {
        case .done(let count): Log.notice("all workers have been restarted", [Field("workers", count)])
        case .abandoned(let position, _): Log.error("rolling restart abandoned: \(sentence)", [Field("worker", position)])
        case .busy, .stopping: Log.error("no rolling restart: \(sentence)")
        }
    }

    /// The reason why the restart was not completed; empty if it was.
    var sentence: String {
        switch self {
        case .done: ""
        case .busy(let what): what
        case .stopping: "the server is stopping"
        case .abandoned(let position, let failure):
            "the new worker \(position) \(failure.sentence); whoever serves now goes on"
        }
    }
}

extension RestartFailure {
    fileprivate var sentence: String {
        switch self {
        case .spawnFailed(let reason): "cannot be started (\(reason))"
        case .refused(let problems): "refuses the configuration: \(problems.joined(separator: "; "))"
        case .notReadyInTime(let patience): "was not ready within \(patience / 1_000) s"
        case .misbehaved(let reason): "broke the contract: \(reason)"
        case .died(let exit): "died before it was ready (\(describe(exit)))"
        }
    }
}

extension ServiceStatus {
    /// `1 of 2 workers serving; worker 1 crashes again and again, next start in 8 s`
    var sentence: String {
        var parts = ["\(ready) of \(all) workers serving"]
        if let restart { parts.append("restarting, \(restart.done) of \(restart.total) done") }
        parts += crashing.map {
            "worker \($0.position) crashes again and again, next start in \(($0.delayMilliseconds + 999) / 1_000) s"
        }
        return parts.joined(separator: "; ")
    }
}
