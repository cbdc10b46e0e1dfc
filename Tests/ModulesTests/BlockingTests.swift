import Kernel
import Network
import SharedState
import Storage
import Testing
import XML
import XMPP

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct BlockingTests {
    init() { StageLoop.start() }

    static let rows: [(blocked: String, sender: String, isBlocked: Bool)] = [
        ("romeo@m.lit/home", "romeo@m.lit/home", true),
        ("romeo@m.lit/home", "romeo@m.lit/away", false),
        ("romeo@m.lit/home", "romeo@m.lit", false),
        ("romeo@m.lit", "romeo@m.lit", true),
        ("romeo@m.lit", "romeo@m.lit/home", true),
        ("romeo@m.lit", "tybalt@m.lit/home", false),
        ("romeo@m.lit", "m.lit", false),
        ("m.lit/home", "m.lit/home", true),
        ("m.lit/home", "romeo@m.lit/home", false),
        ("m.lit/home", "m.lit", false),
        ("m.lit", "m.lit", true),
        ("m.lit", "m.lit/home", true),
        ("m.lit", "romeo@m.lit", true),
        ("m.lit", "romeo@m.lit/home", true),
        ("m.lit", "romeo@sub.m.lit", false),
    ]

    @Test(arguments: rows.indices) func matching(_ index: Int) throws {
        let row = Self.rows[index]
        #expect(BlockList([row.blocked]).blocks(try #require(JID(row.sender))) == row.isBlocked, "\(row)")
    }

    @Test func whoIsTold() throws {
        let known = Set(["a@one.lit", "b@one.lit", "c@two.lit"].map { JID.prepared($0) })
        func told(_ blocked: String) -> [String] { BlockList([blocked]).matches(among: known).map(\.description).sorted() }
        #expect(told("a@one.lit") == ["a@one.lit"])
        #expect(told("a@one.lit/r") == ["a@one.lit/r"])
        #expect(told("one.lit") == ["a@one.lit", "b@one.lit"])
        #expect(told("d@one.lit").isEmpty && told("d@one.lit/r").isEmpty)
    }

    @Test func refusals() {
        func word(_ kind: Stanza.Kind, _ type: String?) -> String {
            switch BlockingRules.refusal(of: Stanza(kind, type: type, from: nil, to: nil)) {
            case .stop: "stop"
            case .fail(let error): error.condition.rawValue
            case .next, .wait, .waitToChange: "passes"
            }
        }
        for type in [nil, "unavailable", "subscribe", "probe"] { #expect(word(.presence, type) == "stop") }
        for type in ["get", "set"] { #expect(word(.iq, type) == "service-unavailable") }
        for type in ["result", "error"] { #expect(word(.iq, type) == "stop") }
        for type in [nil, "chat", "groupchat"] { #expect(word(.message, type) == "service-unavailable") }
        #expect(word(.message, "error") == "stop")
    }

    // MARK: The cache

    /// Storage that answers when told to.
    @LoopActor private final class SlowStorage {
        var lists: [String: [String]] = [:]
        var reads = 0
        private var gates: [CheckedContinuation<Void, Never>] = []
        var isSlow = false

        func fetch(_ key: UserKey) async throws(StanzaError) -> [String] {
            reads += 1
            let list = lists[key.user] ?? []
            if isSlow { await withCheckedContinuation { gates.append($0) } }
            return list
        }

        func open() {
            isSlow = false
            for gate in gates { gate.resume() }
            gates = []
        }
    }

    @Test @LoopActor func askedOnce() async throws {
        let storage = SlowStorage()
        let cache = BlockListCache(domain: "h", bound: 4) { (key) async throws(StanzaError) in try await storage.fetch(key) }
        storage.lists["a"] = ["x@h"]
        #expect(cache.answer("a") == .unknown)
        #expect(try await cache.list("a") == BlockList(["x@h"]))
        #expect(try await cache.list("b") == nil)
        #expect(cache.answer("a") == .known(BlockList(["x@h"])) && cache.answer("b") == .known(nil))
        #expect(storage.reads == 2)
        cache.forget("a")
        #expect(cache.answer("a") == .unknown)
        for user in ["c", "d", "e", "f", "g"] { _ = try await cache.list(user) }
        #expect(cache.answer("b") == .unknown, "what was not used for long gives way")
        #expect(cache.answer("g") == .known(nil))
    }

    @Test @LoopActor func aChangeDuringTheReadingCounts() async throws {
        let storage = SlowStorage()
        storage.isSlow = true
        let cache = BlockListCache(domain: "h") { (key) async throws(StanzaError) in try await storage.fetch(key) }
        async let first = cache.list("a")
        async let second = cache.list("a")
        while storage.reads == 0 { await Task.yield() }
        storage.lists["a"] = ["x@h"]
        cache.forget("a")
        storage.open()
        let lists = try await [first, second]
        #expect(lists == [BlockList(["x@h"]), BlockList(["x@h"])])
        #expect(storage.reads == 2)
        #expect(cache.answer("a") == .known(BlockList(["x@h"])))
    }

    // MARK: Conversations

    private func stage() async throws -> Stage {
        try await Stage("[modules.mod_blocking]\n[modules.mod_roster]", [Presence.self, Roster.self, Blocking.self])
    }

    private func command(_ name: String, _ jids: String...) -> String {
        "<\(name) xmlns='urn:xmpp:blocking'>\(jids.map { "<item jid='\($0)'/>" }.joined())</\(name)>"
    }

    private func items(_ iq: Element?) -> [String] { iq?.firstChild?.children.compactMap { $0["jid"] } ?? [] }

    @Test @LoopActor func listAndPushes() async throws {
        let stage = try await stage()
        #expect(stage.host().features.server.contains("urn:xmpp:blocking"))
        let phone = try await stage.client("alice", "phone")
        let laptop = try await stage.client("alice", "laptop", on: 1)
        let tablet = try await stage.client("alice", "tablet", on: 1)
        for client in [phone, laptop] { #expect(items(try await client.ask("get", command("blocklist"))).isEmpty) }
        #expect(try await phone.ask("set", command("block")).errorCondition == "bad-request")
        #expect(try await phone.ask("set", command("block", "@")).errorCondition == "jid-malformed")
        #expect(try await phone.ask("set", "<block xmlns='urn:xmpp:blocking'><item/></block>").errorCondition == "bad-request")
        #expect(try await phone.ask("set", command("block", "Romeo@M.lit", "n.lit")).attribute("type", equals: "result"))
        for client in [phone, laptop] {
            let push = await client.hears { $0["type"] == "set" && $0.firstChild?.isNamed("block") == true }
            #expect(push?["to"] == "\(client.jid)")
            #expect(items(push) == ["romeo@m.lit", "n.lit"])
        }
        #expect(Set(items(try await tablet.ask("get", command("blocklist")))) == ["romeo@m.lit", "n.lit"])
        #expect(!tablet.heard.contains { $0.firstChild?.isNamed("block") == true })
        _ = try await laptop.ask("set", command("unblock", "n.lit"))
        #expect(items(await phone.hears { $0.firstChild?.isNamed("unblock") == true }) == ["n.lit"])
        _ = try await laptop.ask("set", command("unblock"))
        #expect(await phone.hears { $0.firstChild?.isNamed("unblock") == true && items($0).isEmpty } != nil)
        #expect(items(try await tablet.ask("get", command("blocklist"))).isEmpty)
        let bob = try await stage.client("bob")
        #expect(try await bob.ask("get", to: "alice@example.org", command("blocklist")).errorCondition == "service-unavailable")
    }

    @Test("a request names so many addresses at most, a list has so many, and what is refused changes nothing")
    @LoopActor func bounds() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        func items(_ range: Range<Int>) -> String {
            "<block xmlns='urn:xmpp:blocking'>\(range.map { "<item jid='u\($0)@m.lit'/>" }.joined())</block>"
        }
        let most = Blocking.mostInRequest
        #expect(try await alice.ask("set", items(0..<most + 1)).errorCondition == "resource-constraint")
        let unblock = items(0..<most + 1).replacing("block xmlns", with: "unblock xmlns").replacing("</block", with: "</unblock")
        #expect(try await alice.ask("set", unblock).errorCondition == "resource-constraint")
        for request in 0..<Blocking.mostBlocked / most {
            #expect(try await alice.ask("set", items(request * most..<(request + 1) * most))["type"] == "result")
        }
        #expect(try await alice.ask("set", command("block", "one-more@m.lit")).errorCondition == "resource-constraint")
        #expect(self.items(try await alice.ask("get", command("blocklist"))).count == Blocking.mostBlocked)
    }

    @Test("a list has so many characters at most, as it is sent and read as a whole")
    @LoopActor func longAddresses() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        func items(_ request: Int) -> String {
            let resource = String(repeating: "r", count: 1000)
            return "<block xmlns='urn:xmpp:blocking'>"
                + (0..<200).map { "<item jid='u\(request)-\($0)@m.lit/\(resource)'/>" }.joined() + "</block>"
        }
        for request in 0..<5 { #expect(try await alice.ask("set", items(request))["type"] == "result") }
        #expect(try await alice.ask("set", items(5)).errorCondition == "resource-constraint")
        #expect(self.items(try await alice.ask("get", command("blocklist"))).count == 1000)
        #expect(try await alice.ask("set", command("block", "one-more@m.lit"))["type"] == "result")
    }

    @Test("a long list is compared with a long roster in one pass")
    func longLists() {
        let blocked = BlockList((0..<20_000).map { "u\($0)@m.lit/r" })
        let known = Set((10_000..<30_000).map { JID.prepared("u\($0)@m.lit") })
        // Pair by pair these are 400 million comparisons, more than the time limit of any test.
        #expect(blocked.matches(among: known).count == 10_000)
    }

    @Test @LoopActor func stanzasBothWays() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob", on: 1)
        // Both workers know by now that alice has no list.
        try bob.say("<message to='\(alice.jid)'><body>before</body></message>")
        _ = await alice.hears { $0.isNamed("message") }
        _ = try await alice.ask("set", command("block", "bob@example.org"))
        try await bob.settle()

        try bob.say("<message to='\(alice.jid)' id='m'><body>hello?</body></message>")
        let refusal = await bob.hears { $0["id"] == "m" }
        #expect(refusal?.errorCondition == "service-unavailable" && refusal?["from"] == "\(alice.jid)")
        for to in ["alice@example.org", "\(alice.jid)"] {
            #expect(try await bob.ask("get", to: to, "<x xmlns='x'/>").errorCondition == "service-unavailable")
        }
        for type in ["", "type='subscribe'", "type='probe'", "type='unavailable'"] {
            try bob.say("<presence to='alice@example.org' \(type)/>")
        }
        try bob.say("<iq to='\(alice.jid)' type='result' id='late'/>")
        try await bob.settle()
        try await alice.settle()
        #expect(alice.heard.count { $0["from"]?.hasPrefix("bob@") == true } == 1)
        #expect(!bob.heard.contains { $0.isNamed("presence") })

        let answer = try await alice.ask("get", to: "\(bob.jid)", "<x xmlns='x'/>")
        #expect(answer.errorCondition == "not-acceptable" && answer["from"] == "\(bob.jid)")
        #expect(answer.child("error")?.has("blocked", "urn:xmpp:blocking:errors") == true)
        #expect(answer.child("error")?["type"] == "cancel")
        try alice.say("<message to='\(bob.jid)' id='out'><body>x</body></message>")
        #expect(await alice.hears { $0["id"] == "out" }?.errorCondition == "not-acceptable")

        _ = try await alice.ask("set", command("unblock", "bob@example.org"))
        try await bob.settle()
        try bob.say("<message to='\(alice.jid)'><body>after</body></message>")
        #expect(await alice.hears { $0.child("body")?.text == "after" } != nil)
    }

    @Test @LoopActor func ownAccountAndServerAreNeverBlocked() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice", "a")
        let other = try await stage.client("alice", "b", on: 1)
        _ = try await alice.ask("set", command("block", "example.org", "alice@example.org"))
        try await other.settle()
        try other.say("<message to='\(alice.jid)'><body>mine</body></message>")
        #expect(await alice.hears { $0.isNamed("message") } != nil)
        #expect(try await alice.ask("get", to: "example.org", "<x xmlns='x'/>").errorCondition == "service-unavailable")
        let bob = try await stage.client("bob")
        try bob.say("<message to='alice@example.org' id='m'><body>x</body></message>")
        #expect(await bob.hears { $0["id"] == "m" }?.errorCondition == "service-unavailable")
    }

    @Test @LoopActor func presenceFollowsBlocking() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice", on: 1)
        let bob = try await stage.client("bob")
        let carol = try await stage.client("carol")
        for contact in ["bob", "carol"] { try await stage.roster(of: "alice", contact, .from) }
        for client in [bob, carol, alice] {
            try client.say("<presence/>")
            try await client.settle()
        }
        func presence(_ client: StageClient) -> [String] {
            client.heard.filter { $0.isNamed("presence") && $0["from"] == "\(alice.jid)" }
                .map { $0["type"] ?? $0.child("status")?.text ?? "available" }
        }
        for contact in [bob, carol] { _ = await contact.hears { $0["from"] == "\(alice.jid)" } }
        #expect(presence(bob) == ["available"])
        _ = try await alice.ask("set", command("block", "bob@example.org"))
        _ = await bob.hears { $0["type"] == "unavailable" }
        try alice.say("<presence><status>away</status></presence>")
        _ = await carol.hears { $0.child("status") != nil }
        try await bob.settle()
        #expect(presence(bob) == ["available", "unavailable"])
        _ = try await alice.ask("set", command("unblock", "bob@example.org"))
        _ = await bob.hears { $0.child("status") != nil }
        #expect(presence(bob) == ["available", "unavailable", "away"])
        #expect(presence(carol) == ["available", "away"])
    }
}
