import Foundation
import TestKit
import Testing
import XML

@Suite("The server is restarted while it serves", .timeLimit(.minutes(5)))
struct RestartTests {
    @Test("one worker after the other: no connect is refused", arguments: [false, true])
    func rollingUnderConnects(_ hasSocketEach: Bool) throws {
        let server = try ServerUnderTest {
            $0.listeners = [.init(options: hasSocketEach ? "reuse_port = true" : "")]
            $0.drainTimeout = 1
        }
        try server.addAccounts("juliet")
        let before = try server.status()
        let storm = ConnectStorm(server)
        try eventually("the storm to begin") { storm.opened > 20 }
        for _ in 0..<2 {
            let outcome = try server.xmppctl("restart", "--rolling")
            #expect(outcome.status == 0, "\(outcome.error) \(server.log)")
            #expect(outcome.output.contains("2 workers restarted, and the master"))
            #expect(outcome.output.contains("worker 0 (1 of 2): the new one starts"))
        }
        let tally = try storm.stop()
        print("\(tally.opened) streams opened during two rolling restarts, \(tally.failures.count) not")
        #expect(tally.failures == [])
        let after = try server.status()
        #expect(after.state == "running" && after.master.pid == before.master.pid)
        #expect(Set(after.workers.compactMap(\.pid)).isDisjoint(with: before.workers.compactMap(\.pid)))
        #expect(after.workers.map(\.restarts) == [2, 2])
        #expect(try server.join("juliet").address.hasPrefix("juliet@localhost/"))
    }

    @Test("who does not leave by the deadline is told system-shutdown, and contacts on other workers see it go")
    func drainTimeout() throws {
        let server = try ServerUnderTest { $0.drainTimeout = 1 }
        try server.addAccounts("juliet", "romeo")
        let juliet = try server.join("juliet", toWorker: 0)
        let romeo = try server.join("romeo", toWorker: 1)
        try befriend(juliet, romeo)
        try clear(juliet, romeo)
        let outcome = try server.xmppctl("restart", "--rolling", "--json")
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("\"step\": \"draining\""))
        #expect(try juliet.ending() == .init("system-shutdown"))
        let gone = try romeo.wait("the contact to be unavailable") { $0["type"] == "unavailable" }
        #expect(gone["from"] == juliet.address)
        #expect(try romeo.ending() == .init("system-shutdown"))
        #expect(try server.sessions().isEmpty)
    }

    @Test("another image of the master goes on with the workers; nobody notices")
    func masterIsExecutedAnew() throws {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet", "romeo")
        let juliet = try server.join("juliet", toWorker: 0)
        let romeo = try server.join("romeo", toWorker: 1)
        let before = try server.status()
        for _ in 0..<3 {
            let outcome = try server.xmppctl("restart", "--master")
            #expect(outcome.status == 0, "\(outcome.error) \(server.log)")
            #expect(outcome.output.contains("the master has been restarted"))
        }
        let after = try server.status()
        #expect(after.master.pid == before.master.pid && after.state == "running")
        #expect(after.workers.map(\.pid) == before.workers.map(\.pid))
        try juliet.send("<message to='\(romeo.address)' type='chat'><body>Still here?</body></message>")
        try romeo.wait("a message after the change") { $0.child("body")?.text == "Still here?" }

        let killed = try #require(try server.worker(1).pid)
        try server.killWorker(1)
        try eventually("slot 1 to be filled again") {
            let worker = try server.worker(1)
            return worker.state == "ready" && worker.pid != killed
        }
        let again = try server.join("romeo", toWorker: 1)
        try juliet.send("<message to='\(again.address)' type='chat'><body>And now?</body></message>")
        try again.wait("a message on the new worker") { $0.child("body")?.text == "And now?" }
        #expect(try server.xmppctl("reload").status == 0)
        let second = try server.launch(log: "second.log")
        #expect(second.wait() == 69)
        #expect(try server.stop() == 0)
    }

    @Test("everything is stopped and begins anew in the same process")
    func wholeServer() throws {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet")
        let juliet = try server.join("juliet")
        let before = try server.status()
        let outcome = try server.xmppctl("restart")
        #expect(outcome.status == 0, "\(outcome.error) \(server.log)")
        #expect(try juliet.ending() == .init("system-shutdown"))
        let after = try server.status()
        #expect(after.master.pid == before.master.pid && after.state == "running")
        #expect(after.workers.map(\.restarts) == [0, 0])
        #expect(Set(after.workers.compactMap(\.pid)).isDisjoint(with: before.workers.compactMap(\.pid)))
        // A configuration that would be refused keeps it from being stopped at all.
        try server.configure { $0.general = "no_such_option = 1" }
        let refused = try server.xmppctl("restart")
        #expect(refused.status == 1 && refused.error.contains("nothing has been stopped"), "\(refused.error)")
        #expect(try server.status().state == "running")
    }

    @Test("a worker that hangs is killed and replaced")
    func hungWorker() throws {
        let server = try ServerUnderTest { $0.watchdogTimeout = 2 }
        try server.addAccounts("juliet")
        let juliet = try server.join("juliet", toWorker: 0)
        let hung = try #require(try server.worker(1).pid)
        kill(hung, SIGSTOP)
        try eventually("the hung worker to be replaced", within: 30) {
            let worker = try server.worker(1)
            return worker.state == "ready" && worker.pid != hung
        }
        #expect(server.log.contains("gives no sign of life and is killed"))
        #expect(try juliet.ask("get", to: "localhost", "<ping xmlns='urn:xmpp:ping'/>")["type"] == "result")
    }

    @Test("a worker that is killed again and again: status says so")
    func killStorm() throws {
        let server = try ServerUnderTest()
        var last: Int32 = 0
        for _ in 0..<12 {
            try eventually("slot 1 to be filled anew") {
                let worker = try server.worker(1)
                return worker.state == "ready" && worker.pid != last
            }
            last = try server.killWorker(1)
        }
        let status = try eventually("the next start to be put off") {
            let outcome = try server.xmppctl("status")
            return outcome.output.contains("next start in") ? outcome.output : nil
        }
        #expect(status.contains("worker 1 died"), "\(status)")
        #expect(status.contains("(killed by signal 9 (SIGKILL)), next start in"), "\(status)")
        try eventually("it to be back", within: 30) { try server.status().state == "running" }
    }
}
