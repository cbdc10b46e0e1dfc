import Streams
import Testing
import XML
import XMPP

@Suite("Resource binding (RFC 6120 §7)", .timeLimit(.minutes(5)))
struct ResourceBindingTests {
    @Test("The features after authentication")
    func features() {
        let rosterVersions = Element("ver", "urn:xmpp:features:rosterver")
        for isListed in [true, false] {
            let options = options(.none) { $0.listsSession = isListed }
            var conversation = Conversation.authenticated()
            let actions = conversation.handle(.header(header(), offer(options, features: [rosterVersions])))
            let session = isListed ? "<session xmlns='\(Namespace.session)'><optional/></session>" : ""
            #expect(
                actions == [
                    .open(ResponseHeader(from: "example.net", to: "romeo@example.net")),
                    .send(
                        xml(
                            """
                            <features xmlns='\(Namespace.stream)'><bind xmlns='\(Namespace.bind)'/>\(session)\
                            <ver xmlns='urn:xmpp:features:rosterver'/></features>
                            """)),
                    .restartClock,
                ])
        }
    }

    @Test("A resource of the server's choice")
    func generated() {
        for request in [bind(), bind("")] {
            var conversation = Conversation.bindable()
            #expect(conversation.say(request) == [.bind(romeo, resource: nil), .stopClock])
            #expect(conversation.stream.isWaiting)
            #expect(
                conversation.handle(.bound(orchard)) == [
                    .send(
                        xml(
                            """
                            <iq type='result' id='b1'><bind xmlns='\(Namespace.bind)'>\
                            <jid>romeo@example.net/orchard</jid></bind></iq>
                            """)),
                    .established(orchard), .stopClock,
                ])
            #expect(conversation.stream.address == orchard)
        }
    }

    @Test("A resource of the client's choice, prepared")
    func chosen() {
        var conversation = Conversation.bindable()
        #expect(conversation.say(bind("Balcony u\u{308}")).first == .bind(romeo, resource: "Balcony \u{fc}"))
    }

    @Test("Refusals: the client may ask again")
    func refused() {
        for error in [StanzaError(.conflict), StanzaError(.notAllowed), StanzaError(.resourceConstraint)] {
            var conversation = Conversation.bindable()
            _ = conversation.say(bind("balcony"))
            #expect(
                conversation.handle(.bindRefused(error)) == [
                    .send(Element("iq", Namespace.client, ["type": "error", "id": "b1"], [error.element])), .restartClock,
                ])
            #expect(conversation.say(bind("orchard", id: "b2")).first == .bind(romeo, resource: "orchard"))
            #expect(conversation.handle(.bound(orchard)).contains(.established(orchard)))
        }
    }

    @Test("Requests that are none")
    func badRequests() {
        let bound = "<bind xmlns='\(Namespace.bind)'/>"
        for (request, id) in [
            ("<iq type='set'>\(bound)</iq>", nil), ("<iq type='get' id='1'>\(bound)</iq>", "1"),
            ("<iq id='1'>\(bound)</iq>", "1"), (bind("\u{7f}", id: "1"), "1"),
            (bind(String(repeating: "x", count: 1024), id: "1"), "1"),
        ] {
            var conversation = Conversation.bindable()
            let error = Element("iq", Namespace.client, ["type": "error", "id": id], [StanzaError(.badRequest).element])
            #expect(conversation.say(request) == [.send(error), .restartClock])
        }
    }

    @Test("Anything else before it ends the stream (§7.1)")
    func tooEarly() {
        for (text, expected) in [
            ("<presence/>", "not-authorized"), ("<iq type='set' id='1'>\(session)</iq>", "not-authorized"),
            ("<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>", "not-authorized"),
            ("<inactive xmlns='urn:xmpp:csi:0'/>", "unsupported-stanza-type"), ("<iq xmlns='urn:x'/>", "invalid-namespace"),
            (auth("PLAIN", "\0romeo\0pencil"), "policy-violation"),
        ] {
            var conversation = Conversation.bindable()
            #expect(end(conversation.say(text)) == expected, "\(text)")
        }
    }

    @Test("The shell may bind only what was asked for")
    func wrongAnswer() {
        for address in [romeo, JID.prepared(local: "juliet", domain: "example.net", resource: "x")] {
            var conversation = Conversation.bindable()
            _ = conversation.say(bind())
            #expect(end(conversation.handle(.bound(address))) == "internal-server-error")
        }
        var conversation = Conversation.bindable()
        _ = conversation.say(bind())
        #expect(end(conversation.say("<presence/>")) == "internal-server-error")
    }
}
