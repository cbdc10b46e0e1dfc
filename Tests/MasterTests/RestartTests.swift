import Glibc
import IPC
import Operations
import Supervision
import Testing

@testable import Master

/// One worker after the other, and the master itself.
@Suite(.timeLimit(.minutes(5)))
struct RestartTests {
    @Test func workersAreReplacedOneByOneThenTheMasterGoesOnAsItsNextImage() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        let request = try Request(server, ["rolling": true])
        try server.observer.wait(
            for: "64.1 begun 0 1 2 3", "64.1 mesh 0.1 says 0.1", "64.1 mesh 1.1 says 1.1", "64.1 start",
            "0.1 drain to 64 within 5000", "0.1 owners 64.1 1.1",
            "1.1 collect 0.1", "65.1 mesh 64.1 says 64.1", "1.1 drain to 65 within 5000", "64.1 collect 1.1", "READY=1")
        let (steps, result) = try request.answer()
        #expect(result == .success(["workers": 2, "master": true]))
        #expect(Set(["0 starting", "0 draining", "1 starting", "1 draining"]).isSubset(of: Set(steps)), "\(steps)")
        let pid = server.pid
        #expect(try server.status()["master"]?["pid"]?.int == Int64(pid))
        #expect(server.log.contains("the master goes on as another program"))
        let shape = try #require(OperationCatalog.operation("status")?.result)
        #expect(shape.mismatch(of: try server.status()) == nil)
        // The next image looks after its workers, and leaves in order.
        kill(try server.workerPid(1), SIGKILL)
        try server.observer.wait(for: "64.1 meshGone 65.1", "65.2 start", "STATUS=2 of 2 workers serving; 0 sessions")
        let second = try Request(server, ["rolling": true])
        try server.observer.wait(for: "0.2 start", "1.2 start", "64.1 drain to 0 within 5000", "READY=1")
        #expect(try second.answer().result == .success(["workers": 2, "master": true]))
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(access(server.controlSocket, F_OK) != 0)
        #expect(access("\(server.directory)/xmppd.pid", F_OK) != 0)
    }

    @Test func usr2ExecutesTheMasterAnewAndWhatWorkersWereAskedIsAnswered() throws {
        let server = try TestServer(whims: "slow-operation")
        try server.observer.wait(for: "READY=1")
        let channel = try server.connect()
        try channel.send(ControlRequest(id: 3, verb: "account.count", arguments: [:]).encoded())
        guard case .progress = try ControlReply(channel.receive(timeout: 30_000)).outcome else { throw TestFailure("no progress") }
        server.signal(SIGUSR2)
        try server.observer.wait(for: "READY=1")
        guard case .result(.success(let value)) = try ControlReply(channel.receive(timeout: 30_000)).outcome else {
            throw TestFailure("no result")
        }
        #expect(value["slot"] != nil)
        #expect(try server.status()["state"]?.string == "running")
    }

    @Test(arguments: [
        ("echo 'xmppd 9.0 contract=99 mesh=1 segment=2'", "speaks version 99 of the contract"),
        ("echo hello", "prints no versions"), ("exit 5", "ended with exit status 5"),
    ])
    func aProgramThatDoesNotFitIsRefusedBeforeAnythingIsStopped(script: String, complaint: String) throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.replaceProgram(script)
        guard case .failure(_, let text) = try server.ask("restart", ["rolling": true]) else {
            throw TestFailure("it was accepted")
        }
        #expect(text.contains(complaint), "\(text)")
        #expect(text.contains("nothing has been stopped"))
        #expect(try server.status()["state"]?.string == "running")
        #expect(!server.observer.hasHeard("0.1 drain to 64 within 5000"))
    }

    @Test func aReplacementThatDoesNotComeUpAbandonsItAndTheOldOneServesOn() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        let pid = try server.workerPid(0)
        try server.replaceProgram("[ \"$1\" = --versions ] && exec \(TestServer.programs)/FakeWorker --versions\nexit 3")
        guard case .failure(_, let text) = try server.ask("restart", ["rolling": true]) else {
            throw TestFailure("it was accepted")
        }
        #expect(text.contains("the new worker 0 died before it was ready (exit status 3); whoever serves now goes on"), "\(text)")
        #expect(try server.workerPid(0) == pid)
        #expect(try server.status()["state"]?.string == "running")
    }

    @Test func whoeverDoesNotLeaveIsKilledAndTheRestartGoesOn() throws {
        let server = try TestServer(whims: "stay-draining@0.1", drain: 0)
        try server.observer.wait(for: "READY=1")
        let request = try Request(server, ["rolling": true])
        try server.observer.wait(for: "1.1 collect 0.1", "65.1 start", "READY=1")
        #expect(try request.answer().result == .success(["workers": 2, "master": true]))
        #expect(server.log.contains("worker did not leave after its time to drain and is killed worker=0.1"))
    }

    @Test func aStopDuringItEndsBoth() throws {
        let server = try TestServer(whims: "stay-draining@0.1,leave-late@0.1")
        try server.observer.wait(for: "READY=1")
        let channel = try server.connect()
        try channel.send(ControlRequest(id: 1, verb: "restart", arguments: ["rolling": true]).encoded())
        try server.observer.wait(for: "0.1 drain to 64 within 5000")
        #expect(try server.ask("reload") == .failure(code: "failed", text: "nothing has changed: a rolling restart is under way"))
        guard case .failure(_, let text) = try server.ask("restart", ["rolling": true]) else { throw TestFailure("two at once") }
        #expect(text.contains("another restart is under way"))
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        try server.observer.wait(for: "64.1 stop 5000", "0.1 stop 5000")
    }

    @Test func theWholeServerBeginsAnewInTheSameProcess() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        #expect(try server.ask("restart") == .success(["workers": 0, "master": true]))
        try server.observer.wait(for: "0.1 stop 5000", "1.1 stop 5000", "READY=1")
        #expect(try server.status()["master"]?["pid"]?.int == Int64(server.pid))
        #expect(!server.observer.hasHeard("STOPPING=1"))
    }

    @Test func aSilentWorkerIsKilled() throws {
        let server = try TestServer(workers: 1, watchdog: 2)
        try server.observer.wait(for: "READY=1", "0.2 start")
        #expect(server.log.contains("worker gives no sign of life and is killed"))
    }
}

