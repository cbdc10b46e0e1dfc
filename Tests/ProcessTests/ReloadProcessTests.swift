import Foundation
import IPC
import TestKit
import Testing
import XML

/// Options that are about the processes themselves.
@Suite("Reloads that concern the workers as such", .timeLimit(.minutes(5)))
struct ReloadProcessTests {
    private func note(_ id: String, _ to: String) -> String {
        "<message id='\(id)' type='chat' to='\(to)'><body>\(id)</body></message>"
    }

    private func ids(_ stanzas: [Element]) -> [String] { stanzas.filter { $0.isNamed("message") }.compactMap { $0["id"] } }

    private func pids(_ server: ServerUnderTest) throws -> Set<Int32> { Set(try server.status().workers.compactMap(\.pid)) }

    // MARK: Another database

    /// A server with two databases, both with the same accounts, that has the first.
    private func stageWithTwoDatabases() throws -> ServerUnderTest {
        let server = try ServerUnderTest {
            $0.modules += "\n[modules.mod_stream_management]"
            $0.database = "second.sqlite"
        }
        try server.addAccounts("juliet", "romeo", "nurse")
        #expect(try server.stop() == 0)
        try server.configure { $0.database = "first.sqlite" }
        try server.start()
        try server.addAccounts("juliet", "romeo", "nurse")
        return server
    }

    @Test("another database: sessions that can be resumed move with what waits for them, no connect is refused")
    func database() throws {
        let server = try stageWithTwoDatabases()
        let romeo = try server.join("romeo", toWorker: 1)
        let juliet = try server.join("juliet", resource: "a", toWorker: 0)
        let name = try juliet.enable()
        // Stored in the first one, and still unknown to its client: one that was handed out and not acknowledged.
        juliet.socket.reset()
        for number in 0..<3 { try romeo.send(note("\(number)", juliet.address)) }
        try romeo.send(note("kept", "nurse@localhost"))
        _ = try settle([romeo])
        let before = try pids(server)
        try server.configure { $0.database = "second.sqlite" }
        let rehearsal = try server.xmppctl("reload", "--dry-run")
        #expect(rehearsal.output.contains("all workers are replaced at once"), "\(rehearsal)")
        #expect(rehearsal.output.contains("workers would all be replaced at once: of 2 sessions"), "\(rehearsal)")
        #expect(try pids(server) == before)
        let storm = ConnectStorm(server)
        try eventually("the storm to begin") { storm.opened > 10 }
        let answer = try server.reload()
        #expect(answer.paths == ["xmppd.storage.path"])
        #expect(try romeo.ending() == .init("system-shutdown"))
        let opened = storm.opened
        try eventually("the new workers to serve") { storm.opened > opened + 10 }
        #expect(try storm.stop().failures == [])
        #expect(try pids(server).isDisjoint(with: before))
        let (again, resumed) = try server.resume("juliet", name, handled: 0, address: juliet.address)
        #expect(resumed.isNamed("resumed"), "\(resumed)")
        let newRomeo = try server.join("romeo")
        try newRomeo.send(note("3", juliet.address))
        try again.wait("the last message") { $0["id"] == "3" }
        #expect(ids(again.takeUnread()) == ["0", "1", "2"])
        // What is kept for the nurse is in the other one.
        let nurse = try server.join("nurse")
        #expect(ids(try settle([nurse, newRomeo])[0]) == [])
        try server.reload { $0.database = "first.sqlite" }
        let back = try server.join("nurse")
        try back.wait("the message that was kept") { $0["id"] == "kept" }
        #expect(try server.status().state == "running")
    }

    @Test("messages of the old database that were handed out are saved in the new one when their session ends")
    func handedOut() throws {
        let server = try stageWithTwoDatabases()
        let romeo = try server.join("romeo", toWorker: 1)
        try romeo.send(note("kept", "juliet@localhost"))
        _ = try settle([romeo])
        let juliet = try server.logIn("juliet", resource: "a", toWorker: 0)
        let name = try juliet.enable()
        try juliet.send("<presence/>")
        try juliet.wait("what was kept") { $0["id"] == "kept" }
        juliet.socket.reset()
        try server.reload { $0.database = "second.sqlite" }
        let (again, resumed) = try server.resume("juliet", name, handled: 0, address: juliet.address)
        #expect(resumed.isNamed("resumed"), "\(resumed)")
        try again.wait("it once more") { $0["id"] == "kept" }
        try again.disconnect()
        let last = try server.join("juliet", resource: "b")
        try last.wait("it from the new database") { $0["id"] == "kept" }
    }

    @Test("a rehearsal leaves no new database behind")
    func rehearsal() throws {
        let server = try ServerUnderTest()
        try server.configure { $0.database = "third.sqlite" }
        #expect(try server.xmppctl("reload", "--dry-run").status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: server.directory.path)
        #expect(!names.contains { $0.contains("third") }, "\(names)")
        #expect(try server.xmppctl("reload").status == 0)
        try server.addAccounts("juliet")
        #expect(try server.join("juliet").address.hasPrefix("juliet@localhost/"))
    }

    // MARK: Another user

    /// Gives the database to a user, with the directory that has nothing else in it.
    private func give(_ data: String, to user: String) throws {
        let facts = try #require(getpwnam(user)).pointee
        for name in try FileManager.default.contentsOfDirectory(atPath: data) + ["."] {
            #expect(chown("\(data)/\(name)", facts.pw_uid, facts.pw_gid) == 0)
        }
    }

