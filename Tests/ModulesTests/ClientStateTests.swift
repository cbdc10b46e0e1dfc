import Kernel
import Network
import SharedState
import Testing
import XML
import XMPP

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct ClientStateTests {
    init() { StageLoop.start() }

    private static func read(_ xml: String) throws -> (Stanza.Kind, Element) {
        let element = try Array(xml.utf8).withUnsafeBytes {
            try ElementParser().element($0, in: .client, limits: Limits(bytes: .max))
        }
        return (try #require(Stanza.kind(of: element)), element)
    }

    private static let state = "<active xmlns='http://jabber.org/protocol/chatstates'/>"

    private static func copied(_ content: String) -> String {
        "<message from='a@h' type='chat'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
            + "<message xmlns='jabber:client' type='chat'>\(content)</message></forwarded></received></message>"
    }

    static let rows: [(stanza: String, isUrgent: Bool)] = [
        ("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", true),
        ("<iq type='result' id='1'/>", true),
        ("<presence from='a@h/r'/>", false),
        ("<presence from='a@h/r' type='unavailable'/>", false),
        ("<presence from='a@h' type='subscribe'/>", true),
        ("<presence from='a@h' type='subscribed'/>", true),
        ("<presence from='a@h/r' type='error'><error type='cancel'/></presence>", true),
        ("<presence from='r@m/n'><x xmlns='http://jabber.org/protocol/muc#user'><item/></x></presence>", false),
        ("<presence from='r@m/n'><x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x></presence>", true),
        ("<message from='a@h/r' type='chat'><body>hi</body></message>", true),
        ("<message from='a@h/r' type='chat'><body>hi</body>\(state)</message>", true),
        ("<message from='a@h/r' type='chat'>\(state)</message>", false),
        ("<message from='a@h/r'>\(state)<thread>t</thread></message>", false),
        ("<message from='a@h/r' type='chat'>\(state)<no-store xmlns='urn:xmpp:hints'/></message>", false),
        ("<message from='a@h/r' type='chat'>\(state)<received xmlns='urn:xmpp:receipts' id='1'/></message>", true),
        ("<message from='a@h/r' type='error'>\(state)<error type='cancel'/></message>", true),
        ("<message from='a@h/r' type='chat'/>", true),
        ("<message from='a@h' type='headline'><body>news</body></message>", true),
        (copied(state), false),
        (copied("<body>hi</body>"), true),
    ]

    @Test(arguments: rows.indices) func rule(_ index: Int) throws {
        let (kind, element) = try Self.read(Self.rows[index].stanza)
        #expect((CSIRules.reason(kind, element) == nil) == Self.rows[index].isUrgent, "\(Self.rows[index].stanza)")
    }

    private func stanza(_ bytes: [UInt8]) -> RenderedStanza { RenderedStanza(.presence, bytes) }

    @Test @LoopActor func onlyTheLatestOfASenderWaits() {
        let held = CSIQueue(most: 2)
        #expect(held.hold(stanza([1]), .presence(of: "a")).isEmpty)
        #expect(held.hold(stanza([2]), .presence(of: "b")).isEmpty)
        #expect(held.hold(stanza([3]), .presence(of: "a")).isEmpty)
        #expect(held.takeAll().map(\.bytes) == [[2], [3]])
        #expect(held.takeAll().isEmpty)
    }

    @Test("order holds however often what waits is replaced")
    @LoopActor func manyReplacements() {
        let held = CSIQueue(most: 10)
        for turn in 0..<1000 {
            for sender in 0..<8 where sender != turn % 8 {
                #expect(held.hold(stanza([UInt8(sender), UInt8(turn / 8)]), .presence(of: "\(sender)")).isEmpty)
            }
        }
        // In the last turn all but the last have spoken, in order; the last one did in the turn before.
        #expect(held.takeAll().map { $0.bytes[0] } == [7, 0, 1, 2, 3, 4, 5, 6])
    }

    @Test("what is large goes at once, without a look into it")
    @LoopActor func large() async throws {
        let server = try await Stage().workers[0]
        func presence(_ size: Int) -> [UInt8] {
            Array("<presence from='a@h/r'><status>\(String(repeating: "x", count: size))</status></presence>".utf8)
        }
        #expect(CSIRules.reason(.presence, presence(1000), server) == .presence(of: "a@h/r"))
        #expect(CSIRules.reason(.presence, presence(CSIRules.longest), server) == nil)
    }

    @Test @LoopActor func aFullHoldIsSent() {
        let held = CSIQueue(most: 2)
        _ = held.hold(stanza([1]), .presence(of: "a"))
        _ = held.hold(stanza([2]), .chatState(from: "a", to: "", direction: ""))
        #expect(held.hold(stanza([3]), .presence(of: "c")).map(\.bytes) == [[1], [2], [3]])
        #expect(held.takeAll().isEmpty)
        let unlimited = CSIQueue(most: .max)
        let half = stanza([UInt8](repeating: 0, count: CSIQueue.mostBytes / 2 + 1))
        #expect(unlimited.hold(half, .presence(of: "a")).isEmpty)
        #expect(unlimited.hold(half, .presence(of: "a")).isEmpty)
        #expect(unlimited.hold(half, .presence(of: "b")).count == 2)
    }

    @Test @LoopActor func presenceWaitsAndMessagesDoNot() async throws {
        let stage = try await Stage("[modules.mod_csi]", [Presence.self, ClientState.self])
        let host = stage.host()
        #expect(host.features.afterAuthentication.map { $0() }.contains { $0.is("csi", "urn:xmpp:csi:0") })
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob", on: 1)
        func indicate(_ state: String) {
            #expect(host.extensionNamespaces == ["urn:xmpp:csi:0"])
            host.handleExtension(Element(state, "urn:xmpp:csi:0"), from: alice.session)
        }
        func heard() -> [String] {
            alice.heard.filter { $0["from"] == "\(bob.jid)" }.map {
                $0.isNamed("presence") ? $0.child("status")?.text ?? "" : $0.name
            }
        }
        indicate("inactive")
        indicate("inactive")
        for status in ["one", "two"] { try bob.say("<presence to='\(alice.jid)'><status>\(status)</status></presence>") }
        try await bob.settle()
        #expect(heard().isEmpty)
        try bob.say("<message to='\(alice.jid)'><body>hi</body></message>")
        _ = await alice.hears { $0.isNamed("message") }
        #expect(heard() == ["two", "message"])

        try bob.say("<presence to='\(alice.jid)'><status>three</status></presence>")
        try bob.say("<iq to='\(alice.jid)' type='get' id='q'><q xmlns='q'/></iq>")
        _ = await alice.hears { $0["id"] == "q" }
        #expect(heard() == ["two", "message", "three", "iq"])

        try bob.say("<presence to='\(alice.jid)'><status>four</status></presence>")
        try await stage.client("x").settle()
        #expect(heard().count == 4)
        indicate("active")
        #expect(heard().last == "four")
        try bob.say("<presence to='\(alice.jid)'><status>five</status></presence>")
        #expect(await alice.hears { $0.child("status")?.text == "five" } != nil)
    }

    @Test @LoopActor func aReloadLeavesASessionInactive() async throws {
        let stage = try await Stage("[modules.mod_csi]", [Presence.self, ClientState.self])
        let alice = try await stage.client("alice")
        stage.host().handleExtension(Element("inactive", "urn:xmpp:csi:0"), from: alice.session)
        alice.session.send(Stanza(.presence, from: JID("bob@h/r"), to: alice.jid))
        #expect(alice.heard.isEmpty)
        // Of the same settings it hears nothing; with others another instance takes its place.
        #expect(stage.workers[0].apply(try Stage.configuration("[modules.mod_csi]"), workers: 1).isEmpty)
        #expect(alice.heard.isEmpty)
        _ = stage.workers[0].apply(try Stage.configuration("[modules.mod_csi]\nbuffer_max = 7"), workers: 1)
        #expect(alice.heard.count == 1)
        alice.session.send(Stanza(.presence, from: JID("bob@h/r"), to: alice.jid))
        #expect(alice.heard.count == 1)
        stage.host().handleExtension(Element("active", "urn:xmpp:csi:0"), from: alice.session)
        #expect(alice.heard.count == 2)
    }
}
