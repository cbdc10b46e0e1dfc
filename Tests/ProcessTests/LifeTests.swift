import Foundation
import TestKit
import Testing
import XML

@Suite("Processes die, and the others go on", .timeLimit(.minutes(5)))
struct LifeTests {
    @Test("a killed worker: the other's sessions chat on, its slot is filled again, its sessions are seen to be gone")
    func workerIsKilled() throws {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet", "romeo", "nurse")
        let juliet = try server.join("juliet", resource: "balcony", toWorker: 0)
        let nurse = try server.join("nurse", resource: "chamber", toWorker: 0)
        let romeo = try server.join("romeo", resource: "orchard", toWorker: 1)
        try befriend(juliet, romeo)
        try juliet.send("<presence to='nurse@localhost'/>")
        try clear(juliet, nurse, romeo)

        let killed = try #require(try server.worker(1).pid)
        let moment = Deadline.now
        try server.killWorker(1)
        try eventually("the end of the worker") { server.hasEnded(killed) }

        try juliet.send("<message to='\(nurse.address)' type='chat'><body>Is he gone?</body></message>")
        try nurse.wait("a message from a session of the other worker") { $0.child("body")?.text == "Is he gone?" }

        let gone = try juliet.wait("the lost session to be unavailable") { $0["type"] == "unavailable" }
        #expect(gone["from"] == romeo.address)
        let refilled = try eventually("slot 1 to be filled again") {
            let worker = try server.worker(1)
            return worker.state == "ready" && worker.pid != killed ? worker : nil
        }
        print("a killed worker was replaced within \(Deadline.now - moment) ms")
        #expect(Deadline.now - moment < 10_000)
        #expect(refilled.restarts == 1)
        #expect(refilled.incarnation == 2)
        #expect(try server.worker(0).restarts == 0)
        #expect(try server.slot(of: romeo.address) == nil)

        let again = try server.join("romeo", resource: "orchard", toWorker: 1)
        try juliet.wait("the contact to be back") { $0.isNamed("presence") && $0["type"] == nil && $0["from"] == again.address }
        try again.send("<message to='\(juliet.address)' type='chat'><body>With love's light wings</body></message>")
        try juliet.wait("a message from the new worker") { $0.child("body")?.text == "With love's light wings" }
        let table = try server.xmppctl("status")
        #expect(table.status == 0)
        #expect(table.output.contains("\(refilled.pid ?? 0)"), "\(table.output)")
    }

    @Test("a killed master: the workers leave")
    func masterIsKilled() throws {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet")
        let juliet = try server.join("juliet")
        let pids = try server.status().workers.compactMap(\.pid)
        #expect(pids.count == 2)
        let moment = Deadline.now
        try server.killMaster()
        try eventually("the workers to leave", within: 10) { pids.allSatisfy(server.hasEnded) }
        print("the workers left within \(Deadline.now - moment) ms of their master's death")
        #expect(try juliet.ending() == .init("system-shutdown"))
        try server.start()
        #expect(try server.join("juliet").address.hasPrefix("juliet@localhost/"))
    }

    @Test("a second master with the same files is refused and harms nothing")
    func secondMasterIsRefused() throws {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet")
        let juliet = try server.join("juliet")
        let second = try server.launch(log: "second.log")
        #expect(second.wait() == 69)
        #expect(server.directory.read("second.log").contains("another xmppd is running (pid \(try server.status().master.pid))"))
        #expect(try juliet.ask("get", to: "localhost", "<ping xmlns='urn:xmpp:ping'/>")["type"] == "result")
        #expect(try server.status().state == "running")
    }

    @Test("an orderly stop tells the clients", arguments: [SIGTERM, SIGINT])
    func stopIsOrderly(_ signal: Int32) throws {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet", "romeo")
        let clients = [try server.join("juliet", toWorker: 0), try server.join("romeo", toWorker: 1)]
        let waiting = try server.connect()
        try waiting.open()
        let master = try #require(server.master)
        let pids = try server.status().workers.compactMap(\.pid)
        server.noteWorkers()
        master.signal(signal)
        for client in clients + [waiting] { #expect(try client.ending() == .init("system-shutdown")) }
        #expect(master.wait() == 0)
        #expect(pids.allSatisfy(server.hasEnded))
        #expect(!FileManager.default.fileExists(atPath: server.controlSocket))
        #expect(!FileManager.default.fileExists(atPath: server.directory.file("xmppd.pid")))
    }

    @Test("messages that were kept survive the death of everything")
    func storageSurvives() throws {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet", "romeo")
        let juliet = try server.join("juliet")
        try juliet.send("<message to='romeo@localhost' type='chat' id='kept'><body>Good night</body></message>")
        try clear(juliet)
        try server.killMaster()
        try eventually("the workers to leave") { server.workerPids.allSatisfy(server.hasEnded) }
        try server.start()
        let romeo = try server.join("romeo")
        let message = try romeo.wait("the message that was kept") { $0["id"] == "kept" }
        #expect(message.child("body")?.text == "Good night")
        #expect(message.has("delay", "urn:xmpp:delay"))
    }
}
