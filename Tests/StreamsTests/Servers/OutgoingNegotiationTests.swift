import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Outgoing server streams up to the first pair", .timeLimit(.minutes(5)))
struct OutgoingNegotiationTests {
    private typealias Words = ServerWords

    private static let good = Domains.certificate("peer.example")
    private static let auth = ServerWords.external(Base64.encode(Array("example.net".utf8)))

    private static func asks(_ id: String) -> String {
        Words.result("example.net", "peer.example", Domains.key("peer.example", id))
    }

    private static func failed(_ reason: String, _ condition: String = "remote-server-timeout", _ end: String = "close") -> [String]
    {
        let failure = "\(reason) [\(condition)]"
        return ["refused example.net>peer.example: \(failure)", "failed: \(failure)", end]
    }

    @Test("The whole way: STARTTLS, both directions, EXTERNAL, stream management")
    func external() {
        var conversation = OutgoingConversation(.required)
        #expect(conversation.handle(.connected) == ["header example.net peer.example - 1.0", "clock"])
        #expect(conversation.open() == ["clock"])
        #expect(conversation.say(Words.features(Words.requiredTLS)) == [Words.startTLS, "clock"])
        #expect(conversation.say(Words.proceed) == ["TLS", "clock"])
        #expect(conversation.stream.isWaiting)
        #expect(
            conversation.handle(.secured(Self.good)) == ["restart", "header example.net peer.example - 1.0 db", "clock"])
        _ = conversation.open("p2")
        #expect(
            conversation.say(Words.features(Words.mechanisms + Words.bidiFeature + Words.dialback)) == [
                Words.bidi, Self.auth, "clock",
            ])
        #expect(conversation.say(Words.success) == ["restart", "header example.net peer.example - 1.0 db", "clock"])
        _ = conversation.open("p3")
        #expect(!conversation.stream.maySend(peerPair))
        let limits =
            "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes> 70000 </max-bytes><idle-seconds>-1</idle-seconds></limits>"
        #expect(
            conversation.say(Words.features(Words.management + Words.dialback + limits)) == [
                "limits 70000 0", Words.enable, "management requested", "established example.net>peer.example external",
                "authorized peer.example>example.net", "no clock",
            ])
        #expect(conversation.stream.maySend(peerPair) && Array(conversation.stream.establishedPairs) == [peerPair])
        #expect(conversation.say("<enabled xmlns='urn:xmpp:sm:3'/>") == ["management enabled"])
    }

    @Test("Connections that begin with TLS")
    func direct() {
        var conversation = OutgoingConversation(.required)
        #expect(conversation.handle(.secured(Self.good)) == ["header example.net peer.example - 1.0 db", "clock"])
        #expect(conversation.offered(Words.mechanisms) == ["clock", Self.auth, "clock"])
    }

    @Test("TLS in each mode, offered, required or not there")
    func tls() {
        let table: [(ServerTLSUse, String, [String])] = [
            (.never, Words.startTLS, [Self.asks("p1"), "clock"]), (.never, "", [Self.asks("p1"), "clock"]),
            (.never, Words.requiredTLS, Self.failed("the peer requires TLS, which is not to be used")),
            (.optional, Words.startTLS, [Words.startTLS, "clock"]), (.optional, Words.requiredTLS, [Words.startTLS, "clock"]),
            (.optional, "", [Self.asks("p1"), "clock"]), (.required, Words.startTLS, [Words.startTLS, "clock"]),
            (.required, "", Self.failed("TLS is required, and the peer does not offer it")),
            (.requiredTrusted, Words.startTLS, [Words.startTLS, "clock"]),
            (.requiredTrusted, Words.mechanisms, Self.failed("TLS is required, and the peer does not offer it")),
        ]
        for (tls, features, expected) in table {
            var conversation = OutgoingConversation(tls, bidi: false)
            _ = conversation.handle(.connected)
            _ = conversation.open()
            #expect(conversation.say(Words.features(features)) == expected, "\(tls) \(features)")
        }
    }

    @Test("The peer's certificate is told of in every mode, and insisted on in one")
    func identity() {
        let table: [(PeerIdentity?, String)] = [
            (nil, "it shows no certificate"), (Domains.certificate("other.example"), "its certificate does not name peer.example"),
            (Domains.certificate("peer.example", trusted: false), "its certificate is not to be relied on: self-signed"),
        ]
        for (certificate, doubt) in table {
            for tls in [ServerTLSUse.optional, .required, .requiredTrusted] {
                var conversation = OutgoingConversation(tls)
                _ = conversation.handle(.connected)
                _ = conversation.offered(Words.startTLS)
                _ = conversation.say(Words.proceed)
                let lines = conversation.handle(.secured(certificate))
                if tls == .requiredTrusted {
                    #expect(
                        lines == Self.failed("peer.example does not prove who it is: \(doubt)", "remote-server-timeout", "drop"))
                } else {
                    #expect(lines == ["restart", "untrusted: \(doubt)", "header example.net peer.example - 1.0 db", "clock"])
                }
            }
        }
        var conversation = OutgoingConversation(.requiredTrusted)
        #expect(conversation.handle(.secured(nil)).last == "drop")
    }

    @Test("Without mechanisms the pair is asked for by dialback on the same stream, if that is allowed")
    func fallback() {
        var conversation = OutgoingConversation.secured()
        #expect(conversation.offered(Words.dialback, id: "p9") == ["clock", Self.asks("p9"), "clock"])
        conversation = .secured(.requiredTrusted)
        let none = Self.failed("the peer does not offer SASL EXTERNAL, and dialback is not to be used")
        #expect(conversation.offered(Words.dialback) == ["clock"] + none)
        conversation = .secured(dialback: false)
        #expect(
            conversation.offered("<mechanisms xmlns='\(Namespace.sasl)'><mechanism>PLAIN</mechanism></mechanisms>") == ["clock"]
                + none)
        conversation = OutgoingConversation(.required, external: false)
        _ = conversation.handle(.secured(Self.good))
        #expect(conversation.offered(Words.mechanisms) == ["clock", Self.asks("p1"), "clock"])
    }

    @Test("EXTERNAL in clear is not for us")
    func clearExternal() {
        var conversation = OutgoingConversation(.optional)
        _ = conversation.handle(.connected)
        #expect(conversation.offered(Words.mechanisms) == ["clock", Self.asks("p1"), "clock"])
    }

    @Test("EXTERNAL that fails: dialback on the same stream, and if that ends, word that another may get further")
    func externalFails() {
        var conversation = OutgoingConversation.secured()
        _ = conversation.offered(Words.mechanisms)
        #expect(conversation.say(Words.saslFailure("not-authorized")) == [Self.asks("p1"), "clock"])
        let closed = "peer.example closed the stream during dialback [remote-server-timeout] worth dialback"
        #expect(conversation.handle(.footer) == ["refused example.net>peer.example: \(closed)", "failed: \(closed)", "close"])
        conversation = .secured(dialback: false)
        _ = conversation.offered(Words.mechanisms)
        #expect(
            conversation.say(Words.saslFailure("not-authorized")) == Self.failed("the peer refused SASL EXTERNAL: not-authorized"))
        conversation = .secured()
        _ = conversation.offered(Words.mechanisms)
        let error = Words.streamError(Words.condition("not-authorized"))
        let ended = "peer.example ended the stream during SASL EXTERNAL: not-authorized [remote-server-timeout] worth dialback"
        #expect(conversation.say(error) == ["refused example.net>peer.example: \(ended)", "failed: \(ended)", "close"])
    }

    @Test("A challenge has no answer")
    func challenge() {
        var conversation = OutgoingConversation.secured()
        _ = conversation.offered(Words.mechanisms)
        #expect(conversation.say("<challenge xmlns='\(Namespace.sasl)'/>") == ["<abort xmlns='\(Namespace.sasl)'/>"])
        #expect(conversation.say(Words.saslFailure("aborted")) == [Self.asks("p1"), "clock"])
    }

    @Test("A peer without a version: dialback at once, if TLS is not required")
    func versionless() {
        var conversation = OutgoingConversation(.optional)
        _ = conversation.handle(.connected)
        #expect(conversation.open(version: nil) == [Self.asks("p1"), "clock"])
        conversation = OutgoingConversation(.required)
        _ = conversation.handle(.connected)
        #expect(conversation.open(version: nil) == Self.failed("TLS is required, and the peer is too old to have it"))
    }

    @Test("A key needs an id of a sensible size")
    func ids() {
        for id in [nil, "", String(repeating: "i", count: 513)] {
            var conversation = OutgoingConversation(.optional)
            _ = conversation.handle(.connected)
            _ = conversation.open(id)
            #expect(
                conversation.say(Words.features(Words.dialback))
                    == Self.failed("the peer's stream has no id that a dialback key could be made for"))
        }
    }

    @Test("Headers that no server has")
    func headers() {
        let table: [(StreamHeader, String)] = [
            (serverHeader(id: "p1", content: "jabber:client"), "invalid-namespace"),
            (serverHeader(id: "p1", streams: "urn:x"), "invalid-namespace"),
            (serverHeader(version: "0.9", id: "p1"), "unsupported-version"),
        ]
        for (header, condition) in table {
            var conversation = OutgoingConversation(.optional)
            _ = conversation.handle(.connected)
            let expected = Self.failed("the peer broke the protocol: \(condition)", "remote-server-timeout", "close \(condition)")
            #expect(conversation.handle(.header(header)) == expected)
        }
    }

    @Test("What we take is told with the request for both directions")
    func limits() {
        var conversation = OutgoingConversation(.optional, limits: StreamLimits(maxBytes: 1000))
        _ = conversation.handle(.connected)
        let limits = "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>1000</max-bytes></limits>"
        #expect(
            conversation.offered(Words.bidiFeature) == [
                "clock", "<bidi xmlns='urn:xmpp:bidi'>\(limits)</bidi>", Self.asks("p1"), "clock",
            ])
    }

    @Test("Answers that do not come, by what was waited for")
    func timeouts() {
        typealias Step = (inout OutgoingConversation) -> Void
        let steps: [(String, Step)] = [
            ("before its stream header", { _ = $0.handle(.connected) }), ("before its stream features", { _ = $0.open() }),
            ("after STARTTLS", { _ = $0.say(Words.features(Words.startTLS)) }),
            ("during the TLS handshake", { _ = $0.say(Words.proceed) }),
            ("before its stream header", { _ = $0.handle(.secured(Self.good)) }),
            ("during SASL EXTERNAL", { _ = $0.offered(Words.mechanisms) }),
            ("during dialback", { _ = $0.say(Words.saslFailure("not-authorized")) }),
        ]
        for count in 1...steps.count {
            var conversation = OutgoingConversation(.required)
            for (_, step) in steps.prefix(count) { step(&conversation) }
            let end = count == 4 ? "drop" : "close connection-timeout"
            let reason = "peer.example did not answer in time \(steps[count - 1].0)"
            #expect(conversation.handle(.timeout) == Self.failed(reason, "remote-server-timeout", end), "\(count)")
            #expect(conversation.handle(.timeout) == [])
        }
    }

    @Test("The TLS handshake fails, the connection breaks, STARTTLS is refused, garbage comes")
    func broken() {
        var conversation = OutgoingConversation(.required)
        #expect(
            conversation.handle(.handshakeFailed(reason: "no cipher"))
                == Self.failed("the TLS handshake failed: no cipher", "remote-server-timeout", "drop"))
        conversation = OutgoingConversation(.required)
        _ = conversation.handle(.connected)
        let broken = "peer.example broke the connection off before its stream header"
        #expect(conversation.handle(.disconnected) == Self.failed(broken, "remote-server-timeout", "drop"))
        conversation = OutgoingConversation(.required)
        _ = conversation.handle(.connected)
        _ = conversation.offered(Words.startTLS)
        #expect(
            conversation.say("<failure xmlns='\(Namespace.tls)'/>") == Self.failed("the peer offers TLS and then refuses it"))
        conversation = OutgoingConversation(.required)
        _ = conversation.handle(.connected)
        let garbage = "the peer broke the protocol: not-well-formed"
        #expect(
            conversation.handle(.malformed(.notWellFormed))
                == Self.failed(garbage, "remote-server-timeout", "close not-well-formed"))
    }

    @Test("No connection: whoever waits is told why")
    func unreachable() {
        var conversation = OutgoingConversation(.required)
        _ = conversation.handle(.verify(DialbackRequest(pair: peerPair, streamID: "s1", key: "k")))
        let failure = ServerFailure("there is no such domain", .remoteServerNotFound)
        let verified = "verified s1: remote-server-not-found (there is no such domain)"
        var expected = Self.failed("there is no such domain", "remote-server-not-found", "drop")
        expected.insert(verified, at: 1)
        #expect(conversation.handle(.unreachable(failure)) == expected)
        conversation = .established()
        #expect(conversation.handle(.unreachable(failure)).last == "close internal-server-error")
    }

    @Test("Errors of the peer carry its reason; control characters and endless words are taken out")
    func streamErrors() {
        let text = "<text xmlns='\(Namespace.streams)'>a\nb\(String(repeating: "c", count: 300))</text>"
        let table: [(String, String, String)] = [
            (Words.condition("host-unknown"), "host-unknown", "remote-server-not-found"),
            (Words.condition("host-gone"), "host-gone", "remote-server-not-found"),
            (
                Words.condition("policy-violation") + text, "policy-violation (a b\(String(repeating: "c", count: 197)))",
                "remote-server-timeout"
            ),
            (
                Words.condition("see-other-host", "[::1]:5222"), "see-other-host to [::1]:5222, which is not followed",
                "remote-server-timeout"
            ),
            ("", "no reason", "remote-server-timeout"),
        ]
        for (inner, words, condition) in table {
            var conversation = OutgoingConversation(.required)
            _ = conversation.handle(.connected)
            _ = conversation.open()
            let reason = "peer.example ended the stream before its stream features: \(words)"
            #expect(conversation.say(Words.streamError(inner)) == Self.failed(reason, condition))
        }
    }

    @Test("Words out of place end the stream")
    func outOfPlace() {
        let texts = [
            Words.proceed, Words.success, "<presence/>", "<x xmlns='urn:x'/>", "<enabled xmlns='urn:xmpp:sm:3'/>",
            "<challenge xmlns='\(Namespace.sasl)'/>",
        ]
        for text in texts {
            var conversation = OutgoingConversation(.required)
            _ = conversation.handle(.connected)
            _ = conversation.open()
            #expect(conversation.say(text).contains { $0.hasPrefix("failed: the peer broke the protocol") }, "\(text)")
        }
        for event in [OutgoingServerStream.Event.connected, .secured(nil)] {
            var conversation = OutgoingConversation.established()
            #expect(conversation.handle(event).last == "close internal-server-error")
        }
        var conversation = OutgoingConversation.established()
        #expect(conversation.say(Words.features("")).last == "close unsupported-stanza-type")
        conversation = OutgoingConversation.established()
        #expect(conversation.open().last == "close policy-violation: A header out of place")
    }
}
