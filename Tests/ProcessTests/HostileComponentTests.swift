import Foundation
import IPC
import SASL
import TestKit
import Testing
import XML

/// Components that do what they should not, at a server with two workers.
@Suite("A hostile component", .timeLimit(.minutes(5)))
struct HostileComponentTests {
    private static let domain = "echo.localhost"

    private func server(_ options: String = "") throws -> ServerUnderTest {
        let server = try ServerUnderTest {
            $0.rest = """
                [[listen.service]]
                  port = 0
                  ip_address = "127.0.0.1"
                  password = "secret"
                  \(options)
                """
        }
        try server.addAccounts("juliet", "romeo")
        return server
    }

    private static func component(_ port: UInt16, _ domain: String = domain, _ attributes: String = "") throws -> TestClient {
        let component = try TestClient(port: port, domain: domain)
        try component.send(
            "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='\(domain)'\(attributes)>"
        )
        guard case .header(let header) = try component.nextEvent(), let id = header["id"],
            let proof = ComponentHandshake.proof(id: id, password: "secret")
        else { throw TestFailure("no header") }
        try component.send("<handshake>\(proof)</handshake>")
        return component
    }

    private func accepted(_ server: ServerUnderTest, _ domain: String = domain, _ attributes: String = "") throws -> TestClient {
        let component = try Self.component(server.ports[1], domain, attributes)
        try component.wait("the handshake") { $0.isNamed("handshake") }
        return component
    }

    @Test("rubbish, stanzas of others and too large ones end its stream or come back")
    func rubbish() throws {
        let server = try server("max_stanza_size = 100000")
        for (text, condition) in [
            ("<<<", "not-well-formed"), ("<other xmlns='urn:x'/>", "unsupported-stanza-type"),
            (
                "<message from='\(Self.domain)' to='juliet@localhost'><body>\(String(repeating: "x", count: 300_000))",
                "policy-violation"
            ),
        ] {
            let component = try accepted(server)
            try component.send(text)
            #expect(try component.ending().condition == condition, "\(text.prefix(20))")
        }
        let component = try accepted(server)
        for addresses in ["from='x@\(Self.domain)'", "to='juliet@localhost'", "from='juliet@localhost' to='romeo@localhost'"] {
            try component.send("<message \(addresses) id='m'><body>x</body></message>")
            try component.wait("an error for \(addresses)") { $0["id"] == "m" && $0["type"] == "error" }
        }
    }

    @Test("one that floods and one that stops reading: users of both workers go on, senders get errors")
    func flood() throws {
        let server = try server()
        let juliet = try server.join("juliet", toWorker: 0)
        let romeo = try server.join("romeo", toWorker: 1)
        let flooder = try accepted(server)
        let port = server.ports[1]
        let done = Signal()
        nonisolated(unsafe) let socket = flooder
        Thread.detachNewThread {
            for _ in 0..<200 {
                let text = "<message from='\(Self.domain)' to='juliet@localhost/none' type='headline'><body>x</body></message>"
                _ = try? socket.send(String(repeating: text, count: 100))
            }
            done.give()
        }
        for number in 0..<50 {
            try juliet.send("<message to='\(romeo.address)' id='c\(number)' type='chat'><body>x</body></message>")
            try romeo.wait("message \(number)") { $0["id"] == "c\(number)" }
        }
        try eventually("the flood to end", within: 60) { done.given }
        let deaf = try Self.component(port, "deaf.localhost")
        try deaf.wait("the handshake") { $0.isNamed("handshake") }
        let filler = String(repeating: "x", count: 60_000)
        var number = 0
        while !juliet.hasInput, number < 1_000 {
            number += 1
            try juliet.send("<message to='deaf.localhost' id='f\(number)' type='chat'><body>\(filler)</body></message>")
        }
        let error = try juliet.wait("an error") { $0["type"] == "error" }
        #expect(error["id"]?.hasPrefix("f") == true)
        try romeo.send("<message to='\(Self.domain)' id='after' type='chat'><body>x</body></message>")
        try flooder.wait("a message") { $0["id"] == "after" }
    }

    @Test("thousands that never shake hands: users and components go on")
    func strangers() throws {
        let server = try server("state_timeout = 60000")
        let juliet = try server.join("juliet", toWorker: 0)
        let component = try accepted(server)
        var streams: [TestClient] = []
        for number in 1...2_000 {
            let stream = TestClient(try TCPSocket(port: server.ports[1]), domain: Self.domain)
            try stream.send("<stream:stream xmlns='jabber:component:accept' ")
            streams.append(stream)
            guard number % 200 == 0 else { continue }
            try juliet.send("<message to='\(Self.domain)' id='c\(number)'><body>x</body></message>")
            try component.wait("message \(number)") { $0["id"] == "c\(number)" }
        }
    }

    @Test("of many that ask for one name at the same moment, on both workers, one has it")
    func conflict() throws {
        let server = try server()
        let port = server.ports[1]
        for _ in 0..<5 {
            let taken = try Concurrently.run(12) { _ in
                let component = try Self.component(port)
                guard case .element(let answer) = try component.nextEvent(), answer.isNamed("handshake") else { return false }
                // Held until all have asked: it is the one of the list below.
                _ = try? component.nextEvent(Deadline(seconds: 2))
                return true
            }
            #expect(taken.filter { $0 }.count == 1)
            try eventually("the name to be free") { try server.control("component.list")["rows"]?.array?.isEmpty == true }
        }
    }

    @Test("is_subdomain serves the name below each host, and no host's own name")
    func subdomain() throws {
        let server = try server()
        let component = try accepted(server, "echo", " is_subdomain='true'")
        let juliet = try server.join("juliet", toWorker: 0)
        try juliet.send("<message to='a@echo.localhost' id='m'><body>x</body></message>")
        try component.wait("a message") { $0["id"] == "m" }
        #expect(try Self.component(server.ports[1]).ending() == .init("conflict"))
        #expect(try Self.component(server.ports[1], "localhost").ending() == .init("conflict"))
    }
}
