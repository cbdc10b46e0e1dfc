import Foundation
import IPC
import Testing

@testable import xmppctl

@Suite(.timeLimit(.minutes(5)))
struct StatusTests {
    static func status(pid: Int64, state: String) -> Value {
        [
            "state": "degraded", "sessions": 5021, "connections": 5043,
            "master": [
                "pid": .int(pid), "version": "0.1.0", "uptime_s": 273_845, "cpu_ms": 1_240, "pss": 4_928_307, "rss": 9_000_000,
                "config": "/etc/xmppd/xmppd.toml", "log_level": "warning", "shared_memory": 1_048_576,
            ],
            "workers": [
                [
                    "slot": 0, "state": .string(state), "pid": 813, "incarnation": 1, "restarts": 0, "uptime_s": 273_844,
                    "cpu_ms": 754_300,
                    "pss": 64_172_851, "rss": nil, "sessions": 5021, "connections": 5043, "loop_lag_us": 85, "heartbeat_age_ms": 12,
                    "mesh_congested_peers": 1, "mesh_congested_ms": 12_400, "outgoing_migrations": 2, "oldest_migration_ms": 31_000,
                    "long_turns": 3, "longest_turn_us": 180_000, "slow_readers_closed": 4, "messages_delivered": 17,
                ],
                ["slot": 1, "state": "waiting", "pid": nil, "incarnation": 4, "restarts": 3],
            ],
            "listeners": [
                [
                    "path": "listen.c2s[1]", "kind": "c2s", "transport": "tcp", "address": "::", "port": 5222, "open": 5043,
                    "accepted": 99_212, "refused": 0,
                ],
                [
                    "path": "listen.c2s[2]", "kind": "c2s", "transport": "udp", "address": "127.0.0.1", "port": 5223, "open": 0,
                    "accepted": 0, "refused": 7,
                ],
            ],
            "pools": [
                [
                    "type": "ldap", "tag": "bind", "host": "example.org", "state": "up", "since_s": 11_100, "connections": 5,
                    "waiting": 0, "failures": 0, "reason": nil,
                ],
                [
                    "type": "rdbms", "tag": "default", "host": nil, "state": "down", "since_s": 12, "connections": 0,
                    "waiting": 3, "failures": 41, "reason": "connection refused",
                ],
            ],
        ]
    }

    @Test func isShownInTables() throws {
        let server = try FakeServer { _ in [.success(Self.status(pid: 812, state: "ready"))] }
        let run = xmppctl(["status", "--socket", server.socket])
        #expect(run.status == 0)
        #expect(try run.output + "\n" == Repository.snapshot("Tests/Snapshots/xmppctl-status.txt", of: run.output + "\n"))
        let json = xmppctl(["status", "--json", "--socket", server.socket])
        #expect(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) is [String: Any])
    }

    @Test func aStatusWithoutItsFactsIsNone() throws {
        let server = try FakeServer { _ in [.success(["state": "running"])] }
        #expect(xmppctl(["status", "--socket", server.socket]).errors.contains("sessions: expected a whole number"))
    }

    @Test func stopWaitsUntilTheMasterIsGone() throws {
        let master = Process()
        master.executableURL = URL(filePath: "/bin/sleep")
        master.arguments = ["1000"]
        try master.run()
        let pid = master.processIdentifier
        let server = try FakeServer { request in
            if request.verb == "stop" { kill(pid, SIGKILL) }
            return [.success(request.verb == "stop" ? ["pid": .int(Int64(pid))] : Self.status(pid: Int64(pid), state: "ready"))]
        }
        #expect(xmppctl(["stop", "--socket", server.socket]) == Run(status: 0, output: "xmppd has stopped", errors: ""))
        #expect(server.asked.map(\.verb) == ["status", "stop"])
        master.waitUntilExit()
    }

    @Test func stopSaysWhenTheMasterStays() throws {
        let pid = Int64(getpid())
        let server = try FakeServer { request in [.success(request.verb == "stop" ? nil : Self.status(pid: pid, state: "ready"))] }
        let run = xmppctl(["stop", "--timeout", "1", "--socket", server.socket])
        #expect(run == Run(status: 69, output: "", errors: "xmppctl: xmppd (pid \(pid)) is stopping, but not gone after 1 s"))
    }
}