/// A request that is under way. What fake workers tell must be heard before its answer can come: their messages wait.
private struct Request {
    private let channel: BlockingChannel

    init(_ server: TestServer, _ arguments: Value) throws {
        channel = try server.connect()
        try channel.send(ControlRequest(id: 7, verb: "restart", arguments: arguments).encoded())
    }

    func answer() throws -> (steps: [String], result: OperationResult) {
        var steps: [String] = []
        while true {
            let reply = try ControlReply(channel.receive(timeout: 30_000))
            #expect(reply.id == 7)
            switch reply.outcome {
            case .result(let result): return (steps, result)
            case .progress(let value): steps.append("\(value["position"]?.int ?? -1) \(value["step"]?.string ?? "")")
            }
        }
    }
}

@Suite(.timeLimit(.minutes(5)))
struct MasterStateTests {
    @Test func aStateComesBack() throws {
        let state = sampleState()
        #expect(try MasterState(state.encoded()) == state)
        #expect(state.descriptors == [5, 6, 7, 8, 9, 10, 11, 12])
    }

    @Test func aBeginningOfAStateIsNone() {
        let bytes = sampleState().encoded()
        for end in 0..<bytes.count { #expect(throws: WireError.self) { try MasterState(Array(bytes[..<end])) } }
        #expect(throws: WireError.self) { try MasterState(bytes + [0]) }
    }

    @Test func anotherVersionIsNone() {
        var bytes = sampleState().encoded()
        bytes[0] &+= 1
        #expect(throws: WireError.self) { try MasterState(bytes) }
    }

    private func sampleState() -> MasterState {
        let setting = ListenerSetting(kind: .client, position: 1, address: "::1", port: 5222, isShared: true)
        let descriptor = ListenerDescriptor(index: 0, kind: .client, position: 1, address: "::1", port: 5222)
        let crashStreak = CrashStreak(count: 3, first: 1, last: 2, lastExit: .signal(11), nextStart: 9)
        return MasterState(
            program: "/usr/sbin/xmppd",
            bundle: ConfigurationBundle(
                path: "/etc/x.toml", text: Array("[general]".utf8), files: [.init(name: "k", contents: [1, 2])]),
            generation: 4, logLevel: "info", started: 77, control: 5, segment: 6,
            locks: [.init(path: "/run/a", descriptor: 7)],
            listeners: [.init(setting: setting, descriptor: descriptor, sockets: [8, 9], isHanded: true)],
            memory: SupervisorSnapshot(
                wanted: 2,
                places: [
                    .init(slot: 64, incarnation: 3, state: .ready, since: 5),
                    .init(slot: 1, incarnation: 1, state: .waiting, since: nil),
                ],
                posts: [
                    .init(number: 0, activeSlot: 64, starts: 4, hasServed: true, consecutiveFailures: 2, crashStreak: crashStreak)
                ],
                orphans: [WorkerName(slot: 0, incarnation: 2)]),
            workers: [.init(slot: 64, incarnation: 3, pid: 4_711, started: 70, channel: 10, unread: [1, 2, 3])],
            clients: [.init(connection: 11, unread: [], pending: [1, 2]), .init(connection: 12, unread: [9], pending: [])],
            relays: [.init(id: 8, client: 1, request: 2, slot: 64, incarnation: 3)], lastRelay: 8,
            answer: .init(client: 0, request: 1, result: ["master": true]))
    }
}
