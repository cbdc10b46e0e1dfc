import TestKit
import Testing
import XML

@Suite("Logging in", .timeLimit(.minutes(5)))
struct LoginTests {
    private static let sasl = "urn:ietf:params:xml:ns:xmpp-sasl"

    private func fail(_ client: TestClient, _ auth: String) throws -> String? {
        try client.send(auth)
        let answer = try client.wait("the outcome of SASL") { $0.isIn(Self.sasl) }
        return answer.isNamed("failure") ? answer.firstChild?.name : answer.name
    }

    @Test("a wrong password and an unknown user look the same, and the stream goes on to an orderly end")
    func failures() throws {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet")
        for user in ["juliet", "nobody"] {
            let client = try server.connect()
            try client.open()
            #expect(throws: TestFailure.self) { try client.authenticate(user, password: "wrong") }
            #expect(
                try fail(client, "<auth xmlns='\(Self.sasl)' mechanism='SCRAM-SHA-1'>biwsbj1ub2JvZHkscj1hYmM=</auth>")
                    == "challenge")
            #expect(try fail(client, "<abort xmlns='\(Self.sasl)'/>") == "aborted")
            #expect(try fail(client, "<auth xmlns='\(Self.sasl)' mechanism='LOGIN'/>") == "invalid-mechanism")
            #expect(try fail(client, "<auth xmlns='\(Self.sasl)' mechanism='PLAIN'>&quot;</auth>") == "incorrect-encoding")
            try client.send("</stream:stream>")
            #expect(try client.ending() == .init(nil))
        }
        let client = try server.connect()
        try client.open()
        for _ in 0..<4 { #expect(throws: TestFailure.self) { try client.authenticate("juliet", password: "wrong") } }
        #expect(throws: TestFailure.self) { try client.authenticate("juliet", password: "wrong") }
        #expect(try client.ending() == .init("policy-violation"))
    }

    @Test("what is offered: TLS alone where it is required, SCRAM and PLAIN where there is none")
    func offers() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(.none), .init(.optional), .init(.required)] }
        func mechanisms(_ listener: Int) throws -> [String] {
            let client = try server.connect(listener: listener)
            let features = try client.open()
            return (features.child("mechanisms", Self.sasl)?.children.map(\.text) ?? [])
                + (features.has("starttls", "urn:ietf:params:xml:ns:xmpp-tls") ? ["STARTTLS"] : [])
        }
        let (clear, optional) = (try mechanisms(0), try mechanisms(1))
        #expect(Set(clear).isSuperset(of: ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]), "\(clear)")
        #expect(Set(optional) == Set(clear).subtracting(["PLAIN"]).union(["STARTTLS"]))
        #expect(!clear.contains { $0.hasSuffix("-PLUS") })
        #expect(try mechanisms(2) == ["STARTTLS"])
    }

    @Test("resources are kept as asked, made where none is asked, and refused where they cannot be (RFC 6120 §7)")
    func binding() throws {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("juliet")
        let client = try server.connect()
        try client.open()
        try client.authenticate("juliet", password: "juliet")
        try client.open()
        #expect(client.features.has("bind", "urn:ietf:params:xml:ns:xmpp-bind"))
        let bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        let refused = try client.ask("set", "\(bind)<resource>\u{200E}</resource></bind>")
        #expect(refused.child("error")?.firstChild?.name == "bad-request")
        try client.bind("BalconÿÄ")
        #expect(client.address == "juliet@localhost/BalconÿÄ")
        #expect(try client.ask("set", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>")["type"] == "result")
        let other = try server.logIn("juliet")
        #expect(other.address.hasPrefix("juliet@localhost/"))
        #expect(other.address.count > "juliet@localhost/".count + 8)
    }

    @Test("each to each, three messages: all come, in order, to oneself as well")
    func allToAll() throws {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("a", "b", "c", "d")
        let clients = try ["a", "b", "c", "d"].enumerated().map { try server.join($1, toWorker: $0 % 2) }
        for sender in clients {
            for receiver in clients {
                for number in 0..<3 {
                    try sender.send("<message id='\(number)' to='\(receiver.address)'><body>x</body></message>")
                }
            }
        }
        for heard in try settle(clients) {
            for sender in clients {
                #expect(
                    heard.filter { $0["from"] == sender.address && $0.isNamed("message") }.map { $0["id"] } == ["0", "1", "2"])
            }
        }
    }

    @Test("an administrator closes sessions, changes passwords and removes accounts")
    func administration() throws {
        let server = try ServerUnderTest.shared()
        let added = try server.xmppctl("account", "add", "juliet@localhost", "--password", "secret")
        #expect(added.status == 0)
        #expect(try server.xmppctl("account", "add", "juliet@localhost", "--password", "secret").status != 0)
        #expect(try server.xmppctl("account", "add", "nurse@localhost", input: "from standard input\n").status == 0)
        #expect(try server.xmppctl("account", "list").output == "juliet@localhost\nnurse@localhost\n")
        let nurse = try server.connect()
        try nurse.logIn("nurse", password: "from standard input")
        for slot in 0..<2 {
            let juliet = try server.connect()
            try juliet.logIn("juliet", password: slot == 0 ? "secret" : "changed")
            let kicked = try server.xmppctl(
                "session", "kick", slot == 0 ? "juliet@localhost" : juliet.address, "--reason", "Good night")
            #expect(kicked.output == "1 session closed\n")
            #expect(try juliet.ending().hasFooter)
            #expect(try server.xmppctl("account", "passwd", "juliet@localhost", "--password", "changed").status == 0)
        }
        #expect(try server.xmppctl("account", "remove", "nurse@localhost").status == 0)
        #expect(try nurse.ending() == .init("not-authorized"))
        #expect(try server.xmppctl("account", "exists", "nurse@localhost").status == 1)
        #expect(try server.xmppctl("session", "count").output == "0\n")
    }
}
