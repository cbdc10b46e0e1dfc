import Glibc
import IPC
import Testing

/// The control socket: verbs, and input that is none (H28).
@Suite(.timeLimit(.minutes(5)))
struct ControlTests {
    private func up(whims: String = "", workers: Int = 1) throws -> TestServer {
        let server = try TestServer(workers: workers, whims: whims)
        try server.observer.wait(for: "READY=1")
        return server
    }

    @Test func verbsOfTheMaster() throws {
        let server = try up()
        #expect(try server.ask("version") == .success(["version": .string(ServerVersion.number)]))
        #expect(try server.ask("log-level") == .success(["level": "debug"]))
        #expect(try server.ask("log-level", ["level": "error"]) == .success(["level": "error"]))
        try server.observer.wait(for: "0.1 logLevel error")
        guard case .failure("bad-argument", _) = try server.ask("log-level", ["level": "loud"]) else {
            throw TestFailure("accepted")
        }
        guard case .failure("unknown-verb", _) = try server.ask("no.such.verb") else { throw TestFailure("accepted") }
        // A verb of xmppctl itself is none of the server's.
        guard case .failure("unknown-verb", _) = try server.ask("start") else { throw TestFailure("accepted") }
    }

    @Test func verbsOfAWorkerWithProgressThenTheResult() throws {
        let server = try up()
        let channel = try server.connect()
        try channel.send(ControlRequest(id: 7, verb: "account.exists", arguments: ["jid": "ada@example.org"]).encoded())
        #expect(try ControlReply(channel.receive(timeout: 30_000)) == ControlReply(id: 7, .progress(["begun": true])))
        #expect(
            try ControlReply(channel.receive(timeout: 30_000))
                == ControlReply(id: 7, .result(.success(["slot": 0, "arguments": ["jid": "ada@example.org"]]))))
    }

    @Test func wrongArgumentsReachNoWorker() throws {
        let server = try up()
        guard case .failure("bad-argument", _) = try server.ask("account.exists", ["jid": "no address"]) else {
            throw TestFailure("accepted")
        }
        #expect(!server.observer.hasHeard("0.1 operation account.exists"))
    }

    @Test func aWorkerThatDiesOfAVerbAnswersThroughTheMaster() throws {
        let server = try up(whims: "die-in-operation@0.1")
        guard case .failure("unavailable", let text) = try server.ask("account.exists", ["jid": "ada@example.org"]) else {
            throw TestFailure("no failure")
        }
        #expect(text.contains("died while it did this"))
        try server.observer.wait(for: "0.2 start")
    }

    @Test func withoutAServingWorkerItIsUnavailable() throws {
        let server = try TestServer(workers: 1, whims: "no-ready")
        try server.observer.wait(for: "0.1 start")
        guard case .failure("unavailable", _) = try server.ask("account.count") else { throw TestFailure("accepted") }
        #expect(try server.status()["state"]?.string == "degraded")
    }

    @Test func stopAnswersAndThenTheServerIsGone() throws {
        let server = try up()
        let channel = try server.connect()
        try channel.send(ControlRequest(id: 1, verb: "stop", arguments: nil).encoded())
        #expect(try ControlReply(channel.receive(timeout: 30_000)).outcome == .result(.success(["pid": .int(Int64(server.pid))])))
        #expect(throws: BlockingChannel.Failure.closed(withinFrame: false)) { try channel.receive(timeout: 30_000) }
        #expect(try server.waitForExit() == 0)
    }

    static let status = ControlRequest(id: 1, verb: "status", arguments: nil).encoded()

    /// Each is answered with `malformed` and then left; the server goes on.
    @Test(arguments: [
        [UInt8](repeating: 0xFF, count: 100), Array("GET / HTTP/1.1\r\n\r\n".utf8), [0, 0, 0, 0], [1, 0, 0, 0, 9],
        MasterMessage.start.encoded(), [3, 0, 0, 0, 201, 0, 1],
        ControlRequest(id: 0, verb: "status", arguments: nil).encoded(),
        Frame.encode(kind: ControlRequest.kind) {
            $0.uint64(1)
            $0.data([0xC3, 0x28])
        },
        Frame.encode(kind: ControlRequest.kind) {
            $0.uint64(1)
            $0.string("status")
            $0.rest([UInt8](repeating: 6, count: 1_000))
        },
        status + [0xFF, 0xFF, 0xFF, 0xFF],
    ])
    func malformedInputIsAnsweredAndHarmsNobody(input: [UInt8]) throws {
        let server = try up()
        let good = try server.connect(), bad = try server.connect()
        try bad.send(input)
        var outcome = try ControlReply(bad.receive(timeout: 30_000))
        if outcome.id == 1 { outcome = try ControlReply(bad.receive(timeout: 30_000)) }
        guard case .result(.failure("malformed", _)) = outcome.outcome, outcome.id == 0 else { throw TestFailure("\(outcome)") }
        #expect(throws: BlockingChannel.Failure.closed(withinFrame: false)) { try bad.receive(timeout: 30_000) }
        try good.send(Self.status)
        guard case .result(.success) = try ControlReply(good.receive(timeout: 30_000)).outcome else { throw TestFailure("harmed") }
    }

    /// A request cut at every byte, each followed by the end of the connection.
    @Test func truncatedRequestsAreHarmless() throws {
        let server = try up()
        for end in 0..<Self.status.count { try server.connect().send(Array(Self.status[..<end])) }
        #expect(try server.status()["state"]?.string == "running")
    }

    @Test func clientsAreBoundedInNumber() throws {
        let server = try up()
        var clients: [BlockingChannel] = []
        for _ in 0..<32 {
            let client = try server.connect()
            try client.send(Self.status)
            _ = try client.receive(timeout: 30_000)
            clients.append(client)
        }
        let late = try server.connect()
        guard case .result(.failure("busy", _)) = try ControlReply(late.receive(timeout: 30_000)).outcome else {
            throw TestFailure("admitted")
        }
        #expect(throws: BlockingChannel.Failure.closed(withinFrame: false)) { try late.receive(timeout: 30_000) }
        // Those who are in are served, and a place that becomes free is given away as soon as that is noticed.
        try clients[31].send(Self.status)
        guard case .result(.success) = try ControlReply(clients[31].receive(timeout: 30_000)).outcome else {
            throw TestFailure("left")
        }
        clients.removeFirst()
        while true {
            guard case .failure("busy", _) = try server.ask("version") else { break }
        }
    }
}
