import Kernel
import Network
import SharedState
import Storage
import Testing
import XML

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct DiscoTests {
    init() { StageLoop.start() }

    private let modules = """
        [modules.mod_disco]
          extra_domains = ["rooms.example.org"]
          [[modules.mod_disco.server_info]]
            name = "abuse-addresses"
            urls = ["mailto:abuse@example.org", "xmpp:abuse@example.org"]
          [[modules.mod_disco.server_info]]
            name = "sales-addresses"
            urls = ["mailto:sales@example.org"]
            modules = ["mod_muc"]
        [modules.mod_caps]
        """
    private let info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    private let items = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
    private let itemsAtNode = "<query xmlns='http://jabber.org/protocol/disco#items' node='n'/>"

    @Test func identitiesAreSaidOnce() {
        let query = DiscoXML.info(
            [
                .init(category: "server", type: "im", name: "one"), .init(category: "server", type: "im", name: "two"),
                .init(category: "store", type: "file"),
            ], ["b", "a"])
        #expect(query.children.map { $0["category"] ?? $0["var"] } == ["server", "store", "a", "b"])
        #expect(query.firstChild?["name"] == "one")
    }

    @Test @LoopActor func hostSaysWhatItIs() async throws {
        let stage = try await Stage(modules, [Disco.self, EntityCapabilities.self])
        let alice = try await stage.client("alice")
        let query = try #require(try await alice.ask("get", to: "example.org", info).firstChild)
        #expect(query.child("identity")?["category"] == "server")
        let features = query.children.compactMap { $0["var"] }
        #expect(
            features == [
                "http://jabber.org/protocol/caps", "http://jabber.org/protocol/disco#info",
                "http://jabber.org/protocol/disco#items",
            ])
        let fields = query.child("x", "jabber:x:data")?.children.map { ($0["var"] ?? "", $0.children.map(\.text)) } ?? []
        #expect(fields.map(\.0) == ["FORM_TYPE", "abuse-addresses"])
        #expect(fields.last?.1 == ["mailto:abuse@example.org", "xmpp:abuse@example.org"])

        let listed = try await alice.ask("get", to: "example.org", items)
        #expect(listed.firstChild?.children.map { $0["jid"] } == ["rooms.example.org"])
        #expect(try await alice.ask("get", to: "example.org", itemsAtNode).errorCondition == "item-not-found")
        #expect(try await alice.ask("set", to: "example.org", info).errorCondition == "not-allowed")
    }

    @Test @LoopActor func capabilitiesOfTheStreamCanBeAskedFor() async throws {
        let stage = try await Stage(modules, [Disco.self, EntityCapabilities.self])
        let alice = try await stage.client("alice")
        let named = try #require(stage.host().features.afterAuthentication.map { $0() }.first)
        #expect(named.is("c", "http://jabber.org/protocol/caps"))
        #expect(named["hash"] == "sha-1")
        let node = "\(named["node"] ?? "")#\(named["ver"] ?? "")"
        let query = "<query xmlns='http://jabber.org/protocol/disco#info' node='\(node)'/>"
        let answer = try #require(try await alice.ask("get", to: "example.org", query).firstChild)
        #expect(answer["node"] == node)
        #expect(CapabilityHash.verification(of: answer) == named["ver"])
        let plain = try #require(try await alice.ask("get", to: "example.org", info).firstChild)
        #expect(answer.setting("node", to: nil) == plain)
        let other = "<query xmlns='http://jabber.org/protocol/disco#info' node='\(node)x'/>"
        #expect(try await alice.ask("get", to: "example.org", other).errorCondition == "item-not-found")
    }

    @Test @LoopActor func accountsAreShownToWhoMaySeePresence() async throws {
        let stage = try await Stage(modules, [Disco.self])
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob", "home", on: 1)
        bob.session.set(.available, true)

        #expect(try await alice.ask("get", to: "bob@example.org", info).errorCondition == "service-unavailable")
        #expect(try await alice.ask("get", to: "nobody@example.org", info).errorCondition == "service-unavailable")
        for target in ["bob@example.org", "nobody@example.org"] {
            for query in [items, itemsAtNode] {
                let answer = try await alice.ask("get", to: target, query)
                #expect(answer["type"] == "result")
                #expect(answer["from"] == target)
                #expect(answer.firstChild?.firstChild == nil)
            }
        }

        try await stage.roster(of: "bob", "alice", .to)
        #expect(try await alice.ask("get", to: "bob@example.org", info).errorCondition == "service-unavailable")
        try await stage.roster(of: "bob", "alice", .from)
        let shown = try await alice.ask("get", to: "bob@example.org", info)
        #expect(shown.firstChild?.child("identity")?["category"] == "account")
        let resources = try await alice.ask("get", to: "bob@example.org", items)
        #expect(resources.firstChild?.children.map { $0["jid"] } == ["bob@example.org/home"])
        #expect(try await alice.ask("get", info)["type"] == "result")
    }
}
