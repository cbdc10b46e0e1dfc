import TestKit
import Testing
import XML

@Suite("Accounts made by clients (XEP-0077)", .timeLimit(.minutes(5)))
struct RegistrationTests {
    private func form(_ user: String, _ password: String) -> String {
        "<query xmlns='jabber:iq:register'><username>\(user)</username><password>\(password)</password><name>n</name><email>e</email></query>"
    }

    private func condition(_ answer: Element) -> String? { answer.child("error")?.firstChild?.name }

    @Test("many on one stream that never logs in; each can log in at once, on any worker")
    func registers() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "c2s_state_timeout = 1500")] }
        let stream = try server.connect()
        #expect(try stream.open().has("register", "http://jabber.org/features/iq-register"))
        let fields = try stream.ask("get", to: "localhost", "<query xmlns='jabber:iq:register'/>").firstChild
        #expect(fields?.has("username") == true)
        #expect(fields?.has("password") == true)
        let begun = Deadline.now
        for number in 0..<100 {
            #expect(try stream.ask("set", to: "localhost", form("user\(number)", "secret"))["type"] == "result")
            guard number % 16 == 0 else { continue }
            let client = try server.connect()
            try client.logIn("user\(number)", password: "secret")
            try client.disconnect()
        }
        #expect(condition(try stream.ask("set", form("user0", "other"))) == "conflict")
        #expect(condition(try stream.ask("set", form("", "secret"))) == "not-acceptable")
        #expect(condition(try stream.ask("set", form("a b", "secret"))) == "not-acceptable")
        #expect(
            condition(try stream.ask("set", "<query xmlns='jabber:iq:register'><username>x</username></query>"))
                == "not-acceptable")
        // The stream outlives the time that a client without a session has.
        try eventually("the time of a stream without session to be over") { Deadline.now - begun > 2_000 }
        #expect(try stream.ask("set", form("late", "secret"))["type"] == "result")
        try stream.disconnect()
    }

    @Test("are not offered without TLS where there is TLS")
    func needsTLS() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(.required), .init(.optional)] }
        for listener in 0..<2 {
            let client = try server.connect(listener: listener)
            #expect(try client.open().has("register", "http://jabber.org/features/iq-register") == false)
            try client.send("<iq type='set' id='r'>\(form("x", "y"))</iq>")
            #expect(try client.ending().condition == "not-authorized")
        }
    }

    @Test("a password is changed, an account removed by its user, with its sessions and subscriptions")
    func changes() throws {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("juliet", "romeo")
        let juliet = try server.join("juliet", toWorker: 0)
        let second = try server.join("juliet", toWorker: 1)
        let romeo = try server.join("romeo", toWorker: 1)
        try befriend(juliet, romeo)
        #expect(try juliet.ask("set", to: "localhost", form("juliet", "changed"))["type"] == "result")
        #expect(throws: TestFailure.self) { try server.connect().logIn("juliet") }
        let again = try server.connect()
        try again.logIn("juliet", password: "changed")
        #expect(try juliet.ask("set", to: "romeo@localhost", form("romeo", "stolen"))["type"] == "error")
        #expect(try juliet.ask("set", to: "localhost", form("romeo", "stolen"))["type"] == "error")

        try clear(juliet, romeo)
        let removal = try juliet.ask("set", to: "localhost", "<query xmlns='jabber:iq:register'><remove/></query>")
        #expect(removal["type"] == "result")
        for client in [juliet, second, again] { #expect(try client.ending() == .init("not-authorized")) }
        try romeo.wait("the end of his subscription") { $0["type"] == "unsubscribed" && $0["from"] == "juliet@localhost" }
        try romeo.wait("the end of hers") { $0["type"] == "unsubscribe" && $0["from"] == "juliet@localhost" }
        #expect(try romeo.fetchRoster().firstChild?.firstChild?["subscription"] == "none")
        #expect(throws: TestFailure.self) { try server.connect().logIn("juliet", password: "changed") }
        #expect(try server.xmppctl("account", "exists", "juliet@localhost").status == 1)
    }
}
