import TestKit
import Testing
import XML

/// What happens to a session, and to those who talk to it, while it has no connection (XEP-0198 §5).
@Suite("Sessions are resumed", .timeLimit(.minutes(5)))
struct ResumptionTests {
    private func stage(_ options: String = "", _ more: String = "") throws -> ServerUnderTest {
        let server = try ServerUnderTest.shared { $0.modules += "\n[modules.mod_stream_management]\n\(options)\n\(more)" }
        try server.addAccounts("juliet", "romeo", "nurse")
        return server
    }

    private func ids(_ stanzas: [Element]) -> [String] { stanzas.filter { $0.isNamed("message") }.compactMap { $0["id"] } }

    private func note(_ id: String, _ to: String) -> String {
        "<message id='\(id)' type='chat' to='\(to)'><body>\(id)</body></message>"
    }

    /// Sends one's presence in front of others: everybody has what was sent before.
    private func barrier(_ sender: TestClient, _ receiver: TestClient, _ id: String) throws {
        try sender.send("<message type='headline' to='\(receiver.address)' id='\(id)'/>")
        try receiver.wait("the barrier \(id)") { $0["id"] == id }
    }

    @Test("on either worker, from either worker: what came meanwhile comes once and in order", arguments: [0, 1], [0, 1])
    func acrossWorkers(_ from: Int, _ to: Int) throws {
        let server = try stage()
        let romeo = try server.join("romeo", toWorker: 0)
        let juliet = try server.join("juliet", resource: "a", toWorker: from)
        let name = try juliet.enable()
        var handled = 0
        for number in 0..<3 {
            try romeo.send(note("before\(number)", juliet.address))
            try juliet.wait("a message") { $0["id"] == "before\(number)" }
            handled += 1
        }
        juliet.socket.reset()
        for number in 0..<30 { try romeo.send(note("\(number)", number % 2 == 0 ? juliet.address : juliet.bare)) }
        let (again, answer) = try server.resume("juliet", name, handled: handled, address: juliet.address, toWorker: to)
        try #require(answer.isNamed("resumed"), "\(answer)")
        #expect(answer["previd"] == name)
        for number in 30..<40 { try romeo.send(note("\(number)", juliet.address)) }
        try again.wait("the last message") { $0["id"] == "39" }
        #expect(ids(again.takeUnread()) == (0..<39).map(String.init))
        #expect(try server.slot(of: juliet.address) == to)
        try again.send(note("back", romeo.address))
        #expect(try romeo.wait("a message of the resumed session") { $0["id"] == "back" }["from"] == juliet.address)
        #expect(try again.askForCount() == 1)
    }

    @Test("again and again between the workers, while messages come without a pause")
    func backAndForth() throws {
        let server = try stage()
        let romeo = try server.join("romeo", toWorker: 0)
        var juliet = try server.join("juliet", resource: "a", toWorker: 0)
        let (name, address) = (try juliet.enable(), juliet.address)
        var heard: [String] = []
        var handled = 0
        for round in 0..<10 {
            for number in 0..<10 { try romeo.send(note("\(round * 10 + number)", number % 2 == 0 ? address : "juliet@localhost")) }
            juliet.socket.reset()
            let (again, answer) = try server.resume("juliet", name, handled: handled, address: address, toWorker: (round + 1) % 2)
            try #require(answer.isNamed("resumed"), "\(answer)")
            juliet = again
            // Half of them are acknowledged; the others come again.
            for _ in 0..<5 {
                heard.append(try again.wait("a message") { $0.isNamed("message") }["id"] ?? "")
                handled += 1
            }
            try again.send("<a xmlns='urn:xmpp:sm:3' h='\(handled)'/>")
        }
        while heard.count < 100 {
            heard.append(try juliet.wait("the rest after \(heard)") { $0.isNamed("message") }["id"] ?? "")
        }
        #expect(heard == (0..<100).map(String.init))
    }

