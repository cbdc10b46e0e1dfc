import TestKit
import Testing
import XML

/// RFC 6121 §4 through the wire, across workers.
@Suite("Presence", .timeLimit(.minutes(5)))
struct PresenceTests {
    private func friends() throws -> (server: ServerUnderTest, juliet: TestClient, romeo: TestClient) {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("juliet", "romeo", "nurse")
        let juliet = try server.join("juliet", toWorker: 0)
        let romeo = try server.join("romeo", toWorker: 1)
        try befriend(juliet, romeo)
        return (server, juliet, romeo)
    }

    private func words(_ stanzas: [Element]) -> [String] {
        stanzas.filter { $0.isNamed("presence") }.map { "\($0["type"] ?? "available") \($0["from"] ?? "")" }
    }

    @Test("unavailable presence and the end of a stream are told once (§4.5)", arguments: ["presence", "footer", "loss"])
    func leaving(_ way: String) throws {
        let (server, juliet, romeo) = try friends()
        let second = try server.join("juliet", toWorker: 1)
        _ = try settle([juliet, romeo, second])
        switch way {
        case "presence": try second.send("<presence type='unavailable'><status>Good night</status></presence>")
        case "footer": try second.disconnect()
        default: second.socket.reset()
        }
        let told = try romeo.wait("her end") { $0["type"] == "unavailable" }
        #expect(told["from"] == second.address)
        if way == "presence" { #expect(told.child("status")?.text == "Good night") }
        try juliet.wait("the end of her own resource") { $0["type"] == "unavailable" && $0["from"] == second.address }
        #expect(try settle([juliet, romeo]).map(words) == [[], []])
        if way == "presence" { try second.disconnect() }
        #expect(try settle([juliet, romeo]).map(words) == [[], []])
    }

    @Test(
        "what a client sends in one packet with the end of its stream is handled", arguments: ["</stream:stream>", "</presence>"])
    func lastWords(_ end: String) throws {
        let (server, juliet, romeo) = try friends()
        try clear(juliet, romeo)
        for slot in 0..<2 {
            let client = try server.logIn("juliet", resource: "last", toWorker: slot)
            let messages = (0..<3).map {
                "<message to='romeo@localhost' type='chat' id='last-\(slot)-\($0)'><body>Adieu</body></message>"
            }
            let ping = "<iq type='get' id='ping' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
            try client.send("<presence/>\(messages.joined())\(ping)\(end)")
            let isOrderly = end == "</stream:stream>"
            #expect(try client.ending() == .init(isOrderly ? nil : "not-well-formed"))
            #expect(client.takeUnread().contains { $0["id"] == "ping" && $0["type"] == "result" })
            for place in 0..<3 { _ = try romeo.wait("last words") { $0["id"] == "last-\(slot)-\(place)" } }
        }
    }

    @Test("directed unavailable presence ends it before (§4.6.3)")
    func directedEnd() throws {
        let (server, juliet, _) = try friends()
        let nurse = try server.join("nurse", toWorker: 1)
        try juliet.send("<presence to='\(nurse.address)'/><presence to='\(nurse.address)' type='unavailable'/>")
        #expect(try words(settle([juliet, nurse])[1]) == ["available \(juliet.address)", "unavailable \(juliet.address)"])
        try juliet.disconnect()
        #expect(try settle([nurse]).map(words) == [[]])
    }

    @Test("a wrong priority or type is refused, and changes nothing (§4.7)")
    func refusals() throws {
        let (_, juliet, romeo) = try friends()
        for stanza in [
            "<presence id='w'><priority>128</priority></presence>", "<presence id='w'><priority>high</priority></presence>",
            "<presence id='w' type='busy'/>",
        ] {
            try juliet.send(stanza)
            let answer = try juliet.wait("a refusal") { $0["id"] == "w" && $0["type"] == "error" }
            #expect(answer.child("error")?.firstChild?.name == "bad-request")
        }
        #expect(try settle([juliet, romeo]).map(words) == [[], []])
    }

    @Test("a resource that is asked for twice goes to the newer stream (RFC 6120 §7.7.2.2)")
    func conflict() throws {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("juliet")
        for slots in [(0, 0), (0, 1)] {
            let old = try server.join("juliet", resource: "balcony", toWorker: slots.0)
            let new = try server.connect()
            try new.logIn("juliet", resource: "balcony")
            #expect(try old.ending() == .init("conflict"))
            try new.becomeAvailable()
            #expect(try server.sessions().count == 1)
            try new.disconnect()
        }
    }
}
