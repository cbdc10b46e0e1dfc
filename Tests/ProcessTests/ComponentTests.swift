import Foundation
import IPC
import SASL
import TestKit
import Testing
import XML

/// External components at a server with two workers: a scripted one, and slixmpp's.
@Suite("Components at a server", .timeLimit(.minutes(5)))
struct ComponentTests {
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

    /// A component that does what the test says, registered for a domain.
    private func component(_ server: ServerUnderTest, _ domain: String = domain, password: String = "secret") throws -> TestClient {
        let component = try TestClient(port: server.ports[1], domain: domain, of: server)
        try component.send(
            "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='\(domain)'>")
        guard case .header(let header) = try component.nextEvent(), let id = header["id"],
            let proof = ComponentHandshake.proof(id: id, password: password)
        else { throw TestFailure("no header") }
        #expect(header["from"] == domain && header.namespaces.content == "jabber:component:accept")
        try component.send("<handshake>\(proof)</handshake>")
        return component
    }

    private func accepted(_ server: ServerUnderTest, _ domain: String = domain) throws -> TestClient {
        let component = try component(server, domain)
        try component.wait("the handshake") { $0.isNamed("handshake") }
        return component
    }

    @Test("users of both workers and a component write to each other")
    func conversation() throws {
        let server = try server()
        let component = try accepted(server)
        for (name, slot) in [("juliet", 0), ("romeo", 1)] {
            let client = try server.join(name, toWorker: slot)
            try client.send("<message to='a@\(Self.domain)/x' type='chat' id='\(name)'><body>hello</body></message>")
            let message = try component.wait("a message") { $0["id"] == name }
            #expect(message["from"] == client.address && message["to"] == "a@\(Self.domain)/x")
            #expect(message.namespace == "jabber:component:accept")
            try component.send("<message from='a@\(Self.domain)/x' to='\(client.address)' id='back'><body>hi</body></message>")
            #expect(try client.wait("an answer") { $0["id"] == "back" }["from"] == "a@\(Self.domain)/x")
        }
        let items = try server.join("juliet", toWorker: 1).ask(
            "get", to: "localhost", "<query xmlns='http://jabber.org/protocol/disco#items'/>")
        #expect(items.firstChild?.children.map { $0["jid"] } == [Self.domain])
        try component.disconnect()
    }

