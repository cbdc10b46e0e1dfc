import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Stanzas on incoming server streams", .timeLimit(.minutes(5)))
struct IncomingStanzaTests {
    @Test("Stanzas of the pair are delivered, whatever their kind, and by the short way as well")
    func delivered() {
        let table: [(String, String)] = [
            (
                "<message from='a@peer.example/r' to='b@example.net'><body>x</body></message>",
                "message a@peer.example/r b@example.net"
            ),
            ("<presence from='A@PEER.example' to='b@Example.net/r'/>", "presence a@peer.example b@example.net/r"),
            ("<iq from='peer.example' to='example.net' type='get' id='1'/>", "iq peer.example example.net"),
        ]
        for (text, expected) in table {
            var conversation = IncomingConversation.authenticated()
            #expect(conversation.say(text) == ["deliver " + expected])
            #expect(conversation.stream.deliverable(serverXML(text)).map(ServerWords.line) == "deliver " + expected)
        }
    }

    @Test("A stanza that names the namespace of servers is one like all others, with its content")
    func ownNamespace() {
        let text =
            "<message xmlns='jabber:server' from='a@peer.example' to='b@example.net'><body>x</body><y xmlns='urn:y'><z/></y></message>"
        let expected = xml("<message from='a@peer.example' to='b@example.net'><body>x</body><y xmlns='urn:y'><z/></y></message>")
        var conversation = IncomingConversation.authenticated()
        let actions = conversation.stream.handle(.element(serverXML(text)))
        guard case .deliver(let stanza)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(stanza.element == expected)
    }

    @Test("A stanza comes as one of a client's would, with the language of the stream")
    func content() {
        var conversation = IncomingConversation.secured(offer(.required), Domains.certificate("peer.example"))
        _ = conversation.say(ServerWords.external("="))
        _ = conversation.open(serverHeader(language: "de"))
        let text = "<message from='a@peer.example' to='b@example.net'><body>x</body></message>"
        let stanza = conversation.stream.deliverable(serverXML(text))
        let expected = "<message from='a@peer.example' to='b@example.net' xml:lang='de'><body>x</body></message>"
        #expect(stanza?.element == xml(expected))
    }

    @Test("All others end the stream")
    func refused() {
        let table: [(String, String)] = [
            ("<message from='a@other.example' to='b@example.net'/>", "invalid-from"),
            ("<message from='a@rooms.peer.example' to='b@example.net'/>", "invalid-from"),
            ("<message from='a@example' to='b@example.net'/>", "invalid-from"),
            ("<message from='a@example.net' to='b@example.net'/>", "invalid-from"),
            ("<message from='a@peer.example' to='b@chat.example.net'/>", "invalid-from"),
            ("<message from='a@peer.example' to='b@elsewhere.example'/>", "invalid-from"),
            ("<message to='b@example.net'/>", "improper-addressing"), ("<presence from='a@peer.example'/>", "improper-addressing"),
            ("<iq from='' to='b@example.net'/>", "improper-addressing"),
            ("<iq from='a@peer.example' to='@'/>", "improper-addressing"),
            ("<iq from='@peer.example' to='b@example.net'/>", "improper-addressing"),
            ("<x xmlns='jabber:client'/>", "unsupported-stanza-type"), ("<iq xmlns='urn:x'/>", "invalid-namespace"),
            ("<compress xmlns='\(Namespace.compression)'/>", "unsupported-stanza-type"),
            ("<stream:features/>", "unsupported-stanza-type"),
        ]
        for (text, condition) in table {
            var conversation = IncomingConversation.authenticated()
            #expect(conversation.stream.deliverable(serverXML(text)) == nil)
            #expect(conversation.say(text) == ["close \(condition)"], "\(text)")
        }
    }

    @Test("Ends of an authorized stream, which has all the time that it likes")
    func ends() {
        let events: [(IncomingServerStream.Event, [String])] = [
            (.footer, ["close"]), (.malformed(.tooBig), ["close policy-violation: The element is too big"]), (.timeout, []),
            (.close(StreamError(.systemShutdown)), ["close system-shutdown"]), (.close(nil), ["close"]), (.disconnected, ["drop"]),
        ]
        for (event, expected) in events {
            var conversation = IncomingConversation.authenticated()
            #expect(conversation.handle(event) == expected)
        }
    }

