import Streams
import Testing
import XML
import XMPP

@Suite("An established stream", .timeLimit(.minutes(5)))
struct BoundStreamTests {
    @Test(
        "Stanzas pass, by the short way and by the long one",
        arguments: [
            ("<message to='juliet@example.net'><body>x</body></message>", Stanza.Kind.message), ("<presence/>", .presence),
            ("<iq type='get' id='1'/>", .iq), ("<iq/>", .iq), ("<message from='romeo@example.net'/>", .message),
            ("<message from='Romeo@EXAMPLE.net/orchard'/>", .message),
            ("<iq type='set' id='1' to='juliet@example.net/x'><session xmlns='\(Namespace.session)'/></iq>", .iq),
            ("<iq type='result' id='1'><bind xmlns='\(Namespace.bind)'/></iq>", .iq),
            ("<iq type='set' id='s'>\(session)</iq>", .iq), (bind("x", id: "b2"), .iq),
        ])
    func delivered(text: String, kind: Stanza.Kind) {
        var conversation = Conversation.established()
        let element = xml(text)
        #expect(conversation.stream.deliverable(element) == kind)
        #expect(conversation.handle(.element(element)) == [.deliver(kind, element)])
        #expect(conversation.stream.address != nil)
    }

    @Test(
        "Another's address ends the stream (RFC 6120 §8.1.2.1)",
        arguments: [
            "juliet@example.net", "romeo@example.net/balcony", "romeo@example.com", "example.net", "", "@", "romeo",
            "romeo@example.net/ORCHARD",
        ])
    func foreign(address: String) {
        var conversation = Conversation.established()
        for name in ["message", "presence", "iq"] {
            #expect(conversation.stream.deliverable(xml("<\(name) from='\(address)'/>")) == nil)
        }
        #expect(conversation.say("<message from='\(address)'/>") == [.close(StreamError(.invalidFrom))])
    }

    @Test("Elements of extensions are handed over, others end the stream")
    func otherElements() {
        var conversation = Conversation.established()
        let inactive = xml("<inactive xmlns='urn:xmpp:csi:0'/>")
        #expect(conversation.stream.deliverable(inactive) == nil)
        #expect(conversation.handle(.element(inactive)) == [.deliverExtension(inactive)])
        for (text, expected) in [
            ("<foo/>", "unsupported-stanza-type"), ("<foo xmlns='urn:x'/>", "unsupported-stanza-type"),
            (starttls, "unsupported-stanza-type"), (auth("PLAIN", "x"), "unsupported-stanza-type"),
            ("<message xmlns='jabber:server'/>", "invalid-namespace"), ("<iq xmlns='urn:x'/>", "invalid-namespace"),
        ] {
            var conversation = Conversation.established()
            #expect(conversation.stream.deliverable(xml(text)) == nil)
            #expect(end(conversation.say(text)) == expected, "\(text)")
        }
    }

    @Test("Nothing is deliverable before or after")
    func elsewhere() {
        var conversation = Conversation.established()
        _ = conversation.handle(.footer)
        for other in [Conversation(), .opened(), .bindable(), conversation] {
            #expect(other.stream.deliverable(xml("<presence/>")) == nil)
            #expect(other.stream.address == nil)
        }
    }

    @Test("A stream at rest is small")
    func size() {
        #expect(MemoryLayout<ClientStream>.size <= 72)
    }
}