    @Test("a wrong handshake, a name that is taken, and a stanza before the handshake end the stream")
    func refusals() throws {
        let server = try server()
        #expect(try component(server, password: "guess").ending() == .init("not-authorized"))
        #expect(try component(server, "localhost").ending() == .init("conflict"))
        let first = try accepted(server)
        for _ in 0..<4 { #expect(try component(server).ending() == .init("conflict")) }
        let early = try TestClient(port: server.ports[1], domain: Self.domain, of: server)
        try early.send(
            "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='x.localhost'>"
                + "<message from='x.localhost' to='juliet@localhost'/>")
        #expect(try early.ending() == .init("not-authorized"))
        try first.disconnect()
        try accepted(server).disconnect()
    }

    @Test("kick_old: the last one has the domain, on whichever workers they are")
    func replacement() throws {
        let server = try server("conflict_behaviour = \"kick_old\"")
        var last = try accepted(server)
        for _ in 0..<6 {
            let next = try accepted(server)
            #expect(try last.ending() == .init("conflict"))
            last = next
        }
        let client = try server.join("juliet", toWorker: 0)
        try client.send("<message to='\(Self.domain)' id='m'><body>x</body></message>")
        try last.wait("the message") { $0["id"] == "m" }
    }

    @Test("the worker that has it dies: it comes back to another, and its users get errors meanwhile")
    func death() throws {
        let server = try server()
        let component = try accepted(server)
        let list = try server.control("component.list")
        let slot = try #require(list["rows"]?.array?.first?["worker"]?.int)
        let client = try server.join("juliet", toWorker: slot == 0 ? 1 : 0)
        _ = try server.killWorker(Int(slot))
        _ = try? component.ending()
        let answer = try eventually("an error") { () -> Element? in
            let id = client.newID()
            try client.send("<iq type='get' to='\(Self.domain)' id='\(id)'><ping xmlns='urn:xmpp:ping'/></iq>")
            // What was on its way to the dead worker is gone.
            let answer = try? client.wait("an answer", within: 1) { $0["id"] == id }
            return answer?["type"] == "error" ? answer : nil
        }
        #expect(answer.child("error")?.firstChild?.name == "remote-server-not-found")
        let next = try accepted(server)
        try client.send("<message to='\(Self.domain)' id='m'><body>x</body></message>")
        try next.wait("the message") { $0["id"] == "m" }
    }

    @Test("administrators see and close it, and a reload changes what it may do")
    func administration() throws {
        let server = try server()
        let component = try accepted(server)
        let list = try server.xmppctl("component", "list")
        #expect(list.status == 0 && list.output.contains(Self.domain) && list.output.contains("127.0.0.1"))
        try component.send("<message from='romeo@localhost' to='juliet@localhost' id='spoofed'><body>x</body></message>")
        #expect(try component.wait("an error") { $0["id"] == "spoofed" }.child("error")?.firstChild?.name == "bad-request")
        try server.configure { $0.rest += "\n  check_from = false" }
        #expect(try server.xmppctl("reload").status == 0)
        let client = try server.join("juliet", toWorker: 0)
        try component.send("<message from='romeo@localhost' to='\(client.address)' id='spoken'><body>x</body></message>")
        #expect(try client.wait("the message") { $0["id"] == "spoken" }["from"] == "romeo@localhost")
        #expect(try server.xmppctl("component", "kick", Self.domain).status == 0)
        #expect(try component.ending() == .init("policy-violation"))
        #expect(try server.xmppctl("component", "kick", Self.domain).status == 1)
    }

    @Test("TLS from the first byte")
    func encryption() throws {
        let directory = try ScratchDirectory()
        let certificate = try Authority.selfSigned("localhost", in: directory)
        let server = try server("[listen.service.tls]\n  certfile = \"\(certificate)-both.pem\"")
        let component = try TestClient(port: server.ports[1], domain: Self.domain, of: server)
        _ = try component.socket.startTLS(domain: Self.domain)
        try component.send(
            "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='\(Self.domain)'>")
        guard case .header = try component.nextEvent() else { throw TestFailure("no header") }
    }

    @Test("slixmpp's component answers users, and its presence is seen")
    func slixmpp() throws {
        guard let python = Programs.python else { throw TestFailure("there is no Python with slixmpp; see packaging/dev") }
        let server = try server()
        let log = server.directory.file("component.log")
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var pipe: [Int32] = [0, 0]
        #expect(Glibc.pipe(&pipe) == 0)
        let process = try ChildProcess(
            python, ["\(Programs.root)/Tests/Interop/slix_component.py", Self.domain, "secret", "127.0.0.1", "\(server.ports[1])"],
            input: pipe[0], output: output, error: output,
            variables: ["PYTHONDONTWRITEBYTECODE": "1", "HOME": server.directory.path])
        close(pipe[0])
        close(output)
        defer { close(pipe[1]) }
        try eventually("the component to be ready; its log: \(server.directory.read("component.log"))", within: 60) {
            server.directory.read("component.log").contains("ready")
        }
        let client = try server.join("juliet", toWorker: 0)
        try client.send("<message to='bot@\(Self.domain)' type='chat'><body>hello</body></message>")
        let echo = try client.wait("an echo") { $0.isNamed("message") }
        #expect(echo.child("body")?.text == "echo: hello" && echo["from"] == "bot@\(Self.domain)")
        #expect(
            try client.ask("get", to: Self.domain, "<query xmlns='http://jabber.org/protocol/disco#info'/>")["type"] == "result")
        try client.send("<presence type='subscribe' to='bot@\(Self.domain)'/>")
        let presence = try client.wait("presence") { $0.isNamed("presence") && $0["from"] == "bot@\(Self.domain)/here" }
        #expect(presence.child("status")?.text == "here")
        close(pipe[1])
        pipe[1] = -1
        _ = process.wait()
    }
}
