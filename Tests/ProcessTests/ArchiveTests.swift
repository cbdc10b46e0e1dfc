import TestKit
import Testing
import XML

@Suite("The archive of messages (XEP-0313)", .timeLimit(.minutes(5)))
struct ArchiveTests {
    private static let namespace = "urn:xmpp:mam:2"

    private func server() throws -> ServerUnderTest {
        let server = try ServerUnderTest.shared { $0.modules += "\n[modules.mod_mam]\n  pm = {}" }
        try server.addAccounts("juliet", "romeo")
        return server
    }

    /// All bodies of a client's archive in order, a page at a time.
    private func archive(of client: TestClient, page: Int = 50) throws -> [String] {
        var bodies: [String] = []
        var after = ""
        while true {
            let answer = try client.ask(
                "set",
                "<query xmlns='\(Self.namespace)'><set xmlns='http://jabber.org/protocol/rsm'><max>\(page)</max>\(after)</set></query>"
            )
            let results = client.takeUnread().compactMap { $0.child("result", Self.namespace) }
            bodies += results.compactMap {
                $0.child("forwarded", "urn:xmpp:forward:0")?.child("message", "jabber:client")?.child("body")?.text
            }
            let fin = try #require(answer.child("fin", Self.namespace))
            if fin["complete"] == "true" { return bodies }
            let last = try #require(fin.child("set", "http://jabber.org/protocol/rsm")?.child("last")?.text)
            after = "<after>\(last)</after>"
        }
    }

    @Test("what two workers write is there for who asks a third time: in order, once, at once")
    func twoWorkers() throws {
        let server = try server()
        let juliet = try server.join("juliet", toWorker: 0)
        let romeo = try server.join("romeo", toWorker: 1)
        var said: [String] = []
        for number in 0..<120 {
            let (from, to) = number % 2 == 0 ? (juliet, "romeo") : (romeo, "juliet")
            try from.send("<message type='chat' to='\(to)@localhost'><body>\(number)</body></message>")
            let other = number % 2 == 0 ? romeo : juliet
            try other.wait("the message") { $0.child("body")?.text == "\(number)" }
            said.append("\(number)")
        }
        // Nothing is waited for: an answer has what both workers have taken.
        for client in [juliet, romeo] { #expect(try archive(of: client, page: 7) == said) }
    }

    @Test("it outlives the server, and a message that waited for its reader is not there twice")
    func restart() throws {
        let server = try server()
        let juliet = try server.join("juliet", toWorker: 0)
        for number in 0..<30 { try juliet.send("<message type='chat' to='romeo@localhost'><body>\(number)</body></message>") }
        _ = try settle([juliet])
        #expect(try server.stop() == 0)
        try server.start()
        let romeo = try server.join("romeo", toWorker: 1)
        var waiting: [String] = []
        while waiting.count < 30 {
            waiting.append(
                try romeo.wait("a message that waited") { $0.isNamed("message") && $0.child("stanza-id", "urn:xmpp:sid:0") != nil }
                    .child("stanza-id", "urn:xmpp:sid:0")?["id"] ?? "?")
        }
        let answer = try romeo.ask("set", "<query xmlns='\(Self.namespace)'/>")
        let ids = romeo.takeUnread().compactMap { $0.child("result", Self.namespace)?["id"] }
        #expect(answer["type"] == "result" && ids == waiting)
    }

    @Test(
        "slixmpp pages through it, forwards and backwards",
        .enabled(if: Programs.canRun(Programs.python), "slixmpp is missing; see packaging/dev"))
    func slixmpp() throws {
        let server = try ServerUnderTest {
            $0.listeners = [.init(.required)]
            $0.modules += "\n[modules.mod_mam]\n  pm = {}"
        }
        try server.addAccounts("juliet", "romeo")
        let juliet = try InteropClient("juliet", on: server)
        let romeo = try InteropClient("romeo", on: server)
        try juliet.connect(to: server, slot: 0)
        try romeo.connect(to: server, slot: 1)
        for client in [juliet, romeo] { try client.perform("presence") }
        let said = (0..<75).map { "\($0)" }
        for body in said { try juliet.perform("message", ["to": "romeo@localhost", "body": body]) }
        try romeo.waitForMessage("74")
        for client in [juliet, romeo] {
            for direction in ["forwards", "backwards"] {
                let found = try client.perform("archive", ["page": "10", "direction": direction])
                #expect(found.bodies == said && found.twice == 0, "\(direction)")
            }
        }
        #expect(try juliet.perform("archive", ["page": "50", "with": "romeo@localhost"]).bodies == said)
        #expect(try juliet.perform("archive", ["page": "50", "with": "nurse@localhost"]).bodies == [])
    }
}
