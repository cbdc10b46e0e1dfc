import Kernel
import Network
import Storage
import Testing
import XML
import XMPP

@testable import Modules

/// Conversations about the archive, on two workers: what XEP-0313 demands, sentence by sentence.
@Suite(.timeLimit(.minutes(5))) struct ArchiveTests {
    init() { StageLoop.start() }

    func stage(_ options: String = "pm = {}", _ budget: ArchiveBudget = ArchiveBudget()) async throws -> Stage {
        try await Stage(
            """
            [modules.mod_offline]
            [modules.mod_carboncopy]
            [modules.mod_disco]
            [modules.mod_mam]
            \(options)
            """, [Archive.self, Carbons.self, Disco.self, OfflineMessages.self, Presence.self], archiveBudget: budget)
    }

    private static let rsm = "http://jabber.org/protocol/rsm"

    static func query(_ fields: String = "", _ set: String? = nil, _ more: String = "") -> String {
        let form =
            fields.isEmpty
            ? ""
            : "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
                + "<value>urn:xmpp:mam:2</value></field>\(fields)</x>"
        return
            "<query xmlns='urn:xmpp:mam:2' queryid='q'>\(form)\(set.map { "<set xmlns='\(rsm)'>\($0)</set>" } ?? "")\(more)</query>"
    }

    static func field(_ name: String, _ value: String) -> String { "<field var='\(name)'><value>\(value)</value></field>" }

    /// The results of one query in the order in which they came, and its `<fin/>`.
    @LoopActor func ask(_ client: StageClient, _ query: String) async throws -> (results: [Element], fin: Element) {
        let before = client.heard.count
        let answer = try await client.ask("set", query)
        let results = client.heard[before...].filter { $0.child("result", Archive.namespace) != nil }
        #expect(answer["type"] == "result", "\(answer)")
        #expect(client.heard.last?["id"] == answer["id"], "the result of the query comes last")
        return (results, try #require(answer.child("fin", Archive.namespace)))
    }

    private func message(_ result: Element) -> Element? {
        result.child("result", Archive.namespace)?.child("forwarded", "urn:xmpp:forward:0")?.child("message", Namespace.client)
    }
    func bodies(_ results: [Element]) -> [String] { results.map { message($0)?.child("body")?.text ?? "?" } }
    func id(_ result: Element) -> String { result.child("result", Archive.namespace)?["id"] ?? "?" }
    func set(_ fin: Element) -> Element? { fin.child("set", Self.rsm) }

    /// The database of a stage is closed at the end of its test.
    @LoopActor func finish(_ stage: Stage) async {
        for worker in stage.workers {
            await StageTime.until { ArchiveWriter.of(worker).isIdle }
        }
    }

    @LoopActor func talk(_ alice: StageClient, _ count: Int) async throws {
        for number in 1...count {
            try alice.say("<message to='bob@example.org' id='m\(number)' type='chat'><body>\(number)</body></message>")
        }
        try await alice.settle()
    }

    @Test @LoopActor func bothSidesFindTheConversation() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice", "a")
        let bob = try await stage.client("bob", "b", on: 1)
        try bob.say("<presence/>")
        try await bob.settle()
        try await talk(alice, 3)
        _ = await bob.hears { $0.child("body")?.text == "3" }
        try bob.say("<message to='\(alice.jid)' type='chat'><body>4</body></message>")
        _ = await alice.hears { $0.child("body")?.text == "4" }

        for client in [alice, bob] {
            let (results, fin) = try await ask(client, Self.query())
            #expect(bodies(results) == ["1", "2", "3", "4"])
            #expect(fin["complete"] == "true" && fin["stable"] != "false")
            #expect(set(fin)?.child("first")?.text == id(results[0]) && set(fin)?.child("first")?["index"] == "0")
            #expect(set(fin)?.child("last")?.text == id(results[3]))
            #expect(set(fin)?.child("count")?.text == "4")
            for result in results {
                #expect(result["from"] == client.jid.bareText && result["to"] == client.jid.description)
                #expect(result.child("result", Archive.namespace)?["queryid"] == "q")
                let stamp = result.child("result", Archive.namespace)?.child("forwarded", "urn:xmpp:forward:0")?
                    .child("delay", Namespace.delay)?["stamp"]
                #expect(stamp.flatMap { DateTime.microseconds($0) } != nil)
            }
            let kept = try #require(message(results[0]))
            #expect(
                kept["from"] == "\(alice.jid)" && kept["to"] == "bob@example.org" && kept["id"] == "m1" && kept["type"] == "chat")
        }
        // The recipient was told the ids live; the sender's own are none of the recipient's business.
        let live = bob.heard.filter { $0.isNamed("message") && $0.child("body") != nil && $0["type"] == "chat" }
        let (results, _) = try await ask(bob, Self.query())
        #expect(live.prefix(3).map { $0.child("stanza-id", StanzaID.namespace)?["id"] } == results.prefix(3).map { id($0) })
        #expect(live.prefix(3).allSatisfy { $0.child("stanza-id", StanzaID.namespace)?["by"] == "bob@example.org" })
        #expect(live.allSatisfy { $0.children.count { $0.isNamed("stanza-id") } == 1 })
    }

    @Test @LoopActor func pagesGoBothWays() async throws {
        let stage = try await stage("pm = {}\nmax_result_limit = 7\ndefault_result_limit = 5")
        let alice = try await stage.client("alice")
        try await stage.account("bob")
        try await talk(alice, 20)
        var forward: [String] = []
        var after: String?
        repeat {
            let (results, fin) = try await ask(alice, Self.query("", "<max>3</max>" + (after.map { "<after>\($0)</after>" } ?? "")))
            forward += bodies(results)
            after = fin["complete"] == "true" ? nil : set(fin)?.child("last")?.text
            #expect(set(fin)?.child("count")?.text == "20")
        } while after != nil
        #expect(forward == (1...20).map { "\($0)" })

        let (last, fin) = try await ask(alice, Self.query("", "<max>3</max><before/>"))
        #expect(bodies(last) == ["18", "19", "20"] && fin["complete"] != "true")
        let (earlier, _) = try await ask(alice, Self.query("", "<max>3</max><before>\(id(last[0]))</before>"))
        #expect(bodies(earlier) == ["15", "16", "17"])
        let flipped = try await ask(alice, Self.query("", "<max>3</max><before/>", "<flip-page/>"))
        #expect(bodies(flipped.results) == ["20", "19", "18"] && set(flipped.fin)?.child("first")?.text == id(last[0]))
        #expect(bodies(try await ask(alice, Self.query()).results).count == 5)
        #expect(bodies(try await ask(alice, Self.query("", "<max>100</max>")).results).count == 7)
        let none = try await ask(alice, Self.query("", "<max>0</max>"))
        #expect(none.results.isEmpty && set(none.fin)?.child("count")?.text == "20")

        let between = Self.field("after-id", id(earlier[0])) + Self.field("before-id", id(last[2]))
        #expect(bodies(try await ask(alice, Self.query(between)).results) == ["16", "17", "18", "19"])
        let (start, _) = try await ask(alice, Self.query(between, "<max>2</max><before/>"))
        #expect(bodies(start) == ["18", "19"])
        let ids = "<field var='ids'><value>\(id(last[1]))</value><value>\(id(earlier[2]))</value></field>"
        let named = try await ask(alice, Self.query(ids))
        #expect(bodies(named.results) == ["17", "19"] && named.fin["complete"] == "true")

        let stamp =
            earlier[1].child("result", Archive.namespace)?.child("forwarded", "urn:xmpp:forward:0")?
            .child("delay", Namespace.delay)?["stamp"] ?? "?"
        let since = try await ask(alice, Self.query(Self.field("start", stamp), "<max>1</max>"))
        #expect(bodies(since.results) == ["16"], "start is inclusive")
        let until = try await ask(alice, Self.query(Self.field("end", stamp), "<before/>"))
        #expect(bodies(until.results).last == "16", "end is inclusive")
        let empty = try await ask(alice, Self.query(Self.field("end", "1999-01-01T00:00:00Z")))
        #expect(empty.results.isEmpty && empty.fin["complete"] == "true" && set(empty.fin)?.child("first") == nil)
    }

    @Test @LoopActor func whatCannotBeAnswered() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob")
        try await talk(alice, 2)
        let unknown = "0123456789abcdef"
        for (query, condition) in [
            (Self.query("", "<after>\(unknown)</after>"), "item-not-found"),
            (Self.query("", "<before>\(unknown)</before>"), "item-not-found"),
            (Self.query(Self.field("before-id", unknown)), "item-not-found"),
            (Self.query(Self.field("after-id", "nonsense")), "item-not-found"),
            (Self.query(Self.field("ids", unknown)), "item-not-found"),
            (Self.query(Self.field("nonsense", "1")), "feature-not-implemented"),
            (Self.query(Self.field("start", "x")), "bad-request"),
            ("<prefs xmlns='urn:xmpp:mam:2' default='always'/>", "feature-not-implemented"),
        ] {
            let answer = try await alice.ask("set", query)
            #expect(answer["type"] == "error" && answer.errorCondition == condition, "\(query)")
        }
        for payload in [Self.query(), "<metadata xmlns='urn:xmpp:mam:2'/>", "<prefs xmlns='urn:xmpp:mam:2'/>"] {
            #expect(
                try await bob.ask(payload.contains("<meta") ? "get" : "set", to: "alice@example.org", payload).errorCondition
                    == "service-unavailable")
        }
        #expect(bob.heard.allSatisfy { $0.child("result", Archive.namespace) == nil })
        await finish(stage)
    }

    @Test @LoopActor func selectsByAddressAndWords() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice", "a")
        for user in ["bob", "carol"] { try await stage.account(user) }
        for (to, body) in [
            ("bob@example.org/x", "Good Morning Bob"), ("carol@example.org", "good day"),
            ("bob@example.org/y", "morning &amp; day"),
            ("alice@example.org", "note to myself"), ("bob@example.org", "bye"),
        ] { try alice.say("<message to='\(to)' type='chat'><body>\(body)</body></message>") }
        try await alice.settle()
        for (fields, expected) in [
            (Self.field("with", "bob@example.org"), ["Good Morning Bob", "morning & day", "bye"]),
            (Self.field("with", "bob@example.org/y"), ["morning & day"]),
            (Self.field("with", "carol@example.org"), ["good day"]),
            (Self.field("with", "alice@example.org"), ["note to myself"]),
            (Self.field("with", "nobody@example.org"), []),
            (Self.field("full-text-search", "morning"), ["Good Morning Bob", "morning & day"]),
            (Self.field("{urn:xmpp:fulltext:0}fulltext", "day good"), ["good day"]),
            (Self.field("with", "bob@example.org") + Self.field("withtext", "day"), ["morning & day"]),
        ] {
            #expect(bodies(try await ask(alice, Self.query(fields)).results) == expected, "\(fields)")
        }
    }

    @Test @LoopActor func metadataAndFormAndFeatures() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        try await stage.account("bob")
        let nothing = try await alice.ask("get", "<metadata xmlns='urn:xmpp:mam:2'/>")
        #expect(nothing.child("metadata", Archive.namespace)?.firstChild == nil)
        try await talk(alice, 3)
        let (results, _) = try await ask(alice, Self.query())
        let metadata = try #require(
            try await alice.ask("get", "<metadata xmlns='urn:xmpp:mam:2'/>").child("metadata", Archive.namespace))
        #expect(metadata.child("start")?["id"] == id(results[0]) && metadata.child("end")?["id"] == id(results[2]))
        #expect(metadata.child("start")?["timestamp"].flatMap { DateTime.microseconds($0) } != nil)

        let form = try await alice.ask("get", "<query xmlns='urn:xmpp:mam:2'/>").firstChild?.child("x", "jabber:x:data")
        let fields = form?.children.compactMap { $0["var"] } ?? []
        #expect(
            Set(fields).isSuperset(of: ["FORM_TYPE", "with", "start", "end", "before-id", "after-id", "ids", "include-groupchat"]))
        #expect(form?.children.allSatisfy { !$0.has("required") } == true)
        #expect(
            form?.children.first { $0["var"] == "ids" }?.child("validate", "http://jabber.org/protocol/xdata-validate")?.firstChild?
                .name == "open")

        let info = try await alice.ask("get", to: "alice@example.org", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        let features = Set(info.firstChild?.children.compactMap { $0["var"] } ?? [])
        #expect(
            features.isSuperset(of: [
                "urn:xmpp:mam:2", "urn:xmpp:mam:2#extended", "urn:xmpp:mam:2#groupchat-field", "urn:xmpp:sid:0",
                "urn:xmpp:message-retract:1", "urn:xmpp:message-retract:1#tombstone", Self.rsm,
            ]))
        #expect(!features.contains("urn:xmpp:mam:2#groupchat-available"))
        let hosts = try await alice.ask("get", to: "example.org", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        let told = Set(hosts.firstChild?.children.compactMap { $0["var"] } ?? [])
        #expect(told.isSuperset(of: ["urn:xmpp:mam:1", "urn:xmpp:mam:2", "urn:xmpp:message-retract:0#tombstone", Self.rsm]))
    }

    @Test @LoopActor func whoIsNotThereMissesNothingAndGetsNothingTwice() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        try await stage.account("bob")
        try await talk(alice, 3)
        let bob = try await stage.client("bob", on: 1)
        try bob.say("<presence/>")
        try await bob.settle()
        let waiting = bob.heard.filter { $0.isNamed("message") }
        let (results, _) = try await ask(bob, Self.query())
        #expect(bodies(results) == ["1", "2", "3"])
        #expect(waiting.map { $0.child("stanza-id", StanzaID.namespace)?["id"] } == results.map { id($0) })
        #expect(alice.heard.allSatisfy { $0["type"] != "error" })
    }

    /// Without offline storage the archive keeps it, and that is no error; what it does not keep is one.
    @Test @LoopActor func keptIsNoError() async throws {
        let stage = try await Stage("[modules.mod_mam]\npm = {}", [Archive.self, Presence.self])
        let alice = try await stage.client("alice")
        try await stage.account("bob")
        try await talk(alice, 1)
        #expect(alice.heard.allSatisfy { $0["type"] != "error" })
        try alice.say("<message to='bob@example.org' id='n' type='chat'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>")
        #expect(await alice.hears { $0["id"] == "n" }?.errorCondition == "service-unavailable")
        try alice.say("<message to='nobody@example.org' id='o' type='chat'><body>x</body></message>")
        #expect(await alice.hears { $0["id"] == "o" }?.errorCondition == "service-unavailable")
        let nobody = try await stage.client("nobody")
        #expect(try await ask(nobody, Self.query()).results.isEmpty, "nothing was kept before there was an account")
        #expect(bodies(try await ask(alice, Self.query()).results) == ["1", "x"])
    }

    @Test @LoopActor func carbonsTellTheIDs() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice", "1")
        let other = try await stage.client("alice", "2", on: 1)
        let bob = try await stage.client("bob", "1")
        let tablet = try await stage.client("bob", "2", on: 1)
        for client in [other, tablet, bob] {
            try client.say("<presence/>")
            _ = try await client.ask("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
        }
        try alice.say("<message to='\(bob.jid)' type='chat'><body>1</body></message>")
        for (client, direction) in [(other, "sent"), (tablet, "received")] {
            let carbon = await client.hears { $0.child(direction, "urn:xmpp:carbons:2") != nil }
            let copy = carbon?.child(direction, "urn:xmpp:carbons:2")?.firstChild?.child("message", Namespace.client)
            let (results, _) = try await ask(client, Self.query())
            try #require(bodies(results) == ["1"], "\(direction): kept once")
            #expect(copy?.children.filter { $0.isNamed("stanza-id") }.map { $0["id"] } == [id(results[0])], "\(direction)")
            #expect(copy?.child("stanza-id", StanzaID.namespace)?["by"] == client.jid.bareText)
        }
    }

    @Test @LoopActor func forgedIDsAreTakenAway() async throws {
        let stage = try await stage("pm = {}\nno_stanzaid_element = true")
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob", on: 1)
        try bob.say("<presence/>")
        try await bob.settle()
        try alice.say(
            "<message to='bob@example.org' type='chat'><body>1</body><stanza-id xmlns='urn:xmpp:sid:0' by='bob@example.org' id='x'/>"
                + "<stanza-id xmlns='urn:xmpp:sid:0' by='room@y' id='y'/><origin-id xmlns='urn:xmpp:sid:0' id='z'/></message>")
        let heard = await bob.hears { $0.has("body") }
        #expect(heard?.children.compactMap { $0["id"] } == ["y", "z"])
        await finish(stage)
    }

    @Test @LoopActor func retraction() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice", "a")
        let bob = try await stage.client("bob", on: 1)
        try await talk(alice, 2)
        try bob.say(
            "<message to='alice@example.org' id='r0' type='chat'><retract id='m2' xmlns='urn:xmpp:message-retract:1'/></message>")
        try await bob.settle()
        try alice.say(
            "<message to='bob@example.org' id='r1' type='chat'><retract id='m1' xmlns='urn:xmpp:message-retract:1'/><body>gone</body></message>"
        )
        try await alice.settle()
        for client in [alice, bob] {
            let (results, _) = try await ask(client, Self.query())
            #expect(results.count == 4)
            let tombstone = try #require(results.first.flatMap { message($0) })
            #expect(tombstone["id"] == "m1" && tombstone.child("body") == nil)
            #expect(tombstone.child("retracted", MessageRetraction.namespace)?["id"] == "r1")
            #expect(message(results[1])?.child("body")?.text == "2", "only who wrote it takes it back")
        }
    }

    @Test @LoopActor func preferences() async throws {
        let stage = try await stage("pm = {}\nuser_prefs_store = 'rdbms'")
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob", on: 1)
        try await stage.account("carol")
        func prefs(_ standard: String, _ always: String = "", _ never: String = "") -> String {
            "<prefs xmlns='urn:xmpp:mam:2' default='\(standard)'><always>\(always)</always><never>\(never)</never></prefs>"
        }
        let usual = try await bob.ask("get", "<prefs xmlns='urn:xmpp:mam:2'/>").child("prefs", Archive.namespace)
        #expect(usual?["default"] == "always" && usual?.has("always") == true && usual?.has("never") == true)
        #expect(try await bob.ask("set", "<prefs xmlns='urn:xmpp:mam:2' default='sometimes'/>").errorCondition == "bad-request")
        func sends(_ body: String, _ wish: String) async throws {
            let answer = try await bob.ask("set", wish)
            #expect(answer["type"] == "result", "\(answer)")
            try await alice.settle()
            try alice.say("<message to='bob@example.org' type='chat'><body>\(body)</body></message>")
            try await alice.settle()
        }
        try await sends("1", prefs("never"))
        try await sends("2", prefs("never", "<jid>alice@example.org</jid>"))
        try await sends("3", prefs("always", "", "<jid>\(alice.jid)</jid>"))
        try await sends("4", prefs("roster"))
        try await stage.roster(of: "bob", "alice", .none)
        try await sends("5", prefs("roster"))
        #expect(bodies(try await ask(bob, Self.query()).results) == ["2", "5"])
        #expect(bodies(try await ask(alice, Self.query()).results).count == 5, "what bob wants is not alice's matter")
        let kept = try await bob.ask("get", "<prefs xmlns='urn:xmpp:mam:2'/>").child("prefs", Archive.namespace)
        #expect(kept?["default"] == "roster")
    }

    @Test @LoopActor func removedAccounts() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob", on: 1)
        try await talk(alice, 3)
        #expect(try await stage.host().removeAccount(alice.jid.bare))
        #expect(bodies(try await ask(bob, Self.query()).results) == ["1", "2", "3"])
        let again = try await stage.client("alice", "new", on: 1)
        #expect(try await ask(again, Self.query()).results.isEmpty)
        try again.say("<message to='bob@example.org' type='chat'><body>4</body></message>")
        try await again.settle()
        #expect(bodies(try await ask(again, Self.query()).results) == ["4"])
        await finish(stage)
    }

    @Test @LoopActor func theOldNameMeansTheSame() async throws {
        let stage = try await Stage("[modules.mod_mam_meta]\npm.archive_groupchats = true", [Archive.self, Presence.self])
        let alice = try await stage.client("alice")
        try await stage.account("bob")
        try await talk(alice, 1)
        #expect(bodies(try await ask(alice, Self.query()).results) == ["1"])
        // Without the table of users' archives there are none.
        let without = try await Stage("[modules.mod_mam]\nmuc = {}", [Archive.self, Presence.self])
        #expect(try await without.client("alice").ask("set", Self.query()).errorCondition == "service-unavailable")
    }
}
