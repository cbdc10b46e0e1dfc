import Testing

@testable import XMPP

@Suite(.timeLimit(.minutes(5)))
struct JIDTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let prepared: String?
        init(_ text: String, _ prepared: String?) {
            self.text = text
            self.prepared = prepared
        }
        var testDescription: String { text.count < 80 ? text.debugDescription : "\(text.prefix(20))… (\(text.utf8.count) bytes)" }
    }

    /// RFC 7622 §3.5, table 1.
    static let valid = [
        Row("juliet@example.com", "juliet@example.com"),
        Row("juliet@example.com/foo", "juliet@example.com/foo"),
        Row("juliet@example.com/foo bar", "juliet@example.com/foo bar"),
        Row("juliet@example.com/foo@bar", "juliet@example.com/foo@bar"),
        Row("foo\\20bar@example.com", "foo\\20bar@example.com"),
        Row("fussball@example.com", "fussball@example.com"),
        Row("fu\u{df}ball@example.com", "fu\u{df}ball@example.com"),
        Row("\u{3c0}@example.com", "\u{3c0}@example.com"),
        Row("\u{3a3}@example.com/foo", "\u{3c3}@example.com/foo"),
        Row("\u{3c3}@example.com/foo", "\u{3c3}@example.com/foo"),
        Row("\u{3c2}@example.com/foo", "\u{3c2}@example.com/foo"),
        Row("king@example.com/\u{265a}", "king@example.com/\u{265a}"),
        Row("example.com", "example.com"),
        Row("example.com/foobar", "example.com/foobar"),
        Row("a.example.com/b@example.net", "a.example.com/b@example.net"),
    ]

    /// RFC 7622 §3.5, table 2. The blank at the beginning of a resource, which the table has as well, is nothing that
    /// the profile of §3.4 refuses, and is let through.
    static let invalid = [
        Row("\"juliet\"@example.com", nil), Row("foo bar@example.com", nil), Row("@example.com/", nil),
        Row("henry\u{2163}@example.com", nil), Row("\u{265a}@example.com", nil), Row("juliet@", nil), Row("/foobar", nil),
        Row("juliet@example.com/ foo", "juliet@example.com/ foo"),
    ]

    static let parts = [
        Row("", nil), Row("@", nil), Row("/", nil), Row("a@/b", nil), Row("@a", nil), Row("a/", nil), Row("a@b/", nil),
        Row("a@b@c", nil), Row("a@b/c@d/e", "a@b/c@d/e"), Row("a/b/c", "a/b/c"), Row("a//", "a//"),
        Row("JULIET@EXAMPLE.COM/Balcony", "juliet@example.com/Balcony"), Row("a@b/ ", "a@b/ "),
        Row("a b@c", nil), Row("a&b@c", nil), Row("a'b@c", nil), Row("a:b@c", nil), Row("a<b@c", nil), Row("a>b@c", nil),
        Row("a\u{0}b@c", nil), Row("a\u{7f}@c", nil), Row("a@c/\u{0}", nil), Row("a@c/\u{7f}", nil), Row("a@c/x\ny", nil),
        Row("!#$%()*+,-.;=?[\\]^_`{|}~@c", "!#$%()*+,-.;=?[\\]^_`{|}~@c"), Row("a+b=c@d", "a+b=c@d"), Row("1@2/3", "1@2/3"),
    ]

    static let unicode = [
        Row("Jürgen@example.com", "jürgen@example.com"), Row("JU\u{308}RGEN@example.com", "jürgen@example.com"),
        Row("ＡＢＣ@example.com", "abc@example.com"), Row("\u{fb01}@example.com", nil), Row("a\u{200d}b@example.com", nil),
        Row("a\u{ad}b@example.com", nil), Row("a\u{a0}b@example.com", nil), Row("a\u{3000}b@example.com", nil),
        Row("\u{1f600}@example.com", nil), Row("Ж@example.com", "ж@example.com"), Row("名前@example.com", "名前@example.com"),
        Row("a\u{e000}@example.com", nil), Row("a\u{378}@example.com", nil), Row("a\u{fffe}@example.com", nil),
        Row("\u{1100}@example.com", nil),
        Row("İ@example.com", "i\u{307}@example.com"), Row("ǅ@example.com", nil), Row("\u{fe64}a@b", nil), Row("＠a@b", nil),
        Row("a／b@c", nil),
        // The Bidi rule (RFC 5893 §2).
        Row("שלום@example.com", "שלום@example.com"), Row("שלוםa@example.com", nil), Row("aשלום@example.com", nil),
        Row("שלום1@example.com", "שלום1@example.com"),
        Row("1שלום@example.com", nil), Row("مرحبا@example.com", "مرحبا@example.com"), Row("مرحبا١1@example.com", nil),
        // Characters that need a context (RFC 5892, appendix A).
        Row("l·l@example.com", "l·l@example.com"), Row("a·b@example.com", nil), Row("·@example.com", nil),
        Row("ア・ア@example.com", "ア・ア@example.com"), Row("a・b@example.com", nil),
        Row("ג׳@example.com", "ג׳@example.com"), Row("a׳@example.com", nil), Row("\u{375}β@example.com", "\u{375}β@example.com"),
        Row("\u{375}b@example.com", nil),
        Row("क\u{94d}\u{200d}ष@example.com", "क\u{94d}\u{200d}ष@example.com"), Row("ب١@example.com", "ب١@example.com"),
        Row("ب١۱@example.com", nil),
        // Resources.
        Row("a@b/\u{a0}x", "a@b/ x"), Row("a@b/u\u{308}", "a@b/ü"), Row("a@b/Ⅳ", "a@b/Ⅳ"), Row("a@b/😀", "a@b/😀"),
        Row("a@b/\u{200b}", nil), Row("a@b/\u{2028}", nil),
        Row("a@b/x\u{85}", nil), Row("a@b/\u{e000}", nil), Row("a@b/ＡＢＣ", "a@b/ＡＢＣ"), Row("a@b/\u{1100}", nil),
        Row("a@b/ÜBER", "a@b/ÜBER"),
    ]

    static let domains = [
        Row("EXAMPLE.com", "example.com"), Row("example.com.", "example.com"), Row("example.com..", nil), Row(".", nil),
        Row("..", nil), Row(".a", nil),
        Row("a..b", nil), Row("localhost", "localhost"), Row("a_b.local", "a_b.local"), Row("-a.b", nil), Row("a-.b", nil),
        Row("a.-b", nil), Row("a.b-", nil), Row("a-b.c", "a-b.c"), Row("a--b.c", "a--b.c"),
        Row("a b", nil), Row("a,b", nil), Row("a!b", nil), Row("a\u{0}b", nil), Row("192.0.2.1", "192.0.2.1"),
        Row("[::1]", "[::1]"), Row("[2001:DB8::1]", "[2001:db8::1]"),
        Row("[::1", nil), Row("[]", nil), Row("[1.2.3.4]", nil), Row("[::g]", nil), Row("[::1]x", nil), Row("[::1\u{0}x]", nil),
        Row("[fe80::1%eth0]", nil), Row("::1", nil),
        Row("bücher.example", "bücher.example"), Row("BÜCHER.example", "bücher.example"),
        Row("BU\u{308}CHER.example", "bücher.example"), Row("xn--bcher-kva.example", "bücher.example"),
        Row("XN--BCHER-KVA.example", "bücher.example"), Row("straße.example", "straße.example"),
        Row("xn--strae-oqa.example", "straße.example"), Row("例え.テスト", "例え.テスト"),
        Row("b\u{fc}cher\u{3002}example", "bücher.example"), Row("ｅxample.com", "example.com"), Row("xn--.example", nil),
        Row("xn--a.example", nil), Row("xn--a-b.example", nil), Row("xn--example-.com", nil), Row("\u{1f600}.example", nil),
        Row("a\u{200d}b.example", nil), Row("bü cher.example", nil), Row("bü/cher.example", "bü/cher.example"),
        Row("bü@cher.example", "bü@cher.example"), Row("-ü.example", nil), Row("ü\u{fe64}.example", nil),
        // Found by the fuzzer: characters that are folded into ASCII that no name may have.
        Row("ü\u{3000}b", nil), Row("xUnsafe\u{3000}b", nil), Row("ü＠b", nil), Row("ü／b", nil), Row("ü\u{a0}b", nil),
        Row("a@ü＠b", nil), Row("ü：b", nil), Row("ü\u{0}b", nil), Row("ü b", nil),
        Row("xn--bcher-kva.xn--bcher-kva", "bücher.bücher"), Row("a.xn--bcher-kva", "a.bücher"), Row("xn--ls8h.example", nil),
    ]

    static let lengths = [
        Row(repeated("a", 1023) + "@b", repeated("a", 1023) + "@b"), Row(repeated("a", 1024) + "@b", nil),
        Row("a@b/" + repeated("c", 1023), "a@b/" + repeated("c", 1023)), Row("a@b/" + repeated("c", 1024), nil),
        Row(repeated("é", 511) + "@b", repeated("é", 511) + "@b"), Row(repeated("é", 512) + "@b", nil),
        Row("a@b/" + repeated("é", 512), nil), Row(repeated("e\u{301}", 341) + "@b", repeated("é", 341) + "@b"),
        // A length is that of what came.
        Row(repeated("e\u{301}", 342) + "@b", nil), Row("a@b/" + repeated("e\u{301}", 342), nil),
        Row(repeated("a", 63) + ".b", repeated("a", 63) + ".b"), Row(repeated("a", 64) + ".b", nil),
        Row("b." + repeated("a", 64), nil),
        Row(repeated("a.", 511) + "b", repeated("a.", 511) + "b"), Row(repeated("a.", 512) + "b", nil),
        Row(repeated("ü", 60), nil),
        Row(repeated(".", 100_000), nil), Row(repeated("a@", 100_000), nil), Row("a@b/" + repeated("é", 100_000), nil),
        Row(repeated("é", 100_000) + "@b", nil), Row(repeated("ü", 100_000), nil),
    ]

    private static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    @Test(arguments: valid + invalid + parts + unicode + domains + lengths) func reads(_ row: Row) throws {
        let jid = JID(row.text)
        #expect(jid?.description == row.prepared)
        guard let jid, let prepared = row.prepared else { return }
        #expect(JID(prepared) == jid)
        #expect(JID.prepared(prepared) == jid)
        #expect(JID(local: jid.local, domain: jid.domain, resource: jid.resource) == jid)
        #expect(jid.description.utf8.elementsEqual(prepared.utf8))
    }

    @Test func partsOfAnAddress() throws {
        let jid = try #require(JID("juliet@example.com/balcony"))
        #expect((jid.local, jid.domain, jid.resource) == ("juliet", "example.com", "balcony"))
        #expect(jid.isFull && !jid.isBare && !jid.isDomain)
        #expect(jid.bare.description == "juliet@example.com")
        #expect(jid.bareText == "juliet@example.com")
        #expect(jid.bare.isBare)
        #expect(jid.bare.bare == jid.bare)
        #expect(jid.server.description == "example.com")
        #expect(jid.server.isDomain)
        #expect(jid.with(resource: "orchard").description == "juliet@example.com/orchard")
        #expect(JID("example.com/x")?.bareText == "example.com")
        #expect(JID("example.com/x")?.server == JID("example.com"))
        #expect(JID("A@b/C") == JID("a@B/C"))
        #expect(JID("a@b/C") != JID("a@b/c"))
    }

    @Test func partsAlone() {
        #expect(JID.preparedLocal("Juliet") == "juliet")
        #expect(JID.preparedLocal("") == nil)
        #expect(JID.preparedLocal("a@b") == nil)
        #expect(JID.preparedResource("") == nil)
        #expect(JID.preparedResource("a/@ b") == "a/@ b")
        #expect(JID.preparedDomain("Example.COM.") == "example.com")
        #expect(JID(local: "", domain: "a")?.isDomain == true)
        #expect(JID(local: "a/b", domain: "c") == nil)
        #expect(JID(local: "a", domain: "b/c") == nil)
        #expect(JID(local: "a", domain: "") == nil)
    }

    /// The short way for ASCII decides as the long way does.
    @Test func everyASCIICharacterInEveryPart() {
        for value in UInt8(0)..<128 {
            let character = String(Unicode.Scalar(value))
            for text in [character, "a\(character)b", "\(character)a", "a\(character)"] {
                #expect(
                    JID("\(text)@d/r")?.local
                        == (text.contains("/") || text.contains("@") ? JID("\(text)@d/r")?.local : JID.preparedLocal(text)))
                #expect(JID("l@d/\(text)")?.resource == JID.preparedResource(text))
                if character != "/", character != "@" { #expect(JID("l@\(text)/r")?.domain == JID.preparedDomain(text)) }
            }
        }
    }
}
