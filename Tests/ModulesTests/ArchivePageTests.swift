import Kernel
import Network
import Storage
import Testing
import XML
import XMPP

@testable import Modules

/// Who asks in other words than most.
extension ArchiveTests {
    /// Who asks in the words of version 0.5 is answered in them.
    @Test @LoopActor func theEarlierVersion() async throws {
        let stage = try await stage("pm = {}\nuser_prefs_store = 'rdbms'")
        let alice = try await stage.client("alice")
        try await stage.account("bob")
        try await talk(alice, 5)
        let earlier = Archive.earlierNamespace
        func ask(_ contents: String) async throws -> (bodies: [String], fin: Element) {
            let before = alice.heard.count
            let answer = try await alice.ask("set", "<query xmlns='\(earlier)'>\(contents)</query>")
            let results = alice.heard[before...].compactMap { $0.child("result", earlier) }
            let messages = results.map { $0.child("forwarded", "urn:xmpp:forward:0")?.child("message", Namespace.client) }
            return (messages.map { $0?.child("body")?.text ?? "?" }, try #require(answer.child("fin", earlier)))
        }
        let all = try await ask("")
        #expect(all.bodies == ["1", "2", "3", "4", "5"] && all.fin["complete"] == "true")
        let some = try await ask(
            "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>\(earlier)</value></field>"
                + Self.field("with", "bob@example.org") + "</x><set><max>2</max><before/></set>")
        #expect(some.bodies == ["4", "5"] && set(some.fin)?.child("first") != nil)
        let form = try await alice.ask("get", "<query xmlns='\(earlier)'/>").child("query", earlier)?.child("x", "jabber:x:data")
        #expect(form?.firstChild?.child("value")?.text == earlier)
        for kind in ["set", "get"] {
            let asked =
                kind == "set"
                ? "<prefs xmlns='\(earlier)' default='never'><always/><never/></prefs>" : "<prefs xmlns='\(earlier)'/>"
            #expect(try await alice.ask(kind, asked).child("prefs", earlier)?["default"] == "never")
        }
        await finish(stage)
    }

    /// XEP-0059 §2.6, and what is said of the place of a page.
    @Test @LoopActor func placesAreCounted() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        try await stage.account("bob")
        try await talk(alice, 15)
        let ids = try await ask(alice, Self.query()).results.map { id($0) }
        let between = Self.field("from-id", ids[3]) + Self.field("to-id", ids[9])
        let simple = Self.field("simple", "true")
        let rows: [(fields: String, set: String, bodies: ClosedRange<Int>?, index: String?, count: String?, complete: Bool)] = [
            ("", "<max>5</max>", 1...5, "0", "15", false),
            ("", "<max>5</max><after/>", 1...5, "0", "15", false),
            ("", "<max>5</max><index>5</index>", 6...10, "5", "15", false),
            ("", "<max>5</max><index>10</index>", 11...15, "10", "15", true),
            ("", "<max>5</max><index>15</index>", nil, nil, "15", true),
            ("", "<max>5</max><index>20</index>", nil, nil, "15", true),
            ("", "<max>0</max><index>5</index>", nil, nil, "15", false),
            ("", "<max>0</max><index>15</index>", nil, nil, "15", true),
            ("", "<max>5</max><after>\(ids[4])</after>", 6...10, "5", "15", false),
            ("", "<max>5</max><after>\(ids[9])</after>", 11...15, "10", "15", true),
            ("", "<max>5</max><before/>", 11...15, nil, "15", false),
            ("", "<max>5</max><before>\(ids[9])</before>", 5...9, "4", "15", false),
            ("", "<max>5</max><before>\(ids[5])</before>", 1...5, "0", "15", true),
            (between, "<max>3</max><before>\(ids[8])</before>", 6...8, "2", "7", false),
            ("", "<max>0</max><before>\(ids[0])</before>", nil, nil, "15", true),
            ("", "<max>0</max><before>\(ids[1])</before>", nil, nil, "15", false),
            (between, "<max>5</max>", 4...8, "0", "7", false),
            (between, "<max>5</max><index>2</index>", 6...10, "2", "7", true),
            (between, "<max>5</max><after>\(ids[7])</after>", 9...10, "5", "7", true),
            (simple, "<max>5</max>", 1...5, nil, nil, false),
            (simple + between, "<max>7</max>", 4...10, nil, nil, true),
        ]
        for row in rows {
            let (results, fin) = try await ask(alice, Self.query(row.fields, row.set))
            #expect(bodies(results) == row.bodies.map { $0.map { "\($0)" } } ?? [], "\(row)")
            #expect(set(fin)?.child("first")?["index"] == row.index && set(fin)?.child("count")?.text == row.count, "\(row) \(fin)")
            #expect((fin["complete"] == "true") == row.complete, "\(row)")
        }
        await finish(stage)
    }

