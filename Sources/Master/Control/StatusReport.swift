internal import Glibc
internal import IPC
internal import SharedState
internal import Supervision
internal import Telemetry

/// The result of `status`. The numbers of the workers come from the shared segment and from the system, so that those of
/// a hanging worker are there as well.
struct StatusReport {
    let pool: WorkerPool
    let listeners: ListenerSet
    let segment: SharedSegment
    /// When the server was started, in milliseconds of the loop's clock.
    let started: Int64
    let now: Int64

    var value: Value {
        let workers = pool.supervisor.standings.map(worker)
        return [
            "state": .string(state), "restart": restart, "master": master, "workers": .array(workers),
            "listeners": .array(listeners.bound.map(listener)),
            "pools": .array(PoolStatus.all(pool.workers.values.compactMap(\.load)).map(\.value)),
            "sessions": .int(WorkerCells(segment).total(.sessions)),
            "connections": .int(WorkerCells(segment).total(.connections)),
        ]
    }

    private var state: String {
        let supervisor = pool.supervisor
        if supervisor.isStopping { return "stopping" }
        if supervisor.restartStanding != nil { return "restarting" }
        return supervisor.holderStandings.allSatisfy { $0.state == .ready } ? "running" : "degraded"
    }

    private var master: Value {
        let members = [Value.Member("pid", .int(Int64(getpid()))), .init("version", .string(ServerVersion.number))]
        return .object(
            members + facts(of: getpid(), uptime: now - started) + [
                .init("config", .string(pool.settings.bundle.path)), .init("log_level", .string(Log.level.rawValue)),
                .init("shared_memory", .int(Int64(segment.residentBytes))),
            ])
    }

    private func worker(_ standing: SlotStatus) -> Value {
        let slot = Int(standing.worker.slot)
        let process = pool.workers[standing.worker.slot]
        var members: [Value.Member] = [
            .init("slot", .int(Int64(standing.worker.position))), .init("state", .string(standing.state.rawValue)),
            .init("pid", process.map { .int(Int64($0.pid)) } ?? nil),
            .init("incarnation", .int(Int64(standing.worker.incarnation))), .init("restarts", .int(Int64(standing.restarts))),
        ]
        if let crashStreak = standing.crashStreak { members.append(.init("crashes", crashes(crashStreak))) }
        guard let process else { return .object(members) }
        let cells = WorkerCells(segment)
        let cell = cells.status(slot)
        let isOwn = cell.pid == process.pid
        members += facts(of: process.pid, uptime: now - process.started)
        members += [
            .init("sessions", .int(isOwn ? cells.read(slot, .sessions) : Int64(process.load?.sessions ?? 0))),
            .init("connections", .int(isOwn ? cells.read(slot, .connections) : Int64(process.load?.connections ?? 0))),
            .init("hibernations", .int(cells.read(slot, .hibernations))),
            .init("long_turns", .int(cells.read(slot, .longTurns))),
            .init("longest_turn_us", .int(cells.read(slot, .longestTurn))),
            .init("mesh_congested_peers", .int(cells.read(slot, .meshCongestedPeers))),
            .init("mesh_congested_ms", .int(cells.read(slot, .meshCongestedMilliseconds))),
            .init("mesh_congestions", .int(cells.read(slot, .meshCongestions))),
            .init("outgoing_migrations", .int(cells.read(slot, .outgoingMigrations))),
            .init("oldest_migration_ms", .int(cells.read(slot, .oldestMigration))),
            .init("slow_readers_closed", .int(cells.read(slot, .slowReadersClosed))),
            .init("messages_delivered", .int(cells.read(slot, .messagesDelivered))),
            .init("messages_stored_offline", .int(cells.read(slot, .messagesStoredOffline))),
            .init("stanzas_bounced", .int(cells.read(slot, .stanzasBounced))),
            .init("registrations", .int(cells.read(slot, .registrations))),
            .init("storage_transactions", .int(cells.read(slot, .storageTransactions))),
            .init("storage_failures", .int(cells.read(slot, .storageFailures))),
            .init("loop_turns", .int(cells.read(slot, .loopTurns))),
            .init("loop_lag_us", .int(Int64(process.load?.lagMicroseconds ?? 0))),
            .init("heartbeat_age_ms", .int(max(0, now - pool.lastSign(of: process)))),
        ]
        if standing.state == .draining, let report = process.leaveReport {
            members += [.init("moved", .int(Int64(report.moved))), .init("moving", .int(Int64(report.moving)))]
        }
        return .object(members)
    }

    private func crashes(_ crashStreak: CrashStreak) -> Value {
        [
            "count": .int(Int64(crashStreak.count)), "within_s": .int((crashStreak.last - crashStreak.first + 999) / 1_000),
            "last": .string(crashStreak.lastExit.map(describe) ?? "it cannot be started"),
            "last_s": .int(max(0, now - crashStreak.last) / 1_000),
            "next_start_s": crashStreak.nextStart.map { .int(max(0, $0 - now + 999) / 1_000) } ?? nil,
        ]
    }

    private var restart: Value {
        pool.supervisor.restartStanding.map(\.value) ?? nil
    }

    private func facts(of pid: Int32, uptime: Int64) -> [Value.Member] {
        let facts = ProcessFacts(of: pid)
        return [
            .init("uptime_s", .int(uptime / 1_000)), .init("cpu_ms", facts.cpuMilliseconds.map { .int($0) } ?? nil),
            .init("pss", facts.proportionalBytes.map { .int($0) } ?? nil),
            .init("rss", facts.residentBytes.map { .int($0) } ?? nil),
        ]
    }

    private func listener(_ bound: ListenerSet.Bound) -> Value {
        let counters = ListenerCounters(segment)
        let index = Int(bound.descriptor.index)
        return [
            "path": .string(bound.setting.path), "kind": .string(bound.descriptor.kind.section),
            "transport": bound.descriptor.transport == .tcp ? "tcp" : "udp",
            "address": .string(bound.descriptor.address), "port": .int(Int64(bound.descriptor.port)),
            "open": .int(Int64(counters.open(index))), "accepted": .int(Int64(clamping: counters.accepted(index))),
            "refused": .int(Int64(clamping: counters.refused(index))), "acceptors": .int(Int64(bound.setting.acceptors)),
        ]
    }
}

extension RestartStatus {
    var value: Value {
        [
            "position": position.map { .int(Int64($0)) } ?? nil, "step": .string(step.rawValue), "done": .int(Int64(done)),
            "total": .int(Int64(total)),
        ]
    }
}
