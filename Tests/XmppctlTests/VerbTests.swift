import IPC
import Operations
import Testing

@testable import xmppctl

/// What each command asks for, and what it says of the answer.
@Suite(.timeLimit(.minutes(5)))
struct VerbTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var words: [String]
        var arguments: Value
        var answer: Value
        var output: String
        var errors = ""
        var status: Int32 = 0

        var verb: String {
            let words = words.prefix { !$0.contains("@") && !$0.hasPrefix("-") }
            return OperationCatalog.all.first { words.starts(with: $0.words) }?.name ?? ""
        }

        var testDescription: String { words.joined(separator: " ") }
    }

    static let rows = [
        Row(words: ["log-level"], arguments: [:], answer: ["level": "info"], output: "info"),
        Row(words: ["log-level", "debug"], arguments: ["level": "debug"], answer: ["level": "debug"], output: "debug"),
        Row(words: ["version"], arguments: [:], answer: ["version": "9.9"], output: "xmppctl \(ServerVersion.number)\nxmppd   9.9"),
        Row(
            words: ["reload"], arguments: [:],
            answer: [
                "configuration": "/a.toml", "generation": 2, "dry_run": false, "longest_pause_us": 12,
                "notes": ["/a.toml:3: quiet"], "opened": ["listen.c2s[2] [::1]:5222"],
                "changes": [
                    ["path": "general.hosts", "kind": "changed", "old": "[\"a\"]", "new": "[\"b\"]", "effect": "so"],
                    ["path": "listen.c2s[1].tls.certfile", "kind": "changed", "old": "\"x\"", "new": "\"x\"", "effect": "thus"],
                    ["path": "modules.mod_ping", "kind": "added", "effect": "loaded"],
                    ["path": "xmppd.workers", "kind": "removed", "old": "3", "effect": "fewer"],
                    ["path": "xmppd.user", "kind": "added", "new": "\"u\"", "line": 3, "effect": "other"],
                ],
                "closed": [
                    ["cause": "host", "subject": "a", "sessions": 2, "others": 1],
                    ["cause": "host", "subject": "c", "sessions": 10, "others": 0],
                    ["cause": "listener", "subject": "[::1]:5", "sessions": 0, "others": 0],
                ],
            ],
            output: """
                /a.toml:3: quiet
                general.hosts: ["a"] → ["b"]: so
                listen.c2s[1].tls.certfile: other contents of "x": thus
                modules.mod_ping: added: loaded
                xmppd.workers: 3 removed: fewer
                xmppd.user: set to "u": other
                listening: listen.c2s[2] [::1]:5222
                2 hosts removed (a, c): 12 sessions, 1 stream without session closed
                1 listener removed ([::1]:5): 0 sessions closed
                /a.toml is in force
                """),
        Row(
            words: ["reload", "--dry-run"], arguments: ["dry-run": true],
            answer: [
                "configuration": "/a.toml", "dry_run": true, "notes": [], "changes": [], "opened": ["listen.c2s[1] 0.0.0.0:5222"],
                "closed": [["cause": "listener", "subject": "1.2.3.4:5", "sessions": 0, "others": 4]],
            ],
            output: """
                can listen: listen.c2s[1] 0.0.0.0:5222
                1 listener removed (1.2.3.4:5): 4 streams to be closed
                unchanged: /a.toml
                """),
        Row(
            words: ["reload"], arguments: [:],
            answer: ["configuration": "/a.toml", "dry_run": false, "notes": [], "changes": [], "opened": [], "closed": []],
            output: "unchanged: /a.toml is in force"),
        Row(
            words: ["restart", "--rolling"], arguments: ["rolling": true], answer: ["workers": 2, "master": true],
            output: "2 workers restarted, and the master"),
        Row(
            words: ["restart", "--rolling"], arguments: ["rolling": true],
            answer: ["workers": 1, "master": false, "reason": "no such file"],
            output: "1 worker restarted; the master goes on with its program: no such file"),
        Row(
            words: ["restart", "--master"], arguments: ["master": true], answer: ["workers": 0, "master": true],
            output: "the master has been restarted"),
        Row(
            words: ["config", "show"], arguments: [:],
            answer: [
                "configuration": "/a.toml",
                "rows": [
                    ["path": "general.hosts", "value": "[\"x\"]", "origin": "file", "line": 2],
                    ["path": "shaper.a.max_rate", "value": "5", "origin": "file", "line": 30, "spelling": "maxrate"],
                    ["path": "a", "value": "\u{1B}[2J", "origin": "default"],
                ],
            ],
            output: """
                # /a.toml
                general.hosts = ["x"]  # line 2
                shaper.a.max_rate = 5  # line 30, as maxrate
                a = ?[2J               # default
                """),
        Row(
            words: ["account", "add", "Ada@example.org", "--password", "x"],
            arguments: ["jid": "Ada@example.org", "password": "x"],
            answer: ["jid": "ada@example.org"], output: "ada@example.org has been added"),
        Row(
            words: ["account", "passwd", "ada@example.org", "--password", "x"],
            arguments: ["jid": "ada@example.org", "password": "x"], answer: ["jid": "ada@example.org"],
            output: "the password of ada@example.org has been changed"),
        Row(
            words: ["account", "remove", "ada@example.org"], arguments: ["jid": "ada@example.org"],
            answer: ["jid": "ada@example.org"], output: "ada@example.org has been removed"),
        Row(
            words: ["account", "exists", "ada@example.org"], arguments: ["jid": "ada@example.org"], answer: ["exists": true],
            output: "ada@example.org exists"),
        Row(
            words: ["account", "exists", "ada@example.org"], arguments: ["jid": "ada@example.org"], answer: ["exists": false],
            output: "ada@example.org does not exist", status: 1),
        Row(
            words: ["account", "list"], arguments: ["limit": 1000],
            answer: ["rows": [["jid": "a@x"], ["jid": "b\u{1B}[2J@x"]], "more": false], output: "a@x\nb\u{FFFD}[2J@x"),
        Row(
            words: ["account", "list", "x", "--after", "a@x", "--limit", "1"],
            arguments: ["domain": "x", "after": "a@x", "limit": 1], answer: ["rows": [["jid": "b@x"]], "more": true], output: "b@x",
            errors: "xmppctl: others follow: --after b@x"),
        Row(words: ["account", "list"], arguments: ["limit": 1000], answer: ["rows": [], "more": false], output: ""),
        Row(words: ["account", "count", "x"], arguments: ["domain": "x"], answer: ["count": 3], output: "3"),
        Row(words: ["session", "count"], arguments: [:], answer: ["count": 0], output: "0"),
        Row(
            words: ["session", "kick", "a@x/phone", "--reason", "Go"], arguments: ["jid": "a@x/phone", "reason": "Go"],
            answer: ["closed": 1], output: "1 session closed"),
        Row(words: ["session", "kick", "a@x"], arguments: ["jid": "a@x"], answer: ["closed": 2], output: "2 sessions closed"),
        Row(
            words: ["session", "list", "a@x", "--limit", "1"], arguments: ["jid": "a@x", "limit": 1],
            answer: [
                "rows": [
                    [
                        "jid": "a@x/phone", "address": "127.0.0.1", "worker": 1, "priority": -5, "available": true, "secure": true,
                        "since": 0,
                    ]
                ], "more": true,
            ],
            output: """
                SESSION    FROM       WORKER  PRIORITY  TLS  SINCE
                a@x/phone  127.0.0.1       1        -5  yes  \(Quantity.moment(seconds: 0))
                """,
            errors: "xmppctl: there are more than 1; see --limit"),
        Row(
            words: ["component", "list"], arguments: [:],
            answer: ["rows": [["domain": "irc.x", "address": "127.0.0.1", "worker": 1, "hidden": true, "since": 0]]],
            output: """
                DOMAIN  FROM       WORKER  HIDDEN  SINCE
                irc.x   127.0.0.1       1  yes     \(Quantity.moment(seconds: 0))
                """),
        Row(
            words: ["component", "kick", "irc.x", "--reason", "Go"], arguments: ["domain": "irc.x", "reason": "Go"],
            answer: ["domain": "irc.x"], output: "the component of irc.x is closed"),
        Row(
            words: ["session", "list", "--domain", "x"], arguments: ["domain": "x", "limit": 1000],
            answer: ["rows": [["jid": "a@x/b", "worker": 0, "available": false, "since": 0]], "more": false],
            output: """
                SESSION  FROM  WORKER  PRIORITY  TLS  SINCE
                a@x/b    -          0         -  -    \(Quantity.moment(seconds: 0))
                """),
    ]

    @Test(arguments: rows)
    func asksAndSays(_ row: Row) throws {
        let server = try FakeServer { _ in [.success(row.answer)] }
        let run = xmppctl(row.words + ["--socket", server.socket])
        #expect(run == Run(status: row.status, output: row.output, errors: row.errors))
        #expect(server.asked.map(\.verb) == [row.verb])
        #expect(try OperationCatalog.operation(row.verb)?.check(server.asked[0].arguments).value == server.asked[0].arguments)
        for member in row.arguments.members ?? [] { #expect(server.asked[0].arguments[member.name] == member.value) }
        #expect(server.asked[0].arguments.members?.count == row.arguments.members?.count)
    }

    @Test(arguments: rows.filter { $0.words[0] != "version" })
    func printsJSON(_ row: Row) throws {
        let server = try FakeServer { _ in [.success(row.answer)] }
        let run = xmppctl(row.words + ["--json", "--socket", server.socket])
        #expect(run.output == JSON.text(of: row.answer))
        #expect(run.status == row.status)
    }

    /// Status and stop have tests of their own, the verbs of the client need no server.
    @Test func noVerbIsForgotten() {
        let tested = Set(Self.rows.map(\.verb)).union(["status", "stop"])
        #expect(tested == Set(OperationCatalog.all.filter { $0.executor != .client }.map(\.name)))
    }

    @Test func aRollingRestartIsShownStepByStep() throws {
        @Sendable func step(_ position: Int64, _ step: String, _ done: Int64, moved: Int64 = 0) -> Value {
            [
                "position": .int(position), "step": .string(step), "done": .int(done), "total": 2, "sessions": 3, "connections": 1,
                "moved": .int(moved), "moving": 0,
            ]
        }
        let server = try FakeServer { _ in
            [
                .progress(step(0, "starting", 0)), .progress(step(0, "starting", 0)), .progress(step(0, "draining", 0, moved: 4)),
                .progress(step(1, "starting", 1)), .success(["workers": 2, "master": true]),
            ]
        }
        let run = xmppctl(["restart", "--rolling", "--socket", server.socket])
        #expect(
            run.output == """
                worker 0 (1 of 2): the new one starts
                worker 0 (1 of 2): the old one hands over, 3 sessions and 1 connection left, 4 moved
                worker 1 (2 of 2): the new one starts
                2 workers restarted, and the master
                """)
        let json = xmppctl(["restart", "--rolling", "--json", "--socket", server.socket])
        #expect(json.output.contains("\"progress\"") && json.output.contains("\"moved\": 4"))
        #expect(xmppctl(["restart", "--rolling", "--master"]).status == 64)
    }

    @Test func theVersionIsSaidWithoutAServer() {
        let run = xmppctl(["version", "--socket", "/nonexistent/control.sock"])
        #expect(run == Run(status: 0, output: "xmppctl \(ServerVersion.number)\nxmppd   does not answer", errors: ""))
        #expect(xmppctl(["version", "--json", "--socket", "/nonexistent/control.sock"]).output.contains("\"xmppd\": null"))
    }
}