    @Test("a page is bounded by bytes, and the client goes on behind it in either direction") @LoopActor
    func pagesByBytes() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        try await stage.account("bob")
        for number in 1...12 {
            try alice.say(
                "<message to='bob@example.org' type='chat'><body>\(number)\(String(repeating: ">", count: 120_000))</body></message>"
            )
        }
        try await alice.settle()
        for direction in ["after", "before"] {
            var (found, page, pages) = ([String](), direction == "after" ? "" : "<before/>", 0)
            while pages < 12 {
                let (results, fin) = try await ask(alice, Self.query("", "<max>50</max>" + page))
                let texts = bodies(results).map { String($0.prefix { $0 != ">" }) }
                #expect((1...5).contains(texts.count))
                found = direction == "after" ? found + texts : texts + found
                pages += 1
                if fin["complete"] == "true" { break }
                let edge = try #require(set(fin)?.child(direction == "after" ? "last" : "first")?.text)
                page = "<\(direction)>\(edge)</\(direction)>"
            }
            #expect(found == (1...12).map { "\($0)" } && pages > 1)
        }
        await finish(stage)
    }

    @Test("a search goes on where it ended, also when it has found nothing") @LoopActor
    func searchesGoOn() async throws {
        // Less than what is archived, as if that were more than a query may read.
        var budget = ArchiveBudget()
        budget.readBytes = 10_000
        let stage = try await stage("pm = {}\nfull_text_search = true", budget)
        let alice = try await stage.client("alice")
        try await stage.account("bob")
        try alice.say("<message to='bob@example.org' type='chat'><body>needle</body></message>")
        for _ in 1...40 {
            try alice.say(
                "<message to='bob@example.org' type='chat'><body>\(String(repeating: "x", count: 1_000))</body></message>")
        }
        try await alice.settle()
        var (page, pages, found) = ("<before/>", 0, [String]())
        while pages < 20 {
            let (results, fin) = try await ask(alice, Self.query(Self.field("full-text-search", "needle"), "<max>5</max>" + page))
            pages += 1
            found += bodies(results)
            if fin["complete"] == "true" { break }
            page = "<before>\(try #require(set(fin)?.child("first")?.text))</before>"
        }
        #expect(found == ["needle"] && pages > 1)
        await finish(stage)
    }

    @Test("a message with the client's own delay, or a forged result or copy, is in both archives") @LoopActor
    func nothingElseKeepsOut() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob", on: 1)
        let children = [
            "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/>",
            "<delay xmlns='urn:xmpp:delay' from='example.org' stamp='2002-09-10T23:08:25Z'/>",
            "<result xmlns='urn:xmpp:mam:2' id='1'/>", "<received xmlns='urn:xmpp:carbons:2'/>",
            "<sent xmlns='urn:xmpp:carbons:2'/>",
        ]
        for (number, child) in children.enumerated() {
            try alice.say("<message to='bob@example.org' type='chat'><body>\(number)</body>\(child)</message>")
        }
        try await alice.settle()
        for client in [alice, bob] { #expect(bodies(try await ask(client, Self.query()).results) == ["0", "1", "2", "3", "4"]) }
        await finish(stage)
    }

    @Test("the error for a message to nobody has no id of an account that is not there, and nothing is kept for it") @LoopActor
    func nobodyHasNoArchive() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        try alice.say("<message to='nobody@example.org' id='1' type='chat'><body>x</body></message>")
        let error = try #require(await alice.hears { $0["id"] == "1" })
        #expect(error["type"] == "error" && error.has("body") && !error.has("stanza-id", StanzaID.namespace))
        await finish(stage)
        #expect(try await stage.store.archive.bounds(UserKey(user: "nobody", domain: Stage.domain)) == nil)
        await finish(stage)
    }
}
