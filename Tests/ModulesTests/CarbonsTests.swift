import Kernel
import Network
import SharedState
import Testing
import XML
import XMPP

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct CarbonsTests {
    init() { StageLoop.start() }

    private let enable = "<enable xmlns='urn:xmpp:carbons:2'/>"

    private static func message(_ type: String?, from: String = "romeo@a.example/home", _ children: Element...) -> Stanza {
        Stanza(.message, type: type, from: JID(from), to: JID("juliet@b.example"), children)
    }

    private static let body = Element("body", Namespace.client, text: "hi")
    private static let state = Element("composing", "http://jabber.org/protocol/chatstates")
    private static let receipt = Element("received", "urn:xmpp:receipts", ["id": "1"])
    private static let occupant = Element("x", "http://jabber.org/protocol/muc#user")
    private static let invitation = Element(
        "x", "http://jabber.org/protocol/muc#user", [:], [Element("invite", "http://jabber.org/protocol/muc#user")])
    private static let room = "room@muc.example/nick"

    static let rows: [(name: String, message: Stanza, sent: Bool, received: Bool)] = [
        ("chat without body", message("chat"), true, true),
        ("chat", message("chat", body), true, true),
        ("normal with body", message(nil, body), true, true),
        ("normal with body, said so", message("normal", body), true, true),
        ("of unknown type, which is normal", message("odd", body), true, true),
        ("normal without body", message(nil), false, false),
        ("normal chat state", message(nil, state), true, true),
        ("normal receipt", message(nil, receipt), true, true),
        ("normal marker", message(nil, Element("displayed", "urn:xmpp:chat-markers:0")), true, true),
        ("headline", message("headline", body), false, false),
        ("groupchat", message("groupchat", body), false, false),
        ("groupchat with a receipt", message("groupchat", receipt), false, false),
        ("error", message("error", body), false, true),
        ("private", message("chat", body, Element("private", "urn:xmpp:carbons:2")), false, false),
        ("private of another protocol", message("chat", body, Element("private", "x")), true, true),
        ("no-copy", message("chat", body, Element("no-copy", "urn:xmpp:hints")), false, false),
        ("a copy", message("chat", Element("sent", "urn:xmpp:carbons:2")), false, false),
        ("a forged copy", message("chat", body, Element("received", "urn:xmpp:carbons:2")), false, false),
        ("invitation", message(nil, Element("x", "jabber:x:conference", ["jid": "room@muc.example"])), true, true),
        ("invitation by the room", message(nil, from: "room@muc.example", invitation), true, true),
        ("invitation by an occupant", message(nil, from: room, invitation), true, true),
        ("private in a room", message("chat", from: room, body, occupant), true, false),
    ]

    @Test(arguments: rows.indices) func rule(_ index: Int) {
        let row = Self.rows[index]
        #expect(CarbonRules.isEligible(row.message, .sent) == row.sent, "\(row.name)")
        #expect(CarbonRules.isEligible(row.message, .received) == row.received, "\(row.name)")
    }

    @Test @LoopActor func bothSidesAreCopied() async throws {
        let stage = try await Stage("[modules.mod_carboncopy]", [Presence.self, Carbons.self])
        let romeo = try await stage.client("romeo", "home")
        let garden = try await stage.client("romeo", "garden", on: 1)
        let orchard = try await stage.client("romeo", "orchard", on: 1)
        let juliet = try await stage.client("juliet", "balcony", on: 1)
        let chamber = try await stage.client("juliet", "chamber")
        for client in [garden, chamber, juliet] {
            #expect(try await client.ask("set", enable).attribute("type", equals: "result"))
        }
        try romeo.say("<message type='chat' to='\(juliet.jid)' id='m'><body>what man</body></message>")

        let sent = try #require(await garden.hears { $0.isNamed("message") })
        #expect(sent["from"] == "romeo@example.org" && sent["to"] == "\(garden.jid)" && sent["type"] == "chat")
        let original = try #require(sent.child("sent", "urn:xmpp:carbons:2")?.child("forwarded", "urn:xmpp:forward:0")?.firstChild)
        #expect(original.is("message", Namespace.client) && original["id"] == "m")
        #expect(original["from"] == "\(romeo.jid)" && original["to"] == "\(juliet.jid)")
        #expect(original.child("body")?.text == "what man")

        let received = try #require(await chamber.hears { $0.isNamed("message") })
        #expect(received["from"] == "juliet@example.org" && received["to"] == "\(chamber.jid)")
        #expect(
            received.child("received", "urn:xmpp:carbons:2")?.child("forwarded", "urn:xmpp:forward:0")?.firstChild?["id"] == "m")

        for client in [romeo, garden, orchard, juliet, chamber] { try await client.settle() }
        #expect(juliet.heard.count { $0.isNamed("message") } == 1, "whoever got it gets no copy")
        #expect(!romeo.heard.contains { $0.isNamed("message") })
        #expect(!orchard.heard.contains { $0.isNamed("message") })
    }

    @Test @LoopActor func messageToOneselfIsCopiedOnce() async throws {
        let stage = try await Stage("[modules.mod_carboncopy]", [Presence.self, Carbons.self])
        let clients = [
            try await stage.client("romeo", "a"), try await stage.client("romeo", "b", on: 1), try await stage.client("romeo", "c"),
        ]
        for client in clients { _ = try await client.ask("set", enable) }
        try clients[0].say("<message type='chat' to='\(clients[1].jid)'><body>note</body></message>")
        _ = await clients[1].hears { $0.isNamed("message") }
        _ = await clients[2].hears { $0.isNamed("message") }
        for client in clients { try await client.settle() }
        #expect(clients.map { $0.heard.count { $0.isNamed("message") } } == [0, 1, 1])
    }

    @Test @LoopActor func disabling() async throws {
        let stage = try await Stage("[modules.mod_carboncopy]", [Presence.self, Carbons.self])
        let romeo = try await stage.client("romeo", "a")
        let other = try await stage.client("romeo", "b")
        #expect(try await other.ask("set", enable).attribute("type", equals: "result"))
        #expect(try await other.ask("set", enable).attribute("type", equals: "result"))
        #expect(stage.workers[1].sessions(of: romeo.jid.bare).contains { $0.flags.contains(.carbons) })
        #expect(try await other.ask("set", "<disable xmlns='urn:xmpp:carbons:2'/>").attribute("type", equals: "result"))
        try romeo.say("<message type='chat' to='\(romeo.jid)'><body>x</body></message>")
        try await other.settle()
        #expect(!other.heard.contains { $0.isNamed("message") })
        #expect(try await other.ask("get", enable).errorCondition == "bad-request")
        _ = try await stage.client("juliet")
        #expect(try await other.ask("set", to: "juliet@example.org", enable).errorCondition == "service-unavailable")
    }

    @Test("other resources hear of a message before they hear that it came back", arguments: [0, 1])
    @LoopActor func copiesBeforeErrors(_ worker: Int) async throws {
        let stage = try await Stage(
            "[modules.mod_carboncopy]\n[modules.mod_blocking]\n[modules.mod_mam.pm]",
            [Archive.self, Presence.self, Blocking.self, Carbons.self])
        let romeo = try await stage.client("romeo", "a")
        let other = try await stage.client("romeo", "b", on: worker)
        _ = try await other.ask("set", enable)
        try await stage.account("juliet")
        // To nobody, to a resource that is not there, and twice, since some of it is asked of storage the first time only.
        let addressees = ["nobody@example.org", "juliet@example.org/none", "nobody@unreachable.example"]
        for (number, to) in (addressees + addressees).enumerated() {
            try romeo.say(
                "<message type='\(to.hasSuffix("none") ? "normal" : "chat")' to='\(to)' id='\(number)'><body>x</body></message>")
        }
        for number in 0..<6 { _ = await romeo.hears { $0["id"] == "\(number)" } }
        _ = await other.hears {
            $0.child("received", Namespace.carbons)?.child("forwarded", "urn:xmpp:forward:0")?.firstChild?["id"] == "5"
        }
        let copies = other.heard.compactMap { copy -> String? in
            for direction in ["sent", "received"] {
                guard let wrapped = copy.child(direction, Namespace.carbons) else { continue }
                return "\(direction) \(wrapped.child("forwarded", "urn:xmpp:forward:0")?.firstChild?["id"] ?? "")"
            }
            return nil
        }
        #expect(copies == (0..<6).flatMap { ["sent \($0)", "received \($0)"] })
        #expect(
            romeo.heard.filter { $0.isNamed("message") }.compactMap { $0["id"] } == (0..<6).map { "\($0)" }, "in the order sent")
        for server in stage.workers { await server.runShutdownHooks() }
    }
}
