import TestKit
import Testing
import XML

@Suite("Messages for users who are not there", .timeLimit(.minutes(5)))
struct OfflineTests {
    private func stage() throws -> (server: ServerUnderTest, juliet: TestClient) {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("juliet", "romeo")
        return (server, try server.join("juliet", toWorker: 0))
    }

    private func bodies(_ stanzas: [Element]) -> [String] {
        stanzas.compactMap { $0.isNamed("message") ? $0.child("body")?.text : nil }
    }

    @Test("are kept in order, stamped, and handed out once, on whatever worker the user appears (XEP-0160)")
    func keptInOrder() throws {
        let (server, juliet) = try stage()
        var expected: [String] = []
        for number in 0..<90 {
            let type = number % 2 == 0 ? "chat" : "normal"
            try juliet.send("<message type='\(type)' to='romeo@localhost'><body>\(number)</body></message>")
            expected.append("\(number)")
        }
        try juliet.send("<message type='headline' to='romeo@localhost'><body>news</body></message>")
        #expect(try settle([juliet])[0].isEmpty)
        let romeo = try server.logIn("romeo", toWorker: 1)
        try romeo.becomeAvailable(priority: -1)
        #expect(bodies(try settle([juliet, romeo])[1]) == [])
        try romeo.becomeAvailable(priority: 0)
        var heard: [Element] = []
        while heard.count < expected.count { heard.append(try romeo.wait("a kept message") { $0.isNamed("message") }) }
        #expect(bodies(heard) == expected)
        for message in heard {
            let delay = try #require(message.child("delay", "urn:xmpp:delay"))
            #expect(delay["from"] == "localhost")
            #expect(delay["stamp"]?.contains(#/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/#) == true)
            #expect(message["from"] == juliet.address)
            #expect(message["to"] == "romeo@localhost")
        }
        try romeo.disconnect()
        let again = try server.join("romeo", toWorker: 0)
        #expect(bodies(try settle([juliet, again])[1]) == [])
    }

    @Test("are refused beyond the limit of the access rule")
    func limit() throws {
        let server = try ServerUnderTest { $0.access += "\nmax_user_offline_messages = [{ acl = \"all\", value = 3 }]" }
        try server.addAccounts("juliet", "romeo")
        let juliet = try server.join("juliet")
        for number in 0..<5 {
            try juliet.send("<message id='\(number)' type='chat' to='romeo@localhost'><body>\(number)</body></message>")
        }
        let errors = try settle([juliet])[0]
        #expect(errors.map { $0["id"] } == ["3", "4"])
        #expect(
            errors.allSatisfy {
                $0["type"] == "error" && $0["from"] == "romeo@localhost"
                    && $0.child("error")?.firstChild?.name == "service-unavailable"
            })
        let romeo = try server.join("romeo")
        try romeo.wait("the last that was kept") { $0.child("body")?.text == "2" }
        #expect(bodies(romeo.takeUnread()) == ["0", "1"])
    }

    @Test("an account that never was here: errors for a groupchat, silence for news and errors (RFC 6121 §8.5.2.2)")
    func otherTypes() throws {
        let (_, juliet) = try stage()
        for (type, isAnswered) in [
            ("groupchat", true), ("headline", false), ("error", false), ("chat", false), ("normal", false),
        ] {
            try juliet.send("<message id='\(type)' type='\(type)' to='romeo@localhost'><body>x</body></message>")
            #expect(try settle([juliet])[0].map { $0["type"] } == (isAnswered ? ["error"] : []), "\(type)")
        }
    }

    @Test("of two sessions that appear at once one gets each message, and no message twice")
    func twoAtOnce() throws {
        let (server, juliet) = try stage()
        for number in 0..<60 { try juliet.send("<message type='chat' to='romeo@localhost'><body>\(number)</body></message>") }
        _ = try settle([juliet])
        let both = try (0..<2).map { try server.logIn("romeo", toWorker: $0) }
        for client in both { try client.send("<presence/>") }
        var heard: [String] = []
        try eventually("all messages") {
            heard += bodies(try settle(both + [juliet]).prefix(2).joined().map { $0 })
            return heard.count >= 60
        }
        heard += bodies(try settle(both + [juliet]).prefix(2).joined().map { $0 })
        #expect(heard.sorted { Int($0)! < Int($1)! } == (0..<60).map(String.init))
    }
}