    private func users(_ server: ServerUnderTest) throws -> Set<String> {
        Set(
            try pids(server).compactMap { pid in
                guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
                    let match = text.firstMatch(of: #/Uid:\s+(\d+)/#), let uid = UInt32(match.1), let user = getpwuid(uid)
                else { return nil }
                return String(cString: user.pointee.pw_name)
            })
    }

    @Test(
        "another user: workers are replaced one after another, and their sessions move",
        .enabled(if: geteuid() == 0, "this is for root"))
    func user() throws {
        let server = try ServerUnderTest(isStarted: false)
        let data = server.directory.file("data")
        try #require(mkdir(data, 0o700) == 0 && chmod(server.directory.path, 0o755) == 0)
        try server.configure {
            $0.database = "\(data)/xmppd.sqlite"
            $0.native = "user = \"nobody\""
            $0.modules += "\n[modules.mod_stream_management]"
            $0.drainTimeout = 1
        }
        try give(data, to: "nobody")
        try server.start()
        #expect(try users(server) == ["nobody"])
        try server.addAccounts("juliet", "romeo")
        let juliet = try server.join("juliet", resource: "a", toWorker: 0)
        let name = try juliet.enable()
        let before = try pids(server)
        try server.configure { $0.native = "user = \"daemon\"" }
        // The new one could not write to the database.
        let refused = try server.xmppctl("reload")
        #expect(refused.status == 78 && refused.error.contains("xmppd.storage.path"), "\(refused)")
        #expect(try pids(server) == before)
        try give(data, to: "daemon")
        let storm = ConnectStorm(server)
        try eventually("the storm to begin") { storm.opened > 10 }
        let answer = try server.xmppctl("reload")
        #expect(answer.status == 0, "\(answer)")
        #expect(answer.output.contains("workers are being replaced one after another"), "\(answer)")
        try eventually("all workers to be others", within: 60) {
            let status = try server.status()
            return status.state == "running" && Set(status.workers.compactMap(\.pid)).isDisjoint(with: before)
        }
        #expect(try users(server) == ["daemon"])
        #expect(try storm.stop().failures == [])
        let (again, resumed) = try server.resume("juliet", name, handled: 0, address: juliet.address)
        #expect(resumed.isNamed("resumed"), "\(resumed)")
        let romeo = try server.join("romeo")
        try romeo.send(note("after", juliet.address))
        try again.wait("a message") { $0["id"] == "after" }
        let group = try server.xmppctl("reload")
        #expect(group.output.hasPrefix("unchanged"), "\(group)")
    }

    // MARK: Another number

    @Test("more workers, then fewer: sessions of those that go move, or are told")
    func number() throws {
        let server = try ServerUnderTest {
            $0.modules += "\n[modules.mod_stream_management]"
            $0.drainTimeout = 1
        }
        try server.addAccounts("juliet", "romeo", "nurse")
        let nurse = try server.join("nurse", toWorker: 0)
        try server.reload { $0.workers = 4 }
        try eventually("four workers to serve") { try server.status().workers.map(\.state) == Array(repeating: "ready", count: 4) }
        let juliet = try server.join("juliet", resource: "a", toWorker: 3)
        let name = try juliet.enable()
        let romeo = try server.join("romeo", toWorker: 2)
        try romeo.send(note("1", juliet.address))
        try juliet.wait("a message between the new workers") { $0["id"] == "1" }
        try server.reload { $0.workers = 1 }
        #expect(try romeo.ending() == .init("system-shutdown"))
        try eventually("one worker to be left", within: 60) { try server.status().workers.count == 1 }
        let (again, resumed) = try server.resume("juliet", name, handled: 0, address: juliet.address)
        #expect(resumed.isNamed("resumed"), "\(resumed)")
        try nurse.send(note("2", juliet.address))
        try again.wait("a message on the last worker") { $0["id"] == "2" }
    }

    // MARK: Patience

    @Test("a worker that hangs is killed as early as the new watchdog_timeout says")
    func watchdog() throws {
        let server = try ServerUnderTest { $0.watchdogTimeout = 0 }
        try server.addAccounts("juliet")
        #expect(try server.reload { $0.watchdogTimeout = 2 }.paths == ["xmppd.watchdog_timeout"])
        let hung = try #require(try server.worker(1).pid)
        kill(hung, SIGSTOP)
        try eventually("the hung worker to be replaced", within: 60) {
            let worker = try server.worker(1)
            return worker.state == "ready" && worker.pid != hung
        }
    }

    @Test("clients that stay are told as early as the new drain_timeout says")
    func drain() throws {
        let server = try ServerUnderTest { $0.drainTimeout = 3_600 }
        try server.addAccounts("juliet")
        let juliet = try server.join("juliet", toWorker: 0)
        try server.reload { $0.drainTimeout = 1 }
        #expect(try server.xmppctl("restart", "--rolling").status == 0)
        #expect(try juliet.ending() == .init("system-shutdown"))
    }

    @Test("an open connection of a listener that has moved hibernates as the new options say")
    func hibernation() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "hibernate_after = \"infinity\"")] }
        try server.addAccounts("juliet")
        let juliet = try server.logIn("juliet")
        func count() throws -> Int64 {
            try (server.control("status")["workers"]?.array ?? []).reduce(0) { $0 + ($1["hibernations"]?.int ?? 0) }
        }
        #expect(try count() == 0)
        let port = try TCPSocket.freePort()
        try server.reload {
            $0.listeners[0].port = port
            $0.listeners[0].options = "hibernate_after = 0"
        }
        #expect(try juliet.ask("get", to: "localhost", "<ping xmlns='urn:xmpp:ping'/>")["type"] == "result")
        try eventually("a hibernation to be counted") { try count() > 0 }
    }
}
