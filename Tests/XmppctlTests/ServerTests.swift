import CPlatform
import Foundation
import IPC
import Testing

@testable import xmppctl

/// Everything that can go wrong between this program and the server.
@Suite(.timeLimit(.minutes(5)))
struct ServerTests {
    @Test func nobodyIsThere() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/control.sock"
        let run = xmppctl(["status", "--socket", path])
        #expect(run.status == 69)
        #expect(
            run.errors
                == "xmppctl: xmppd is not running (no control socket at \(path)): start it with 'xmppctl start', or name its socket with --socket"
        )
        close(cplatform_listen_unix(path, 0o600, 1))
        let stale = xmppctl(["status", "--socket", path])
        #expect(stale.status == 69)
        #expect(stale.errors.hasPrefix("xmppctl: xmppd is not running (nobody listens at \(path))"))
    }

    @Test func theEnvironmentNamesTheSocket() throws {
        let server = try FakeServer { _ in [.success(["level": "info"])] }
        #expect(xmppctl(["log-level"], Circumstances(environment: ["XMPPD_CONTROL_SOCKET": server.socket])).output == "info")
    }

    @Test func noAnswerInTime() throws {
        let server = try FakeServer { _ in [] }
        #expect(throws: CommandError("xmppd gave no answer within 0 s; see --timeout", 69)) {
            try ControlConnection(socket: server.socket, patienceSeconds: 0).perform("status")
        }
    }

    @Test(
        arguments: [
            ("unavailable", 69), ("timeout", 69), ("busy", 69), ("bad-argument", 64), ("unknown-verb", 64), ("configuration", 78),
            ("failed", 1), ("not-found", 1), ("exists", 1), ("something-new", 1),
        ] as [(String, Int32)])
    func aFailureHasItsStatus(_ code: String, _ status: Int32) throws {
        let server = try FakeServer { _ in [.failure(code: code, text: "alas\nalas")] }
        #expect(xmppctl(["reload", "--socket", server.socket]) == Run(status: status, output: "", errors: "xmppctl: alas\nalas"))
    }

    @Test(
        arguments: [
            [.hangUp], [.bytes([40, 0, 0, 0, 202]), .hangUp], [.progress(["rows": []]), .hangUp],
        ] as [[FakeServer.Reaction]])
    func theAnswerBreaksOff(_ reactions: [FakeServer.Reaction]) throws {
        let server = try FakeServer { _ in reactions }
        let run = xmppctl(["account", "count", "--socket", server.socket])
        #expect(run == Run(status: 69, output: "", errors: "xmppctl: xmppd ended the connection before its answer was complete"))
    }

    @Test(
        arguments: [
            [.bytes([0xFF, 0xFF, 0xFF, 0x7F])], [.bytes([1, 0, 0, 0, 0])], [.bytes([2, 0, 0, 0, 9, 9])],
            [.bytes([2, 0, 0, 0, 202, 0])],
            [.bytes(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))], [.success(nil)], [.success(["count": "many"])],
            [.success([1, 2])],
        ] as [[FakeServer.Reaction]])
    func theAnswerIsNone(_ reactions: [FakeServer.Reaction]) throws {
        let server = try FakeServer { _ in reactions }
        let run = xmppctl(["account", "count", "--socket", server.socket])
        #expect(run.status == 1)
        #expect(run.output == "")
        #expect(run.errors.hasPrefix("xmppctl: the answer of xmppd cannot be understood ("))
    }

    @Test func aRefusalOfTheConnectionIsToldAlthoughItHasNoRequest() throws {
        let refusal = ControlReply(id: 0, .result(.failure(code: "busy", text: "32 clients are connected; try again"))).encoded()
        let server = try FakeServer { _ in [.bytes(refusal), .hangUp] }
        #expect(xmppctl(["status", "--socket", server.socket]).errors == "xmppctl: 32 clients are connected; try again")
    }

    @Test func rowsThatCameAheadAreFirst() throws {
        let server = try FakeServer { _ in
            [
                .progress(["rows": [["jid": "a@x"]]]), .progress(["rows": [["jid": "b@x"]]]),
                .success(["rows": [["jid": "c@x"]], "more": false]),
            ]
        }
        #expect(xmppctl(["account", "list", "--socket", server.socket]).output == "a@x\nb@x\nc@x")
    }

    @Test(arguments: [
        ["account", "count", "a b"], ["account", "exists", "example.org"], ["account", "list", "--limit", "0"],
        ["account", "list", "--limit", "many"], ["session", "kick", "example.org"], ["session", "kick", "a@x", "--reason", ""],
        ["log-level", "loud"], ["status", "--timeout", "0"], ["fly"], ["account", "fly"], ["account", "add"], ["status", "now"],
        ["completion", "csh"], ["start", "--foreground", "--log", "/tmp/x"],
    ])
    func wrongWordsNeedNoServer(_ words: [String]) throws {
        let server = try FakeServer { _ in [.hangUp] }
        let run = xmppctl(words, Circumstances(environment: ["XMPPD_CONTROL_SOCKET": server.socket]))
        #expect(run.status == 64)
        #expect(!run.errors.isEmpty)
        #expect(server.asked.isEmpty)
    }
}