    @Test("Both directions: the pairs that are authorized, reversed (XEP-0288)")
    func bidirectional() {
        let certificate = Domains.certificate("peer.example", "rooms.peer.example")
        var conversation = IncomingConversation.secured(offer(.required), certificate)
        let limits = "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>900</max-bytes><idle-seconds>5</idle-seconds></limits>"
        #expect(conversation.say("<bidi xmlns='urn:xmpp:bidi'>\(limits)</bidi>") == ["limits 900 5"])
        #expect(!conversation.stream.maySend(peerPair))
        _ = conversation.say(ServerWords.external("="))
        #expect(
            conversation.open().suffix(3) == [
                "no clock", "authorized peer.example>example.net external", "may send example.net>peer.example",
            ])
        #expect(conversation.stream.maySend(peerPair))
        #expect(!conversation.stream.maySend(DomainPair(local: "example.net", remote: "rooms.peer.example")))
        #expect(
            conversation.say(ServerWords.result("rooms.peer.example", "example.net")) == [
                "authorized rooms.peer.example>example.net certificate", "may send example.net>rooms.peer.example",
                ServerWords.answer("result", "example.net", "rooms.peer.example", "valid"),
            ])
    }

    @Test("The feature's namespace is not that of the request, and a late or unwanted request gives nothing")
    func strictBidirectional() {
        var conversation = IncomingConversation.secured(offer(.required), Domains.certificate("peer.example"))
        #expect(conversation.say(ServerWords.bidiFeature) == ["close unsupported-stanza-type"])
        conversation = .authenticated()
        #expect(conversation.say(ServerWords.bidi) == [])
        #expect(!conversation.stream.maySend(peerPair))
        conversation = .authenticated(offer(.required, bidi: false))
        #expect(conversation.say(ServerWords.bidi) == ["close unsupported-stanza-type"])
    }

    @Test("Stream management counts what was delivered (XEP-0198)")
    func management() {
        var conversation = IncomingConversation.authenticated()
        let stanza = "<presence from='a@peer.example' to='b@example.net'/>"
        _ = conversation.say(stanza)
        #expect(conversation.say(ServerWords.enable) == ["<enabled xmlns='urn:xmpp:sm:3'/>", "management enabled"])
        #expect(conversation.say("<r xmlns='urn:xmpp:sm:3'/>") == ["acknowledge 0"])
        _ = conversation.say(stanza)
        _ = conversation.stream.deliverable(serverXML(stanza))
        #expect(conversation.say("<r xmlns='urn:xmpp:sm:3'/>") == ["acknowledge 2"])
        #expect(conversation.say("<a xmlns='urn:xmpp:sm:3' h='7'/>") == ["acknowledged 7"])
        #expect(
            conversation.say("<a xmlns='urn:xmpp:sm:3' h='x'/>") == ["close policy-violation: An acknowledgement without a count"])
    }

    @Test("Stream management that is too early, doubled, off, or wants more")
    func managementRefused() {
        func failed(_ condition: String) -> String {
            "<failed xmlns='urn:xmpp:sm:3'><\(condition) xmlns='\(Namespace.stanzas)'/></failed>"
        }
        let resume = "<resume xmlns='urn:xmpp:sm:3' previd='x' h='1'/>"
        var conversation = IncomingConversation(.never)
        _ = conversation.open()
        #expect(conversation.say(ServerWords.enable) == [failed("unexpected-request")])
        #expect(conversation.say("<r xmlns='urn:xmpp:sm:3'/>") == [failed("unexpected-request")])
        conversation = .authenticated()
        #expect(conversation.say(resume) == [failed("item-not-found")])
        #expect(conversation.say("<a xmlns='urn:xmpp:sm:3' h='0'/>") == [failed("unexpected-request")])
        #expect(conversation.say(ServerWords.enable).count == 2)
        #expect(
            conversation.say(ServerWords.enable) == [
                failed("unexpected-request"), "close policy-violation: Stream management is enabled already",
            ])
        conversation = .authenticated(offer(.required, management: false))
        #expect(conversation.say(ServerWords.enable) == [failed("service-unavailable")])
    }
}
