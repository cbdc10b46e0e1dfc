import Kernel
import Network
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
            let asked = kind == "set" ? "<prefs xmlns='\(earlier)' default='never'><always/><never/></prefs>" : "<prefs xmlns='\(earlier)'/>"
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
}