    @Test("contacts see nothing of it; a lost session that is not resumed is gone in the end")
    func presence() throws {
        let server = try stage("  resume_timeout = 2")
        let romeo = try server.join("romeo", toWorker: 0)
        let juliet = try server.join("juliet", resource: "a", toWorker: 1)
        try befriend(romeo, juliet)
        let name = try juliet.enable()
        juliet.socket.reset()
        let (again, answer) = try server.resume("juliet", name, handled: 0, address: juliet.address, toWorker: 0)
        try #require(answer.isNamed("resumed"))
        try barrier(again, romeo, "here")
        #expect(romeo.takeUnread().filter { $0.isNamed("presence") }.isEmpty)
        try romeo.send("<presence><status>new</status></presence>")
        try again.wait("presence of a contact, after it was resumed") { $0.child("status")?.text == "new" }
        again.socket.reset()
        let gone = try romeo.wait("the session to be unavailable") { $0["type"] == "unavailable" }
        #expect(gone["from"] == juliet.address)
        #expect(try server.slot(of: juliet.address) == nil)
    }

    @Test("carbons stay on; the client counts as active, and gets what was held back for it (XEP-0352 §5.2)", arguments: [0, 1])
    func states(_ to: Int) throws {
        let server = try stage()
        let romeo = try server.join("romeo", toWorker: 0)
        let other = try server.join("juliet", resource: "b", toWorker: 0)
        let juliet = try server.join("juliet", resource: "a", toWorker: 1)
        try befriend(romeo, other)
        try clear(juliet)
        _ = try juliet.ask("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
        let name = try juliet.enable()
        try juliet.send("<inactive xmlns='urn:xmpp:csi:0'/>")
        #expect(try juliet.askForCount() == 0)
        try romeo.send("<presence><status>held</status></presence>")
        try other.wait("the presence") { $0.child("status")?.text == "held" }
        juliet.socket.reset()
        let (again, answer) = try server.resume("juliet", name, handled: 0, address: juliet.address, toWorker: to)
        try #require(answer.isNamed("resumed"))
        try again.wait("the presence that was held back") { $0.child("status")?.text == "held" }
        try romeo.send("<presence><status>new</status></presence>")
        try again.wait("presence, at once") { $0.child("status")?.text == "new" }
        try romeo.send(note("private", other.address))
        let carbon = try again.wait("a carbon copy") { $0.has("received", "urn:xmpp:carbons:2") }
        #expect(carbon["from"] == juliet.bare)
    }

    @Test("an open stream that is resumed elsewhere ends with a conflict", arguments: [0, 1])
    func conflict(_ to: Int) throws {
        let server = try stage()
        let juliet = try server.join("juliet", resource: "a", toWorker: 0)
        let name = try juliet.enable()
        let (again, answer) = try server.resume("juliet", name, handled: 0, address: juliet.address)
        try #require(answer.isNamed("resumed"))
        #expect(try juliet.ending() == .init("conflict"))
        let (third, second) = try server.resume("juliet", name, handled: 0, address: juliet.address, toWorker: to)
        try #require(second.isNamed("resumed"))
        #expect(try again.ending().condition == "conflict")
        #expect(try third.ask("get", to: "localhost", "<ping xmlns='urn:xmpp:ping'/>")["type"] == "result")
    }

    @Test("a session that is not resumed: messages wait for the user with the time, requests go back, news is dropped")
    func timeout() throws {
        let server = try stage("  resume_timeout = 1")
        let romeo = try server.join("romeo", toWorker: 0)
        let juliet = try server.join("juliet", resource: "a", toWorker: 1)
        let name = try juliet.enable()
        try romeo.send(note("0", juliet.address))
        try juliet.wait("a message") { $0["id"] == "0" }
        try juliet.send("<a xmlns='urn:xmpp:sm:3' h='1'/>")
        #expect(try juliet.askForCount() == 0)
        juliet.socket.reset()
        for number in 1...3 { try romeo.send(note("\(number)", juliet.address)) }
        try romeo.send("<message type='headline' id='news' to='\(juliet.address)'><body>news</body></message>")
        try romeo.send("<iq type='get' id='question' to='\(juliet.address)'><ping xmlns='urn:xmpp:ping'/></iq>")
        let answer = try romeo.wait("an answer to the request") { $0["id"] == "question" }
        #expect(answer["type"] == "error")
        try eventually("the session to be gone") { try server.slot(of: juliet.address) == nil }
        let (late, refused) = try server.resume("juliet", name, handled: 1, address: juliet.address)
        #expect(refused.child("item-not-found", "urn:ietf:params:xml:ns:xmpp-stanzas") != nil, "\(refused)")
        try late.bind("late")
        try late.becomeAvailable()
        let last = try late.wait("the last message") { $0["id"] == "3" }
        let messages = late.takeUnread().filter { $0.isNamed("message") } + [last]
        #expect(messages.compactMap { $0["id"] } == ["1", "2", "3"])
        for message in messages { #expect(message.has("delay", "urn:xmpp:delay"), "\(message)") }
    }

    @Test("a session that is not resumed has another one: it gets what the account was sent, and errors are none")
    func timeoutWithAnother() throws {
        let server = try stage("  resume_timeout = 1")
        let romeo = try server.join("romeo", toWorker: 0)
        let other = try server.join("juliet", resource: "b", toWorker: 0, priority: -1)
        let juliet = try server.join("juliet", resource: "a", toWorker: 1)
        try juliet.enable()
        juliet.socket.reset()
        for number in 0..<3 { try romeo.send(note("\(number)", juliet.bare)) }
        try barrier(romeo, other, "sent")
        try other.becomeAvailable(priority: 1)
        try other.wait("the last message") { $0["id"] == "2" }
        #expect(ids(other.takeUnread()) == ["0", "1"])
        #expect(try settle([romeo])[0].filter { $0["type"] == "error" }.isEmpty)
    }

    @Test("who comes too late is told how much was handled, if that is remembered", arguments: [true, false])
    func staleCount(_ isRemembered: Bool) throws {
        let server = try stage("  resume_timeout = 1\n  stale_h.enabled = \(isRemembered)")
        let juliet = try server.logIn("juliet", resource: "a", toWorker: 1)
        let name = try juliet.enable()
        for number in 0..<3 { try juliet.send("<message type='headline' id='\(number)' to='romeo@localhost'/>") }
        #expect(try juliet.askForCount() == 3)
        juliet.socket.reset()
        try eventually("the session to be gone") { try server.slot(of: juliet.address) == nil }
        let answer = try eventually("the count to be remembered") { () -> Element? in
            let answer = try server.resume("juliet", name, handled: 0, address: juliet.address).answer
            return answer["h"] != nil || !isRemembered ? answer : nil
        }
        #expect(answer.has("item-not-found", "urn:ietf:params:xml:ns:xmpp-stanzas"), "\(answer)")
        #expect(answer["h"] == (isRemembered ? "3" : nil))
    }

    @Test("a session that was lost with its worker is not there, and its user logs in anew")
    func workerIsKilled() throws {
        let server = try stage()
        let romeo = try server.join("romeo", toWorker: 0)
        let juliet = try server.join("juliet", resource: "a", toWorker: 1)
        let name = try juliet.enable()
        try server.killWorker(1)
        _ = try juliet.ending()
        let (again, answer) = try server.resume("juliet", name, handled: 0, address: juliet.address)
        #expect(answer.has("item-not-found", "urn:ietf:params:xml:ns:xmpp-stanzas"), "\(answer)")
        try again.bind("a")
        try again.becomeAvailable()
        try romeo.send(note("1", again.bare))
        try again.wait("a message") { $0["id"] == "1" }
    }
}
