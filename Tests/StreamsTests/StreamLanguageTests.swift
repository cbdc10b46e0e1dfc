import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("The language of a stream (RFC 6120 §4.7.4, §8.1.5)", .timeLimit(.minutes(5)))
struct StreamLanguageTests {
    private let message = xml("<message to='juliet@example.net'><body>x</body></message>")

    private func established(_ language: String?, own: String = "en") -> Conversation {
        var conversation = Conversation.authenticated { $0.language = own }
        _ = conversation.handle(.header(header(language: language), conversation.offered))
        _ = conversation.say(bind())
        _ = conversation.handle(.bound(orchard))
        return conversation
    }

    private func language(_ element: Element, in conversation: Conversation) -> String? {
        conversation.stream.inLanguage(element)["xml:lang"]
    }

    @Test("A stanza without a language goes on with that of the header, by both ways")
    func stamped() {
        var conversation = established("de-CH")
        #expect(language(message, in: conversation) == "de-CH")
        #expect(
            conversation.handle(.element(message)) == [.deliver(.message, message.setting("xml:lang", to: "de-CH"))])
        for text in ["<presence><status>y</status></presence>", "<iq type='set' id='1'><query xmlns='urn:x'/></iq>"] {
            #expect(language(xml(text), in: conversation) == "de-CH")
        }
    }

    @Test("A stanza with one keeps it, one without content gets none")
    func untouched() {
        let conversation = established("de")
        #expect(language(xml("<message xml:lang='fr'><body>x</body></message>"), in: conversation) == "fr")
        #expect(language(xml("<message xml:lang=''><body>x</body></message>"), in: conversation) == "")
        #expect(language(xml("<presence/>"), in: conversation) == nil)
    }

    @Test("Nothing is added where every recipient takes the language for granted", arguments: [nil, "en", "EN", ""])
    func granted(_ header: String?) {
        let conversation = established(header)
        #expect(language(message, in: conversation) == nil)
        #expect(language(message, in: established("de", own: "de")) == nil)
        #expect(language(message, in: established("en", own: "de")) == "en")
    }

    @Test(
        "What is no language is not carried on",
        arguments: ["de_CH", "-", "de-", "x'y", "überlang", "abcdefghi", String(repeating: "abcd-", count: 13) + "x"])
    func noLanguage(_ header: String) {
        #expect(language(message, in: established(header.replacing("'", with: "&apos;"))) == nil)
    }

    @Test("The last header counts, also for a session that is resumed")
    func resumed() {
        var conversation = Conversation.authenticated()
        let offer = StreamOffer(
            domain: "example.net", options: options(.none), mechanisms: [.plain], secret: [1], iterations: 4096,
            features: [StreamManagementXML.feature], extensions: [StreamManagementXML.namespace])
        _ = conversation.handle(.header(header(language: "fr"), offer))
        _ = conversation.say("<resume xmlns='\(StreamManagementXML.namespace)' h='7' previd='abc'/>")
        _ = conversation.handle(.resumed(orchard, handled: 9))
        #expect(language(message, in: conversation) == "fr")
    }
}
