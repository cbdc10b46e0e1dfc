import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Dialback and stanzas on outgoing server streams", .timeLimit(.minutes(5)))
struct OutgoingDialbackTests {
    private typealias Words = ServerWords

    private static let other = DomainPair(local: "chat.example.net", remote: "peer.example")

    private static func request(_ id: String = "s1", remote: String = "peer.example") -> DialbackRequest {
        DialbackRequest(pair: DomainPair(local: "example.net", remote: remote), streamID: id, key: "k\(id)")
    }

    private static func check(_ id: String) -> String { Words.verify("example.net", "peer.example", id, "k\(id)") }

    private static func answer(_ type: String, _ id: String, from: String = "peer.example", to: String = "example.net") -> String {
        "<db:verify from='\(from)' to='\(to)' id='\(id)' type='\(type)'/>"
    }

    private static func result(_ type: String, from: String = "peer.example", to: String = "example.net", _ inner: String = "")
        -> String
    {
        "<db:result from='\(from)' to='\(to)' type='\(type)'>\(inner)</db:result>"
    }

    private static func error(_ condition: String) -> String {
        "<error type='cancel'><\(condition) xmlns='\(Namespace.stanzas)'/></error>"
    }

    @Test("The peer's consent")
    func valid() {
        var conversation = OutgoingConversation.asking()
        #expect(conversation.say(Self.result("valid")) == ["established example.net>peer.example dialback", "no clock"])
        #expect(conversation.stream.maySend(peerPair))
    }

    @Test("Consent that was not asked for, or asked otherwise, is none")
    func unsolicited() {
        var conversation = OutgoingConversation.asking()
        for text in [
            Self.result("valid", from: "other.example"), Self.result("valid", to: "chat.example.net"),
            Self.result("valid", from: "example.net", to: "peer.example"), Self.answer("valid", "p1"), Self.result("other"),
            "<db:result type='valid'/>", "<db:other from='peer.example' to='example.net' type='valid'/>",
        ] {
            #expect(conversation.say(text) == [], "\(text)")
        }
        #expect(conversation.stream.establishedPairs.isEmpty)
        #expect(conversation.say(Self.result("valid")).count == 2)
        #expect(conversation.say(Self.result("invalid")) == [])
        #expect(conversation.stream.maySend(peerPair))
    }

    @Test("A refusal, and what the senders are told")
    func refused() {
        let table: [(String, String)] = [
            (Self.result("invalid"), "peer.example takes our dialback key for a forgery [internal-server-error]"),
            (
                Self.result("error", Self.error("item-not-found")),
                "peer.example could not check our dialback key: item-not-found [remote-server-timeout]"
            ),
            (Self.result("error"), "peer.example could not check our dialback key: no condition [remote-server-timeout]"),
        ]
        for (text, failure) in table {
            var conversation = OutgoingConversation.asking()
            #expect(conversation.say(text) == ["refused example.net>peer.example: \(failure)", "close"])
        }
    }

