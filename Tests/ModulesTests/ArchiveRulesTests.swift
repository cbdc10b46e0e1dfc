import Storage
import Testing
import XML
import XMPP

@testable import Modules

/// The rules of the archive, without a server around them.
@Suite(.timeLimit(.minutes(5))) struct ArchiveRulesTests {
    private static let body = "<body>hi</body>"
    private static let markers = "urn:xmpp:chat-markers:0"

    /// Content, type, and whether it is kept when it goes out and comes in.
    static let rows: [(content: String, type: String, sent: Bool, received: Bool)] = [
        (body, "chat", true, true),
        (body, "normal", true, true),
        (body, "", true, true),
        (body, "unknown", true, true),
        (body, "headline", false, false),
        (body, "error", false, false),
        (body, "groupchat", false, false),
        ("", "chat", false, false),
        ("<subject>s</subject>", "chat", false, false),
        ("<composing xmlns='http://jabber.org/protocol/chatstates'/>", "chat", false, false),
        ("<received xmlns='urn:xmpp:receipts' id='1'/>", "chat", false, false),
        ("<displayed xmlns='\(markers)' id='1'/>", "chat", false, false),
        (body + "<no-store xmlns='urn:xmpp:hints'/>", "chat", false, false),
        (body + "<no-permanent-store xmlns='urn:xmpp:hints'/>", "chat", false, false),
        ("<encrypted xmlns='eu.siacs.conversations.axolotl'/><store xmlns='urn:xmpp:hints'/>", "chat", true, true),
        (body + "<store xmlns='urn:xmpp:hints'/>", "headline", false, false),
        (body + "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/>", "chat", true, true),
        (body + "<delay xmlns='urn:xmpp:delay' from='x' stamp='2002-09-10T23:08:25Z'/>", "chat", true, true),
        ("<result xmlns='urn:xmpp:mam:2' id='1'/>" + body, "normal", true, true),
        ("<received xmlns='urn:xmpp:carbons:2'/>" + body, "chat", true, true),
        ("<sent xmlns='urn:xmpp:carbons:2'/>" + body, "chat", true, true),
        ("<retract xmlns='urn:xmpp:message-retract:1' id='1'/>", "chat", true, true),
        ("<apply-to xmlns='urn:xmpp:fasten:0' id='1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>", "chat", true, true),
        (
            "<apply-to xmlns='urn:xmpp:fasten:0' id='1'><retract xmlns='urn:esl:message-retract-by-stanza-id:0'/></apply-to>",
            "chat", true, true
        ),
        ("<apply-to xmlns='urn:xmpp:fasten:0'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>", "chat", false, false),
        ("<retract xmlns='urn:xmpp:message-retract:1' id=''/>", "chat", false, false),
        ("<result xmlns='urn:xmpp:mam:1' id='1'/>" + body, "normal", true, true),
    ]

    private static func element(_ xml: String) throws -> Element {
        try Array(xml.utf8).withUnsafeBytes { try ElementParser().element($0, in: .client, limits: Limits(bytes: .max)) }
    }

    private static func message(_ content: String, _ type: String = "chat") throws -> Element {
        try element("<message\(type.isEmpty ? "" : " type='\(type)'")>\(content)</message>")
    }

    @Test(arguments: rows.indices) func kept(_ index: Int) throws {
        let row = Self.rows[index]
        let message = try Self.message(row.content, row.type)
        #expect(ArchiveRules.isKept(message, .outgoing, groupchat: false, markers: false) == row.sent, "\(message)")
        #expect(ArchiveRules.isKept(message, .incoming, groupchat: false, markers: false) == row.received, "\(message)")
    }

    @Test func optionsWiden() throws {
        let room = try Self.message(Self.body, "groupchat")
        #expect(ArchiveRules.isKept(room, .incoming, groupchat: true, markers: false))
        #expect(!ArchiveRules.isKept(room, .outgoing, groupchat: true, markers: false))
        for (name, isKept) in [("displayed", true), ("received", true), ("acknowledged", true), ("markable", false)] {
            let marker = try Self.message("<\(name) xmlns='\(Self.markers)' id='1'/>")
            #expect(ArchiveRules.isKept(marker, .incoming, groupchat: false, markers: true) == isKept, "\(name)")
        }
    }

    /// XEP-0441 §2.2, §2.3.
    static let wishes:
        [(ArchivePreferences.Standard, always: [String], never: [String], peer: String, ArchivePreferences.Verdict)] = [
            (.always, [], [], "a@x/r", .keep),
            (.never, [], [], "a@x/r", .leave),
            (.roster, [], [], "a@x/r", .ifInRoster),
            (.never, ["a@x"], [], "a@x/r", .keep),
            (.never, ["a@x/r"], [], "a@x/r", .keep),
            (.never, ["a@x/r"], [], "a@x/s", .leave),
            (.never, ["a@x/r"], [], "a@x", .leave),
            (.always, [], ["a@x"], "a@x/r", .leave),
            (.always, [], ["a@x/r"], "a@x/s", .keep),
            (.roster, [], ["a@x"], "a@x", .leave),
            (.always, ["a@x"], ["a@x"], "a@x", .leave),
            (.never, ["x"], [], "a@x", .leave),
        ]

    @Test(arguments: wishes.indices) func wish(_ index: Int) {
        let row = Self.wishes[index]
        let preferences = ArchivePreferences(
            standard: row.0, always: row.always.map { JID.prepared($0) }, never: row.never.map { JID.prepared($0) })
        #expect(preferences.verdict(on: .prepared(row.peer)) == row.4, "\(row)")
    }

    static let times: [(String, Int64?)] = [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-07-21T02:56:15Z", -14_159_025_000_000),
        ("2002-09-10T23:41:07Z", 1_031_701_267_000_000),
        ("2000-02-29T12:00:00.5Z", 951_825_600_500_000),
        ("2010-06-07T00:00:00+02:00", 1_275_861_600_000_000),
        ("2010-06-07T00:00:00.1234567-05:30", 1_275_888_600_123_456),
        ("2010-06-07", nil), ("2010-06-07T00:00:00", nil), ("2010-13-07T00:00:00Z", nil), ("2010-06-07T24:00:00Z", nil),
        // Days and times that are none.
        ("2025-02-30T00:00:00Z", nil), ("2025-02-29T00:00:00Z", nil), ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        ("1900-02-29T00:00:00Z", nil), ("2100-02-29T00:00:00Z", nil), ("2025-04-31T00:00:00Z", nil),
        ("2025-06-31T00:00:00Z", nil), ("2025-09-31T00:00:00Z", nil), ("2025-11-31T00:00:00Z", nil),
        ("2025-12-31T23:59:59Z", 1_767_225_599_000_000), ("2025-12-32T00:00:00Z", nil), ("2025-01-00T00:00:00Z", nil),
        ("2025-00-01T00:00:00Z", nil), ("2025-01-01T25:61:00Z", nil), ("2025-01-01T00:60:00Z", nil),
        ("2025-01-01T00:00:60Z", nil), ("2025-01-01T00:00:00+14:00", 1_735_639_200_000_000),
        ("2025-01-01T00:00:00+14:01", nil), ("2025-01-01T00:00:00-24:00", nil), ("2025-01-01T00:00:00+01:60", nil),
        ("0000-01-01T00:00:00Z", nil), ("2025-1-01T00:00:00Z", nil), ("+2025-01-01T00:00:00Z", nil),
        ("2010-06-07T00:00:00.Z", nil), ("2010-06-07 00:00:00Z", nil), ("", nil), ("2010-06-07T00:00:00Zx", nil),
    ]

    @Test(arguments: times.indices) func time(_ index: Int) {
        #expect(DateTime.microseconds(Self.times[index].0) == Self.times[index].1, "\(Self.times[index].0)")
    }

    @Test func timesGoRound() {
        for time in [0, 1, 999_999, 1_000_000, 1_795_280_400_123_450, 951_825_600_000_000, -1] as [Int64] {
            #expect(DateTime.microseconds(DateTime.text(time)) == time, "\(time)")
        }
        #expect(DateTime.text(1_031_701_267_000_000) == "2002-09-10T23:41:07Z")
        #expect(DateTime.text(1_031_701_267_000_010) == "2002-09-10T23:41:07.000010Z")
    }

    /// The test vector of the cipher's authors, and the way back.
    @Test func idsAreEnciphered() throws {
        let key: [UInt8] = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]
        let ids = try #require(ArchiveIDs(key: key))
        #expect(ids.enciphered(0x3b72_6574_7475_432d) == 0x8c6f_a548_454e_028b)
        for id in [1, 2, 1 << 56, 460_000_000_000_000_123, .max] as [Int64] { #expect(ids.id(ids.text(id)) == id) }
        #expect(Set((1...1000).map { ids.text($0) }).count == 1000)
        for wrong in ["", "x", "00000000000000000", "000000000000000G", "ABCDEF0123456789"] { #expect(ids.id(wrong) == nil) }
        #expect(ArchiveIDs(key: [1]) == nil)
    }

    @Test func idsGrowAndTellTheWorker() {
        var clock = ArchiveClock(slot: 7)
        let ids = [clock.next(at: 1000), clock.next(at: 1000), clock.next(at: 900), clock.next(at: 2000)]
        #expect(ids == [1000, 1001, 1002, 2000].map { $0 << 8 | 7 })
    }

    private static func query(_ contents: String) throws -> ArchiveQuery {
        try ArchiveQuery(try element("<query xmlns='urn:xmpp:mam:2' queryid='q'>\(contents)</query>"), isSearchable: true)
    }

    private static func form(_ fields: (String, [String])...) -> String {
        let fields = fields.map { name, values in
            "<field var='\(name)'>\(values.map { "<value>\($0)</value>" }.joined())</field>"
        }
        return
            "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>\(fields.joined())</x>"
    }

    @Test func formsAreRead() throws {
        let all = try Self.query("")
        #expect(all.queryID == "q" && all.selection == ArchiveSelection() && all.condition == nil && !all.isFlipped)
        let query = try Self.query(
            Self.form(
                ("with", ["Romeo@Example.org"]), ("start", ["1970-01-01T00:00:01Z"]), ("end", ["1970-01-01T00:00:02Z"]),
                ("include-groupchat", ["false"]))
                + "<flip-page/><set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set>")
        #expect(query.isFlipped && query.page.max == 5 && query.page.before == "" && query.page.after == nil)
        var expected = ArchiveSelection()
        expected.after = 1_000_000 << 8 - 1
        expected.before = 2_000_001 << 8
        expected.peer = UserKey(user: "romeo", domain: "example.org")
        expected.withoutGroupchat = true
        #expect(query.selection == expected)
        let ids = try Self.query(Self.form(("ids", ["a", "b"]), ("before-id", ["c"]), ("after-id", ["d"])))
        #expect(ids.ids == ["a", "b"] && ids.beforeID == "c" && ids.afterID == "d")
        for name in ["withtext", "fulltext", "full-text-search", "{urn:xmpp:fulltext:0}fulltext"] {
            #expect(try Self.query(Self.form((name, ["Hello  World"]))).words == ["hello", "world"])
        }
    }

    /// As MongooseIM takes it, and as its clients may have learned to say it.
    @Test func carelessFormsAreRead() throws {
        let query = try ArchiveQuery(
            try Self.element(
                """
                <query xmlns='urn:xmpp:mam:1'><x xmlns='jabber:x:data' type='submit'><field var='from-id'><value>a</value></field>
                <field var='to-id'><value>b</value></field><field var='simple'><value>true</value></field></x>
                <set><max>5</max><index>7</index></set></query>
                """), isSearchable: true)
        #expect(query.namespace == "urn:xmpp:mam:1" && query.fromID == "a" && query.toID == "b" && query.isSimple)
        #expect(query.page.max == 5 && query.page.index == 7)
    }

    static let wrong: [(String, StanzaError.Condition)] = [
        (form(("x", ["1"])), .featureNotImplemented),
        (form(("start", ["yesterday"])), .badRequest),
        (form(("with", ["@"])), .jidMalformed),
        ("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:1</value></field></x>", .badRequest),
        ("<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field></x>", .badRequest),
        ("<set xmlns='http://jabber.org/protocol/rsm'><max>many</max></set>", .badRequest),
        ("<set xmlns='http://jabber.org/protocol/rsm'><max>-1</max></set>", .badRequest),
        ("<set xmlns='http://jabber.org/protocol/rsm'><index>1001</index></set>", .featureNotImplemented),
        ("<set xmlns='http://jabber.org/protocol/rsm'><index>-1</index></set>", .badRequest),
        ("<set xmlns='http://jabber.org/protocol/rsm'><index>5</index><before/></set>", .badRequest),
    ]

    @Test(arguments: wrong.indices) func wrongQueries(_ index: Int) throws {
        #expect { try Self.query(Self.wrong[index].0) } throws: { ($0 as? StanzaError)?.condition == Self.wrong[index].1 }
    }

    @Test func keptStanzasAreLookedInto() throws {
        let stanza = Stanza(
            .message, from: JID("o'neill@x/r"), to: JID("b@x/s"),
            element: try Self.message("<body xml:lang='en'>A &amp; B say &lt;Grüße&gt;</body><x xmlns='y'>secret</x>"))
        let kept = KeptStanza(stanza.rendered())
        #expect(kept.isWith("b@x/s") && !kept.isWith("b@x"))
        #expect(kept.hasWords(.init(["grüße"])) && kept.hasWords(.init(["b", "a &", "<grüße>"])))
        #expect(!kept.hasWords(.init(["secret"])) && !kept.hasWords(.init(["grüße", "missing"])))
        #expect(!KeptStanza(Array("<message/>".utf8)).hasWords(.init(["a"])))
    }

    @Test("words are looked for in one pass, whatever the text and the words", .timeLimit(.minutes(1)))
    func searchIsLinear() throws {
        let escaped = Array(("<message><body>" + String(repeating: "&gt;", count: 500_000) + "word</body></message>").utf8)
        #expect(KeptStanza(escaped).hasWords(.init(["word"])))
        let repeated = Array(("<message><body>" + String(repeating: "a", count: 2_000_000) + "</body></message>").utf8)
        #expect(!KeptStanza(repeated).hasWords(.init([String(repeating: "a", count: 1000) + "b"])))
    }

    @Test("bytes are found where they are first", arguments: ["a", "aa", "ab", "aab", "abab", "ababaa"])
    func bytesAreFound(_ wanted: String) {
        for number in 0..<4096 {
            let text = (0..<12).map { number >> $0 & 1 == 0 ? "a" : "b" }.joined()
            let expected = (0...12).first { text.dropFirst($0).hasPrefix(wanted) }
            #expect(Array(text.utf8).withUnsafeBytes { ByteSearch(Array(wanted.utf8)).place(in: $0) } == expected)
        }
    }

    @Test("preferences with too many addresses are refused before one is read, repeated ones counted")
    func preferencesAreBounded() throws {
        func prefs(_ jids: [String]) throws -> Element {
            try Self.element(
                "<prefs xmlns='urn:xmpp:mam:2' default='always'><always>" + jids.map { "<jid>\($0)</jid>" }.joined()
                    + "</always><never><jid>n@x</jid></never></prefs>")
        }
        let most = try ArchivePreferenceService.read(prefs((1...999).map { "u\($0)@x" }))
        #expect(most.always.count == 999 && most.never.count == 1)
        #expect(try ArchivePreferenceService.read(prefs(Array(repeating: "u@x", count: 999))).always.count == 1)
        for jids in [
            (1...1000).map { "u\($0)@x" }, Array(repeating: "u@x", count: 1000), Array(repeating: "no@@address", count: 1000),
        ] {
            #expect { try ArchivePreferenceService.read(prefs(jids)) } throws: {
                ($0 as? StanzaError)?.condition == .resourceConstraint
            }
        }
    }

    @Test func tombstones() throws {
        func stanza(_ xml: String, from: String) throws -> Stanza {
            Stanza(.message, from: JID(from), to: JID("b@x"), element: try Self.element(xml))
        }
        let retraction = try #require(
            MessageRetraction(
                try stanza(
                    "<message id='r1' type='chat'><retract xmlns='urn:xmpp:message-retract:1' id=\"it's\"/></message>",
                    from: "a@x/1")))
        let meant = try stanza("<message id=\"it's\" type='chat'><body>wrong</body></message>", from: "a@x/2")
        let tombstone = try #require(retraction.tombstone(of: meant.rendered(), nil, at: "now"))
        let element = try Self.element(String(decoding: tombstone, as: UTF8.self))
        #expect(element["id"] == "it's" && element["from"] == "a@x/2" && element["to"] == "b@x" && element["type"] == "chat")
        #expect(!element.has("body"))
        #expect(element.child("retracted", MessageRetraction.namespace)?["id"] == "r1")
        #expect(element.child("retracted", MessageRetraction.namespace)?["stamp"] == "now")
        for other in [
            try stanza("<message id=\"it's\"><body>x</body></message>", from: "c@x/2"),
            try stanza("<message id=\"it's\"><body>x</body></message>", from: "aa@x/2"),
            try stanza("<message id='its'><body>id='it's'</body></message>", from: "a@x/2"),
        ] { #expect(retraction.tombstone(of: other.rendered(), "it's", at: "now") == nil) }
        let origin = try stanza("<message><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id=\"it's\"/></message>", from: "a@x")
        #expect(retraction.tombstone(of: origin.rendered(), nil, at: "now") != nil)
        let fastened =
            "<apply-to xmlns='urn:xmpp:fasten:0' id=\"it's\"><retract xmlns='urn:esl:message-retract-by-stanza-id:0'/></apply-to>"
        let byID = try #require(MessageRetraction(try stanza("<message>\(fastened)</message>", from: "a@x/1")))
        #expect(byID.tombstone(of: meant.rendered(), "it's", at: "now") != nil)
        #expect(byID.tombstone(of: meant.rendered(), "its", at: "now") == nil)
        #expect(
            byID.tombstone(of: try stanza("<message><body>x</body></message>", from: "c@x/1").rendered(), "it's", at: "now") == nil)
    }

    @Test func forgedIDsAreStripped() throws {
        let me = JID.prepared("me@x")
        let stanza = Stanza(
            .message, from: nil, to: nil,
            element: try Self.message(
                "<stanza-id xmlns='urn:xmpp:sid:0' by='Me@x' id='1'/><stanza-id xmlns='urn:xmpp:sid:0' by='room@y' id='2'/>"
                    + "<origin-id xmlns='urn:xmpp:sid:0' id='3'/><body>x</body>"))
        let left = StanzaID.withoutForged(stanza, by: me).element.children.compactMap { $0["id"] }
        #expect(left == ["2", "3"])
    }
    @Test func moreIDsThanAreExaminedAreStrippedUnseen() throws {
        let ids = (0..<40).map { "<stanza-id xmlns='urn:xmpp:sid:0' by='room\($0)@y' id='\($0)'/>" }.joined()
        let stanza = Stanza(.message, from: nil, to: nil, element: try Self.message(ids + "<body>x</body>"))
        let left = StanzaID.withoutForged(stanza, by: JID.prepared("me@x")).element.children
        #expect(left.map { $0["id"] } == (0..<StanzaID.mostExamined).map { "\($0)" } + [nil])
    }
}
