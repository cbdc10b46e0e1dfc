import Configuration
import Glibc
import IPC
import Testing

@testable import Master

@Suite(.timeLimit(.minutes(5)))
struct ReloadTests {
    @Test func allWorkersPrepareThenCommit() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(options: "language = \"de\"")
        guard case .success(let value) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(value["generation"]?.int == 2)
        try server.observer.wait(for: "0.1 prepare 2", "1.1 prepare 2", "0.1 commit 2", "1.1 commit 2", "READY=1")
        // A worker that starts afterwards gets the new one.
        let size = try server.observer.rest(of: "0.1 configure ")
        kill(try server.workerPid(1), SIGKILL)
        #expect(try server.observer.rest(of: "1.2 configure ") != size)
    }

    @Test func hupReloads() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(options: "language = \"de\"")
        server.signal(SIGHUP)
        try server.observer.wait(for: "0.1 commit 2", "1.1 commit 2")
    }

    @Test func oneWorkerThatRejectsStopsItForAll() throws {
        let server = try TestServer(whims: "reject@1")
        try server.observer.wait(for: "READY=1")
        #expect(try server.ask("reload") == .failure(code: "configuration", text: "x.toml:4:5: modules.mod_x: cannot be"))
        try server.observer.wait(for: "0.1 abort 2", "1.1 abort 2")
        #expect(!server.observer.hasHeard("0.1 commit 2"))
        #expect(try server.status()["state"]?.string == "running")
    }

    @Test func aWorkerThatDiesOfItStopsItForAll() throws {
        let server = try TestServer(whims: "die-in-prepare@1.1")
        try server.observer.wait(for: "READY=1")
        guard case .failure("failed", let text) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(text.contains("worker 1.1 died"))
        try server.observer.wait(for: "0.1 abort 2", "1.2 start")
    }

    @Test func aWrongFileIsRefusedWithAllItsProblems() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(options: "one = 1\ntwo = 2")
        guard case .failure("configuration", let text) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(text.split(separator: "\n").count == 2)
        try server.write(options: "# the worker refuses this")
        guard case .failure("configuration", let other) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(other.contains("has expired"))
        #expect(!server.observer.hasHeard("0.1 prepare 2"))
    }

    /// The new workers have everything but sockets before an old one is asked to go, and those when the last has gone.
    @Test func withAnotherDatabaseAllWorkersGiveWayAtOnce() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        let before = try ports(server)
        try server.append("\n[xmppd.storage]\npath = \"/tmp/elsewhere\"\n")
        guard case .success(let rehearsal) = try server.ask("reload", ["dry-run": true]) else { throw TestFailure(server.log) }
        #expect(rehearsal["notes"]?.array?.contains { $0.string?.contains("would all be replaced at once") == true } == true)
        guard case .success(let value) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(value["changes"]?.array?.map { $0["path"]?.string ?? "" } == ["xmppd.storage.path"])
        try server.observer.wait(
            for: "64.1 begun 0 1 2 3", "65.1 begun 0 1 2 3", "64.1 start", "65.1 start", "0.1 drain to 64 within 1000",
            "1.1 drain to 65 within 1000")
        for (index, (_, port)) in before.sorted(by: { $0.key < $1.key }).enumerated() {
            for slot in [64, 65] { try server.observer.wait(for: "\(slot).1 listener \(index) \(address(index)) \(port)") }
        }
        #expect(!server.observer.hasHeard("0.1 prepare 2"))
        #expect(try ports(server) == before)
        #expect(try server.status()["state"]?.string == "running")
        // And back, with another number of workers and a listener more.
        try server.write(workers: 3)
        try server.append("\n[[listen.c2s]]\nip_address = \"127.0.0.1\"\nport = 0\n")
        guard case .success = try server.ask("reload") else { throw TestFailure(server.log) }
        try server.observer.wait(
            for: "0.2 start", "1.2 start", "2.1 start", "64.1 drain to 0 within 1000", "65.1 drain to 1 within 1000")
        #expect(try ports(server).count == 3)
        #expect(try server.status()["workers"]?.array?.map { $0["state"]?.string ?? "" } == ["ready", "ready", "ready"])
    }

    private func address(_ index: Int) -> String { index == 0 ? "127.0.0.1" : "::1" }

    @Test(arguments: ["die-before-ready@65", "refuse@65", "wrong-version@64"])
    func oneOfThemThatDoesNotComeUpLeavesEverythingAsItWas(whim: String) throws {
        let server = try TestServer(whims: whim)
        try server.observer.wait(for: "READY=1")
        try server.append("\n[xmppd.storage]\npath = \"/tmp/elsewhere\"\n")
        let result = try server.ask("reload")
        guard case .failure(let code, let text) = result else { throw TestFailure(server.log) }
        #expect(code == (whim.hasPrefix("refuse") ? "configuration" : "failed"), "\(text)")
        #expect(try server.status()["state"]?.string == "running")
        for slot in [0, 1] { #expect(!server.observer.hasHeard("\(slot).1 drain to \(slot + 64) within 1000")) }
        // What is in force is what was.
        try server.write(options: "language = \"de\"")
        var again = try server.ask("reload")
        for _ in 0..<100 {
            guard case .failure("failed", let text) = again, text.contains("still leaving") else { break }
            again = try server.ask("reload")
        }
        guard case .success(let value) = again else { throw TestFailure("\(again) \(server.log)") }
        #expect(value["changes"]?.array?.map { $0["path"]?.string ?? "" } == ["general.language"])
    }

    @Test func deadlinesFollowTheFile() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(drain: 7)
        guard case .success(let value) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(value["changes"]?.array?.map { $0["path"]?.string ?? "" } == ["xmppd.drain_timeout", "xmppd.stop_timeout"])
        guard case .success = try server.ask("restart", ["rolling": true]) else { throw TestFailure(server.log) }
        try server.observer.wait(for: "0.1 drain to 64 within 7000", "1.1 drain to 65 within 7000")
        server.signal(SIGTERM)
        try server.observer.wait(for: "64.1 stop 7000", "65.1 stop 7000")
    }

    @Test func onlyRootCanChangeWhoWorkersAre() throws {
        let server = try TestServer(isStarted: false)
        func read() throws -> (MasterSettings, ServerConfiguration) {
            guard case .usable(let settings, let configuration, _) = ConfigurationFile.read(server.configuration) else {
                throw TestFailure("not usable")
            }
            return (settings, configuration)
        }
        let old = try read()
        try server.write(native: "user = \"nobody\"")
        let new = try read()
        let denied = NewWorkers(from: old.0, to: new.0, old.1, new.1, isRoot: false)
        #expect(denied.problems.count == 1)
        #expect(
            denied.problems.first?.contains(#/xmppd.toml:\d+:\d+: xmppd.user: has changed, but the master is not root/#) == true,
            "\(denied.problems)")
        #expect(NewWorkers(from: old.0, to: new.0, old.1, new.1, isRoot: true).problems == [])
        #expect(NewWorkers(from: new.0, to: new.0, new.1, new.1, isRoot: false).problems == [])
        let own = try #require(getpwuid(geteuid())).pointee
        try server.write(native: "user = \"\(String(cString: own.pw_name))\"")
        let same = try read()
        #expect(NewWorkers(from: old.0, to: same.0, old.1, same.1, isRoot: false).problems == [])
    }

    @Test func theNumberOfWorkersFollowsTheFile() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(workers: 3)
        guard case .success(let value) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(value["changes"]?.array?.map { $0["path"]?.string ?? "" } == ["xmppd.workers"])
        try server.observer.wait(for: "2.1 start")
    }

    /// The ports that workers were told of, by the index of the listener.
    private func ports(_ server: TestServer) throws -> [String: Int64] {
        var ports: [String: Int64] = [:]
        for listener in try server.status()["listeners"]?.array ?? [] {
            ports[listener["path"]?.string ?? ""] = listener["port"]?.int
        }
        return ports
    }

    @Test func listenersComeAndGoAndTheOthersStay() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        let before = try ports(server)
        try server.append("\n[[listen.c2s]]\nip_address = \"127.0.0.1\"\nport = 0\n")
        guard case .success(let value) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(value["changes"]?.array?.map { $0["path"]?.string ?? "" } == ["listen.c2s[3]"])
        #expect(value["opened"]?.array?.count == 1)
        let after = try ports(server)
        #expect(after.count == 3)
        for (path, port) in before { #expect(after[path] == port) }
        // Each worker has the new socket, and only that, before the configuration is put in force.
        try server.observer.wait(for: "0.1 listener 2 127.0.0.1 \(after["listen.c2s[3]"] ?? 0)", "0.1 commit 2")
        try server.write()
        guard case .success(let back) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(back["closed"]?.array?.count == 0)
        #expect(try ports(server) == before)
    }

    @Test func anAddressThatIsTakenRefusesEverything() throws {
        let stranger = try TestServer()
        try stranger.observer.wait(for: "READY=1")
        let taken = try #require(try ports(stranger)["listen.c2s[1]"])
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        let before = try ports(server)
        try server.write(options: "language = \"de\"")
        try server.append("\n[[listen.c2s]]\nip_address = \"127.0.0.1\"\nport = \(taken)\n")
        for arguments: Value in [["dry-run": true], [:]] {
            guard case .failure("unavailable", let text) = try server.ask("reload", arguments) else {
                throw TestFailure(server.log)
            }
            #expect(
                text.contains("listen.c2s[3] (127.0.0.1:\(taken)): cannot listen")
                    && text.contains("another program listens there"), "\(text)")
        }
        #expect(try ports(server) == before)
        #expect(!server.observer.hasHeard("0.1 prepare 2"))
    }

    @Test func aRehearsalChangesNothing() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(options: "language = \"de\"")
        guard case .success(let value) = try server.ask("reload", ["dry-run": true]) else { throw TestFailure(server.log) }
        #expect(value["dry_run"]?.bool == true && value["generation"] == nil)
        #expect(value["changes"]?.array?.map { $0["path"]?.string ?? "" } == ["general.language"])
        #expect(!server.observer.hasHeard("0.1 prepare 2"))
        guard case .success(let real) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(real["generation"]?.int == 2)
        guard case .success(let again) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(again["changes"]?.array?.isEmpty == true)
    }

    @Test func theAnswerSumsUpWhatTheWorkersDid() throws {
        let server = try TestServer(whims: "close-some")
        try server.observer.wait(for: "READY=1")
        guard case .success(let value) = try server.ask("reload") else { throw TestFailure(server.log) }
        let closed = try #require(value["closed"]?.array)
        #expect(closed.count == 1 && closed[0]["sessions"]?.int == 4 && closed[0]["others"]?.int == 2)
        #expect(value["longest_pause_us"]?.int == 9)
    }

    @Test func aWorkerThatDiesInTheCommitComesBackWithTheNewOne() throws {
        let server = try TestServer(whims: "die-in-commit@1.1")
        try server.observer.wait(for: "READY=1")
        let size = try server.observer.rest(of: "1.1 configure ")
        try server.write(options: "language = \"de\"")
        guard case .success = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(try server.observer.rest(of: "1.2 configure ") != size)
    }

    @Test func reloadsWaitForTheirTurn() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        let channels = try (0..<4).map { _ in try server.connect() }
        for channel in channels {
            try channel.send(ControlRequest(id: 1, verb: "reload", arguments: [:]).encoded())
        }
        for generation in 2...5 { try server.observer.wait(for: "0.1 commit \(generation)", "1.1 commit \(generation)") }
        var generations: Set<Int64> = []
        for channel in channels {
            guard case .result(.success(let value)) = try ControlReply(channel.receive(timeout: 30_000)).outcome else {
                throw TestFailure(server.log)
            }
            generations.insert(value["generation"]?.int ?? 0)
        }
        #expect(generations == [2, 3, 4, 5])
    }

    @Test func moreThanAFewMayNotWait() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        let channel = try server.connect()
        for id in 1...12 { try channel.send(ControlRequest(id: UInt64(id), verb: "reload", arguments: [:]).encoded()) }
        for generation in 2...10 { try server.observer.wait(for: "0.1 commit \(generation)", "1.1 commit \(generation)") }
        var (done, refused) = (0, 0)
        for _ in 1...12 {
            switch try ControlReply(channel.receive(timeout: 30_000)).outcome {
            case .result(.success): done += 1
            case .result(.failure("unavailable", let text)):
                #expect(text.contains("wait for their turn"))
                refused += 1
            default: throw TestFailure(server.log)
            }
        }
        #expect(done >= 9 && refused >= 1 && done + refused == 12)
    }

    @Test func controlSocketAndPidFileMove() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(control: "new.sock", pidFile: "new.pid")
        let old = try server.connect()
        guard case .success = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(throws: BlockingChannel.Failure.self) { try server.connect() }
        // Who is connected is still served.
        try old.send(ControlRequest(id: 1, verb: "version", arguments: [:]).encoded())
        guard case .result(.success) = try ControlReply(old.receive(timeout: 30_000)).outcome else { throw TestFailure(server.log) }
        for (name, isThere) in [
            ("xmppd.pid", false), ("control.sock", false), ("control.sock.lock", false), ("new.pid", true), ("new.sock", true),
        ] {
            #expect((access("\(server.directory)/\(name)", F_OK) == 0) == isThere, "\(name)")
        }
        let channel = try BlockingChannel(connectingTo: "\(server.directory)/new.sock")
        try server.write(pidFile: "/nowhere/at/all.pid")
        try channel.send(ControlRequest(id: 1, verb: "reload", arguments: [:]).encoded())
        guard case .result(.failure("unavailable", let text)) = try ControlReply(channel.receive(timeout: 30_000)).outcome else {
            throw TestFailure(server.log)
        }
        #expect(text.contains("/nowhere/at/all.pid"))
        #expect(access("\(server.directory)/control.sock.lock", F_OK) != 0)
        #expect(access("\(server.directory)/new.pid", F_OK) == 0)
    }
}
