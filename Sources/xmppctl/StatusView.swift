import IPC

/// `status` for people.
struct StatusView {
    private let status: Value

    init(_ status: Value) { self.status = status }

    var text: String { ([heading] + troubles + [workers, listeners] + pools).joined(separator: "\n\n") }

    private var heading: String {
        let master = status["master"] ?? nil
        let sessions = status.number("sessions") ?? 0, connections = status.number("connections") ?? 0
        return """
            xmppd \(master.words("version")), \(status.words("state")), up \(uptime(master)), \(master.words("config"))
            master: pid \(master.number("pid") ?? 0), CPU \(processorTime(master)), memory \(memory(master)), log level \(master.words("log_level"))
            \(counted(sessions, "session")), \(counted(connections, "connection")), memory of all processes \(wholeMemory)
            """
    }

    /// What an administrator should know at once.
    private var troubles: [String] {
        var lines: [String] = []
        if let restart = status["restart"], let total = restart.number("total") {
            let place =
                restart.number("position").map { ", worker \($0) \(restart.words("step") == "draining" ? "hands over" : "starts")" }
                ?? ""
            lines.append("rolling restart: \(restart.number("done") ?? 0) of \(total) workers done\(place)")
        }
        for worker in status["workers"]?.array ?? [] {
            if let crashes = worker["crashes"], let count = crashes.number("count") {
                let next = crashes.number("next_start_s").map { ", next start in \($0) s" } ?? ""
                let often =
                    count == 1
                    ? "died \(Quantity.duration(seconds: crashes.number("last_s") ?? 0)) ago"
                    : "died \(count) times in \(Quantity.duration(seconds: crashes.number("within_s") ?? 0))"
                lines.append("worker \(number(worker, "slot")) \(often) (\(crashes.words("last")))\(next)")
            }
            if worker.words("state") == "draining", let moved = worker.number("moved") {
                lines.append(
                    "worker \(number(worker, "slot")) hands over: \(moved) sessions moved, \(number(worker, "sessions")) left")
            }
        }
        lines += (status["workers"]?.array ?? []).flatMap(slowness)
        return lines.isEmpty ? [] : [lines.joined(separator: "\n")]
    }

    /// A way to another worker that has been full for so many milliseconds is worth a line; below, that is ordinary load.
    private static let longCongestion: Int64 = 1_000
    /// The same for a session on its way to another worker.
    private static let longMigration: Int64 = 10_000

    /// What keeps the clients of a worker waiting.
    private func slowness(_ worker: Value) -> [String] {
        var lines: [String] = []
        let name = "worker \(number(worker, "slot"))"
        if let peers = worker.number("mesh_congested_peers"), let lasts = worker.number("mesh_congested_ms"),
            peers > 0, lasts >= Self.longCongestion
        {
            lines.append(
                "\(name): the way to \(counted(peers, "other worker")) has been full for \(Quantity.duration(seconds: lasts / 1000))"
            )
        }
        if let count = worker.number("outgoing_migrations"), let lasts = worker.number("oldest_migration_ms"),
            count > 0, lasts >= Self.longMigration
        {
            lines.append(
                "\(name): \(counted(count, "session")) on the way to another worker, the first for \(Quantity.duration(seconds: lasts / 1000))"
            )
        }
        if let count = worker.number("long_turns"), count > 0, let longest = worker.number("longest_turn_us") {
            lines.append(
                "\(name): \(counted(count, "turn")) of the loop over 100 ms, the longest \(Quantity.delay(microseconds: longest))")
        }
        if let count = worker.number("slow_readers_closed"), count > 0 {
            lines.append("\(name): \(counted(count, "stream")) closed because the client did not read")
        }
        return lines
    }

    private var workers: String {
        var table = Table([
            .init("WORKER", .right), .init("PID", .right), .init("STATE"), .init("UPTIME", .right), .init("SESSIONS", .right),
            .init("CONNECTIONS", .right), .init("CPU", .right), .init("MEMORY", .right), .init("LAG", .right),
            .init("RESTARTS", .right),
        ])
        for worker in status["workers"]?.array ?? [] {
            table.add([
                number(worker, "slot"), number(worker, "pid"), worker.words("state"), uptime(worker), number(worker, "sessions"),
                number(worker, "connections"), processorTime(worker), memory(worker),
                worker.number("loop_lag_us").map { Quantity.delay(microseconds: $0) } ?? "-", number(worker, "restarts"),
            ])
        }
        return table.text
    }

    private var listeners: String {
        var table = Table([
            .init("LISTENER"), .init("ADDRESS"), .init("OPEN", .right), .init("ACCEPTED", .right), .init("REFUSED", .right),
            .init("ACCEPTORS", .right),
        ])
        for listener in status["listeners"]?.array ?? [] {
            let transport = listener["transport"]?.string == "udp" ? "/udp" : ""
            table.add([
                listener.words("path"), address(listener) + transport, number(listener, "open"), number(listener, "accepted"),
                number(listener, "refused"), number(listener, "acceptors"),
            ])
        }
        return table.text
    }

    /// None where no other service is asked.
    private var pools: [String] {
        guard let pools = status["pools"]?.array, !pools.isEmpty else { return [] }
        var table = Table([
            .init("POOL"), .init("STATE"), .init("SINCE", .right), .init("CONNECTIONS", .right), .init("WAITING", .right),
            .init("FAILURES", .right), .init("REASON"),
        ])
        for pool in pools {
            let host = pool["host"]?.string.map { " for \($0)" } ?? ""
            table.add([
                "\(pool.words("type")).\(pool.words("tag"))\(host)", pool.words("state"),
                pool.number("since_s").map { Quantity.duration(seconds: $0) } ?? "-", number(pool, "connections"),
                number(pool, "waiting"), number(pool, "failures"), pool["reason"]?.string ?? "",
            ])
        }
        return [table.text]
    }

    private func address(_ listener: Value) -> String {
        let host = listener.words("address"), port = number(listener, "port")
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private func number(_ object: Value, _ name: String) -> String { object.number(name).map { "\($0)" } ?? "-" }

    private func uptime(_ process: Value) -> String {
        process.number("uptime_s").map { Quantity.duration(seconds: $0) } ?? "-"
    }

    private func processorTime(_ process: Value) -> String {
        process.number("cpu_ms").map { Quantity.processorTime(milliseconds: $0) } ?? "-"
    }

    private func memory(_ process: Value) -> String {
        (process.number("pss") ?? process.number("rss")).map { Quantity.memory(bytes: $0) } ?? "-"
    }

    private var wholeMemory: String {
        let processes = [status["master"] ?? nil] + (status["workers"]?.array ?? [])
        let known = processes.compactMap { $0.number("pss") ?? $0.number("rss") }
        return known.isEmpty ? "-" : Quantity.memory(bytes: known.reduce(0) { $0.addingReportingOverflow($1).partialValue })
    }
}

/// `1 session`, `2 sessions`
func counted(_ number: Int64, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