    @Test("More pairs on the same stream, each with an answer of its own")
    func added() {
        var conversation = OutgoingConversation.established()
        #expect(conversation.stream.takes(Self.other))
        let key = Domains.key("peer.example", "p1", originating: "chat.example.net")
        #expect(conversation.handle(.add(Self.other)) == [Words.result("chat.example.net", "peer.example", key), "clock"])
        #expect(conversation.handle(.add(Self.other)) == [])
        #expect(conversation.handle(.add(peerPair)) == [])
        let refusal = "peer.example takes our dialback key for a forgery [internal-server-error]"
        #expect(
            conversation.say(Self.result("invalid", to: "chat.example.net")) == [
                "refused chat.example.net>peer.example: \(refusal)", "no clock",
            ])
        #expect(conversation.stream.maySend(peerPair) && !conversation.stream.maySend(Self.other))
        _ = conversation.handle(.add(Self.other))
        #expect(
            conversation.say(Self.result("valid", to: "chat.example.net")) == [
                "established chat.example.net>peer.example dialback", "no clock",
            ])
    }

    @Test("More pairs only where a refusal costs nothing, and for a remote domain that is the stream's or is proved")
    func notAdded() {
        let proved = DomainPair(local: "example.net", remote: "rooms.peer.example")
        var conversation = OutgoingConversation.established("")
        let refusal = "refused chat.example.net>peer.example: the stream takes no such pair [resource-constraint]"
        #expect(!conversation.stream.takes(Self.other))
        #expect(conversation.handle(.add(Self.other)) == [refusal])
        conversation = .asking()
        #expect(conversation.handle(.add(Self.other)) == [refusal])
        conversation = .established()
        #expect(!conversation.stream.takes(proved))
        for trusted in [true, false] {
            conversation = .secured(.required, Domains.certificate("peer.example", "rooms.peer.example", trusted: trusted))
            _ = conversation.offered(Words.dialback)
            _ = conversation.say(Self.result("valid"))
            #expect(conversation.stream.takes(proved) == trusted)
        }
        conversation = .established()
        for number in 0..<127 { _ = conversation.handle(.add(DomainPair(local: "d\(number).example.net", remote: "peer.example"))) }
        #expect(!conversation.stream.takes(Self.other))
    }

    @Test("Keys are checked on a stream of their own, which asks for nothing else")
    func verification() {
        var conversation = OutgoingConversation(.optional, purpose: .verification)
        #expect(conversation.handle(.verify(Self.request("s1"))) == [])
        _ = conversation.handle(.connected)
        let features = Words.bidiFeature + Words.management + Words.dialback
        #expect(conversation.offered(features) == ["clock", Self.check("s1"), "clock"])
        #expect(conversation.handle(.verify(Self.request("s2"))) == [Self.check("s2"), "clock"])
        #expect(conversation.say(Self.answer("valid", "s2")) == ["verified s2: valid", "clock"])
        #expect(conversation.say(Self.answer("invalid", "s1")) == ["verified s1: invalid", "no clock"])
        #expect(conversation.handle(.timeout) == [])
        #expect(conversation.handle(.footer) == ["close"])
        conversation = .asking("", purpose: .verification)
        #expect(conversation.handle(.disconnected) == ["drop"])
    }

    @Test("Keys are checked over TLS, whatever the certificate, without EXTERNAL")
    func verificationOverTLS() {
        var conversation = OutgoingConversation(.required, purpose: .verification)
        _ = conversation.handle(.verify(Self.request("s1")))
        #expect(conversation.handle(.connected).first == "header example.net peer.example - 1.0")
        #expect(conversation.offered(Words.startTLS) == ["clock", Words.startTLS, "clock"])
        _ = conversation.say(Words.proceed)
        #expect(conversation.handle(.secured(nil)).contains("header example.net peer.example - 1.0 db"))
        #expect(conversation.offered(Words.mechanisms) == ["clock", Self.check("s1"), "clock"])
    }

    @Test("Keys are checked on a stream for stanzas too, if it has dialback")
    func verificationBeside() {
        var conversation = OutgoingConversation.established()
        #expect(conversation.handle(.verify(Self.request())) == [Self.check("s1"), "clock"])
        #expect(conversation.say(Self.answer("valid", "s1")) == ["verified s1: valid", "no clock"])
        let none = "verified s1: remote-server-timeout (there is no dialback on the stream)"
        conversation = .secured(dialback: false)
        _ = conversation.handle(.verify(Self.request()))
        _ = conversation.offered(Words.mechanisms)
        _ = conversation.say(Words.success)
        #expect(conversation.offered("") == ["clock", "established example.net>peer.example external", none, "no clock"])
        #expect(conversation.handle(.verify(Self.request())) == [none])
    }

    @Test("Answers about keys count for the request that was made on this stream")
    func verificationCorrelation() {
        var conversation = OutgoingConversation.asking("", purpose: .verification)
        _ = conversation.handle(.verify(Self.request()))
        for text in [
            Self.answer("valid", "s2"), Self.answer("valid", "s1", from: "other.example"),
            Self.answer("valid", "s1", to: "chat.example.net"),
            Self.result("valid"), "<db:verify from='peer.example' to='example.net' type='valid'/>", Self.check("s1"),
        ] {
            #expect(conversation.say(text) == [], "\(text)")
        }
        #expect(conversation.say(Self.answer("valid", "s1")) == ["verified s1: valid", "no clock"])
        #expect(conversation.say(Self.answer("invalid", "s1")) == [])
    }

    @Test("A peer is asked about its own keys only, once at a time, and not for ever more")
    func verificationRefused() {
        var conversation = OutgoingConversation.asking("", purpose: .verification)
        let refusal = "verified s1: resource-constraint (the stream takes no such request)"
        #expect(conversation.handle(.verify(Self.request(remote: "other.example"))) == [refusal])
        _ = conversation.handle(.verify(Self.request()))
        #expect(conversation.handle(.verify(Self.request())) == [])
        #expect(conversation.handle(.verify(DialbackRequest(pair: peerPair, streamID: "s1", key: "other"))) == [refusal])
        for number in 2...128 { #expect(conversation.handle(.verify(Self.request("s\(number)"))).count == 2) }
        #expect(
            conversation.handle(.verify(Self.request("s129"))) == [
                "verified s129: resource-constraint (the stream takes no such request)"
            ])
    }

    @Test("Checks that fail: an error of the authority, its end, its silence")
    func verificationFailed() {
        func pending() -> OutgoingConversation {
            var conversation = OutgoingConversation.asking("", purpose: .verification)
            _ = conversation.handle(.verify(Self.request("s1")))
            _ = conversation.handle(.verify(Self.request("s2")))
            return conversation
        }
        var conversation = pending()
        let text =
            "<db:verify from='peer.example' to='example.net' id='s1' type='error'>\(Self.error("item-not-found"))</db:verify>"
        #expect(
            conversation.say(text) == ["verified s1: remote-server-not-found (the authority answers: item-not-found)", "clock"])
        let table: [(OutgoingServerStream.Event, String, String)] = [
            (.footer, "peer.example closed the stream during dialback", "close"),
            (.disconnected, "peer.example broke the connection off during dialback", "drop"),
            (.timeout, "peer.example did not answer in time during dialback", "close connection-timeout"),
        ]
        for (event, reason, end) in table {
            var conversation = pending()
            let error = "remote-server-timeout (\(reason))"
            #expect(
                conversation.handle(event) == [
                    "verified s1: \(error)", "verified s2: \(error)", "failed: \(reason) [remote-server-timeout]", end,
                ])
        }
        conversation = pending()
        let lines = conversation.say(Words.streamError(Words.condition("host-unknown")))
        #expect(lines.first?.hasPrefix("verified s1: remote-server-not-found (peer.example ended the stream") == true)
        conversation = pending()
        #expect(conversation.handle(.close(nil)).count == 3)
    }

    @Test("Without both directions no stanza is taken, nor a request")
    func oneDirection() {
        var conversation = OutgoingConversation.established()
        for text in [Words.result("peer.example", "example.net"), Words.verify("peer.example", "example.net", "x", "k")] {
            #expect(conversation.say(text) == [])
        }
        let stanza = "<message from='a@peer.example' to='b@example.net'/>"
        #expect(conversation.stream.deliverable(serverXML(stanza)) == nil)
        #expect(conversation.say(stanza).last == "close not-authorized")
    }

    @Test("With both directions the peer's stanzas for established pairs are taken, and no others")
    func bothDirections() {
        let features = Words.bidiFeature + Words.dialback
        var conversation = OutgoingConversation.asking(features)
        let stanza = "<message from='a@peer.example' to='b@example.net'/>"
        #expect(conversation.say(stanza).last == "close not-authorized")
        conversation = .asking(features)
        #expect(
            conversation.say(Self.result("valid")) == [
                "established example.net>peer.example dialback", "authorized peer.example>example.net", "no clock",
            ])
        #expect(conversation.say(stanza) == ["deliver message a@peer.example b@example.net"])
        #expect(conversation.stream.deliverable(serverXML(stanza)) != nil)
        let table: [(String, String)] = [
            ("<message from='a@other.example' to='b@example.net'/>", "invalid-from"),
            ("<message from='a@peer.example' to='b@chat.example.net'/>", "invalid-from"),
            ("<message from='b@example.net' to='a@peer.example'/>", "invalid-from"),
            ("<message to='b@example.net'/>", "improper-addressing"), ("<iq from='peer.example'/>", "improper-addressing"),
        ]
        for (text, condition) in table {
            var conversation = OutgoingConversation.established(features)
            #expect(conversation.say(text).last == "close \(condition)", "\(text)")
        }
    }

    @Test("With both directions a peer that asks for more is sent to a stream of its own")
    func declined() {
        var conversation = OutgoingConversation.established(Words.bidiFeature + Words.dialback)
        #expect(
            conversation.say(Words.result("rooms.peer.example", "example.net")) == [
                Words.error("result", "example.net", "rooms.peer.example", "wait", "resource-constraint")
            ])
        #expect(
            conversation.say(Words.verify("peer.example", "example.net", "x", "k")) == [
                Words.error("verify", "example.net", "peer.example", "wait", "resource-constraint", id: "x")
            ])
    }

    @Test("Stream management: asked for with the first pair, agreed or not")
    func management() {
        var conversation = OutgoingConversation.asking(Words.management + Words.bidiFeature)
        #expect(conversation.say(Self.result("valid")).prefix(2) == [Words.enable, "management requested"])
        #expect(conversation.say("<enabled xmlns='urn:xmpp:sm:3' id='x' resume='true'/>") == ["management enabled"])
        _ = conversation.say("<presence from='peer.example' to='example.net'/>")
        #expect(conversation.say("<r xmlns='urn:xmpp:sm:3'/>") == ["acknowledge 1"])
        #expect(conversation.say("<a xmlns='urn:xmpp:sm:3' h='3'/>") == ["acknowledged 3"])
        #expect(conversation.say("<enabled xmlns='urn:xmpp:sm:3'/>").last == "close unsupported-stanza-type")
        conversation = .established(Words.management)
        #expect(conversation.say("<failed xmlns='urn:xmpp:sm:3'/>") == ["management refused"])
        #expect(conversation.say("<a xmlns='urn:xmpp:sm:3' h='0'/>").last == "close unsupported-stanza-type")
    }

    @Test("Ends of an established stream: only a footer says that all is well")
    func ends() {
        let table: [(OutgoingServerStream.Event, [String])] = [
            (.footer, ["close"]),
            (
                .disconnected,
                ["failed: peer.example broke the connection off after the negotiation [remote-server-timeout]", "drop"]
            ),
            (.close(nil), ["close"]), (.close(StreamError(.systemShutdown)), ["close system-shutdown"]), (.timeout, []),
            (
                .malformed(.restricted),
                ["failed: the peer broke the protocol: restricted-xml [remote-server-timeout]", "close restricted-xml"]
            ),
        ]
        for (event, expected) in table {
            var conversation = OutgoingConversation.established()
            #expect(conversation.handle(event) == expected)
        }
        var conversation = OutgoingConversation.established()
        let error = Words.streamError(Words.condition("system-shutdown"))
        let reason = "peer.example ended the stream after the negotiation: system-shutdown [remote-server-timeout]"
        #expect(conversation.say(error) == ["failed: \(reason)", "close"])
    }

    @Test("A pair that is under way when the time is out or the stream ends")
    func endsOfPairs() {
        var conversation = OutgoingConversation.established()
        _ = conversation.handle(.add(Self.other))
        let slow = "peer.example did not answer in time during dialback [remote-server-timeout]"
        #expect(conversation.handle(.timeout) == ["refused chat.example.net>peer.example: \(slow)"])
        #expect(conversation.say(Self.result("valid", to: "chat.example.net")) == [])
        #expect(conversation.stream.maySend(peerPair))
        _ = conversation.handle(.add(Self.other))
        let closed = "peer.example closed the stream during dialback [remote-server-timeout]"
        #expect(conversation.handle(.footer) == ["refused chat.example.net>peer.example: \(closed)", "close"])
    }
}
