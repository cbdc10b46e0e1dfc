import Foundation
import TestKit
import Testing
import XML

@Suite(
    "A program that is asked about users (auth.external)",
    .enabled(if: Programs.canRun(Programs.installed("python3")), "python3 is missing"), .timeLimit(.minutes(5)))
struct ExternalProgramTests {
    private func server(instances: Int = 1) throws -> ServerUnderTest {
        let server = try ServerUnderTest(isStarted: false)
        let python = try #require(Programs.installed("python3"))
        let program = try PortPrograms.write(to: server.directory, python: python)
        try server.configure { $0.auth = "[auth.external]\n  program = \"\(program)\"\n  instances = \(instances)" }
        try server.start()
        return server
    }

    private func plain(_ server: ServerUnderTest, _ user: String, _ password: String? = nil) throws -> String? {
        let client = try server.connect()
        try client.open()
        return try client.authenticate("PLAIN", "\0\(user)\0\(password ?? user + "-pw")")
    }

    @Test("logs users in, makes accounts, changes and removes them")
    func accounts() throws {
        let server = try server()
        let client = try server.connect()
        #expect(try client.open().has("register", "http://jabber.org/features/iq-register"))
        #expect(client.mechanisms == ["PLAIN"])
        #expect(try plain(server, "juliet") == nil)
        #expect(try plain(server, "juliet", "wrong") == "not-authorized")
        #expect(try plain(server, "nobody") == "not-authorized")
        #expect(try plain(server, "juliet", "a:b:c") == "not-authorized")
        #expect(try server.xmppctl("account", "exists", "juliet@localhost").status == 0)
        #expect(try server.xmppctl("account", "exists", "nobody@localhost").status == 1)
        // Each worker asks processes of its own, and those of the test keep users in their memory: one worker alone.
        let one = try ServerUnderTest(isStarted: false)
        let program = try PortPrograms.write(to: one.directory, python: try #require(Programs.installed("python3")))
        try one.configure {
            $0.workers = 1
            $0.auth = "[auth.external]\n  program = \"\(program)\""
        }
        try one.start()
        #expect(try one.xmppctl("account", "add", "new@localhost", input: "first:1\n").status == 0)
        #expect(try one.xmppctl("account", "add", "new@localhost", input: "x\n").status != 0)
        #expect(try one.xmppctl("account", "add", "nope@localhost", input: "x\n").status != 0)
        #expect(try plain(one, "new", "first:1") == nil)
        #expect(try one.xmppctl("account", "passwd", "new@localhost", input: "second\n").status == 0)
        #expect(try plain(one, "new", "first:1") == "not-authorized")
        #expect(try plain(one, "new", "second") == nil)
        #expect(try one.xmppctl("account", "remove", "new@localhost").status == 0)
        #expect(try plain(one, "new", "second") == "not-authorized")
        #expect(PortPrograms.started(in: one.directory) == 1)
    }

    @Test("is started again when it was killed, ends in a question, or talks nonsense; nothing of it is left over")
    func restarts() throws {
        let server = try server()
        // So many logins that both workers have asked.
        try eventually("a program for each worker") {
            try plain(server, "juliet") == nil && PortPrograms.started(in: server.directory) == 2
        }
        for pid in PortPrograms.living(in: server.directory) { kill(pid, SIGKILL) }
        try eventually("the killed to be reaped") { PortPrograms.living(in: server.directory).isEmpty }
        for _ in 0..<8 { #expect(try plain(server, "romeo") == nil) }
        #expect(try plain(server, "crash") == "temporary-auth-failure")
        #expect(try plain(server, "babble") == "temporary-auth-failure")
        try eventually("an answer after a crash") { try plain(server, "juliet") == nil }
        let living = PortPrograms.living(in: server.directory)
        #expect(living.count <= 2)
        #expect(server.log.contains("authentication method cannot answer"))
        #expect(try server.stop() == 0)
        try eventually("the programs to end with the server") { PortPrograms.living(in: server.directory).isEmpty }
    }

    @Test("that hangs costs the one who asked, not the others, and is killed")
    func hangs() throws {
        let server = try server(instances: 2)
        let stuck = try server.connect()
        try stuck.open()
        try stuck.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGhhbmcAeA==</auth>")
        for _ in 0..<8 { #expect(try plain(server, "juliet") == nil) }
        let failure = try stuck.wait("the end of patience", within: 60) { $0.isIn("urn:ietf:params:xml:ns:xmpp-sasl") }
        #expect(failure.firstChild?.name == "temporary-auth-failure")
        for _ in 0..<8 { #expect(try plain(server, "juliet") == nil) }
    }

    @Test("no descriptors are left over by programs that come and go")
    func descriptors() throws {
        let server = try server()
        func descriptors() throws -> Int {
            try (0..<2).reduce(0) { sum, slot in
                let pid = try #require(try server.worker(slot).pid)
                return sum + (try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count)
            }
        }
        func churn() throws {
            for _ in 0..<6 {
                try eventually("a program to crash") { try plain(server, "juliet") == nil && plain(server, "crash") != nil }
            }
            try eventually("an answer") { try plain(server, "juliet") == nil }
        }
        try churn()
        let before = try descriptors()
        try churn()
        try eventually("no more descriptors than before") { try descriptors() <= before + 3 }
    }

    @Test("goes when another configuration takes its place")
    func reload() throws {
        let server = try server()
        #expect(try plain(server, "juliet") == nil)
        try server.configure { $0.auth = "[auth.dummy]\n  base_time = 0\n  variance = 1" }
        #expect(try server.xmppctl("reload").status == 0)
        try eventually("the old programs to be gone") { PortPrograms.living(in: server.directory).isEmpty }
        #expect(try plain(server, "anybody") == nil)
    }
}
