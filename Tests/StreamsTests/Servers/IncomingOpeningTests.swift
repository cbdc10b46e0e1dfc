import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Headers and features of incoming server streams", .timeLimit(.minutes(5)))
struct IncomingOpeningTests {
    private let required = ServerWords.features(ServerWords.requiredTLS)

    @Test("Without TLS: features in each mode")
    func clear() {
        let rest = ServerWords.management + ServerWords.dialback + ServerWords.bidiFeature
        let table: [(ServerTLSUse, String, String)] = [
            (.never, " db", rest), (.optional, " db", ServerWords.startTLS + rest),
            (.required, "", ServerWords.requiredTLS), (.requiredTrusted, "", ServerWords.requiredTLS),
        ]
        for (tls, dialback, features) in table {
            var conversation = IncomingConversation(tls)
            let expected = ["header example.net peer.example s1 1.0" + dialback, Self.shown(features), "clock"]
            #expect(conversation.open() == expected, "\(tls)")
        }
    }

    /// Features as our side writes them.
    private static func shown(_ inner: String) -> String {
        let children = serverXML("<f>\(inner)</f>").children
        let features = Element("features", Namespace.stream, [:], Array(children))
        return String(decoding: ServerMarkup.element(features), as: UTF8.self)
    }

    @Test("With TLS: EXTERNAL if the certificate proves who the header says it is, and nobody else")
    func secured() {
        let table: [(PeerIdentity?, String?, Bool)] = [
            (Domains.certificate("peer.example"), "peer.example", true),
            (Domains.certificate("PEER.example."), "Peer.Example", true),
            (Domains.certificate("other.example", "*.example"), "peer.example", false),
            (Domains.certificate("peer.example", trusted: false), "peer.example", false),
            (Domains.certificate("peer.example"), "other.example", false),
            (Domains.certificate("peer.example"), nil, false),
            (nil, "peer.example", false),
        ]
        for (certificate, from, isOffered) in table {
            for tls in [ServerTLSUse.optional, .required] {
                var conversation = IncomingConversation(tls)
                _ = conversation.open(serverHeader(from: from))
                let expected = ["<proceed xmlns='\(Namespace.tls)'/>", "TLS as example.net", "clock"]
                #expect(conversation.say(ServerWords.startTLS) == expected)
                #expect(conversation.stream.isWaiting)
                #expect(conversation.handle(.secured(certificate)) == ["restart", "clock"])
                let mechanisms = isOffered ? ServerWords.mechanisms : ServerWords.management
                #expect(
                    conversation.open(serverHeader(from: from)) == [
                        "header example.net \(from?.lowercased() ?? "-") s2 1.0 db",
                        Self.shown(mechanisms + ServerWords.dialback + ServerWords.bidiFeature), "clock",
                    ], "\(String(describing: certificate)) \(from ?? "-")")
            }
        }
    }

    @Test("A trusted certificate is required: nothing else goes on")
    func requiredTrusted() {
        let table: [(PeerIdentity?, String?, String)] = [
            (nil, "peer.example", "it shows no certificate"),
            (
                Domains.certificate("peer.example", trusted: false), "peer.example",
                "its certificate is not to be relied on: self-signed"
            ),
            (Domains.certificate("other.example"), "peer.example", "its certificate does not name peer.example"),
        ]
        for (certificate, from, doubt) in table {
            var conversation = IncomingConversation(.requiredTrusted)
            _ = conversation.open(serverHeader(from: from))
            _ = conversation.say(ServerWords.startTLS)
            _ = conversation.handle(.secured(certificate))
            #expect(
                conversation.open(serverHeader(from: from)) == [
                    "header example.net peer.example s2 1.0 db", "refused peer.example>example.net: \(doubt)",
                    "close policy-violation: A trusted certificate is required: \(doubt)",
                ])
        }
        var conversation = IncomingConversation(.requiredTrusted)
        _ = conversation.handle(.secured(Domains.certificate("peer.example")))
        #expect(
            conversation.open(serverHeader(from: nil)).last
                == "close policy-violation: A trusted certificate is required: it does not say who it is")
    }

    @Test("Connections that begin with TLS")
    func direct() {
        var conversation = IncomingConversation(.required)
        #expect(conversation.handle(.secured(Domains.certificate("peer.example"))) == ["clock"])
        let lines = conversation.open()
        #expect(lines[0] == "header example.net peer.example s1 1.0 db")
        #expect(lines[1].contains("EXTERNAL") && !lines[1].contains("starttls"))
        #expect(conversation.say(ServerWords.startTLS) == ["<failure xmlns='\(Namespace.tls)'/>", "close"])
    }

    @Test("Limits and what is turned off")
    func variants() {
        var conversation = IncomingConversation(
            offer(.never, dialback: false, bidi: false, management: false, limits: StreamLimits(maxBytes: 9000, idleSeconds: 60)))
        let limits = "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>9000</max-bytes><idle-seconds>60</idle-seconds></limits>"
        #expect(conversation.open() == ["header example.net peer.example s1 1.0", Self.shown(limits), "clock"])
        #expect(conversation.say(ServerWords.startTLS) == ["<failure xmlns='\(Namespace.tls)'/>", "close"])
    }

    @Test("Headers that are refused, and what our own says then")
    func refusals() {
        let table: [(StreamHeader, String, String)] = [
            (serverHeader(content: "jabber:client"), "example.net peer.example s1 1.0", "invalid-namespace"),
            (serverHeader(streams: "urn:x"), "example.net peer.example s1 1.0", "invalid-namespace"),
            (serverHeader(name: "streams"), "example.net peer.example s1 1.0", "bad-format: The root element is not a stream"),
            (serverHeader(version: "0.9"), "example.net peer.example s1 1.0", "unsupported-version"),
            (serverHeader(version: "x"), "example.net peer.example s1 1.0", "unsupported-version"),
            (serverHeader(version: nil), "example.net peer.example s1", "unsupported-version"),
            (serverHeader(to: nil), "default.example peer.example s1 1.0", "host-unknown"),
            (serverHeader(to: ""), "default.example peer.example s1 1.0", "host-unknown"),
            (serverHeader(to: "elsewhere.example"), "default.example peer.example s1 1.0", "host-unknown"),
            (serverHeader(to: "a@example.net"), "default.example peer.example s1 1.0", "host-unknown"),
            (serverHeader(to: "a b"), "default.example peer.example s1 1.0", "improper-addressing"),
            (serverHeader(from: ""), "example.net - s1 1.0", "improper-addressing"),
            (serverHeader(from: "a@peer.example"), "example.net - s1 1.0", "improper-addressing"),
            (
                serverHeader(from: "chat.example.net"), "example.net chat.example.net s1 1.0",
                "invalid-from: The domain is served here"
            ),
            (serverHeader(from: "Example.Net"), "example.net example.net s1 1.0", "invalid-from: The domain is served here"),
            (
                serverHeader(from: "unwanted.example"), "example.net unwanted.example s1 1.0",
                "policy-violation: The domain is not welcome here"
            ),
        ]
        for (header, answer, error) in table {
            var conversation = IncomingConversation(.required)
            #expect(conversation.open(header) == ["header " + answer, "close " + error])
            #expect(conversation.stream.isClosed)
        }
    }

    @Test("A peer without a version gets no features, and dialback alone, where TLS is not required")
    func versionless() {
        for tls in [ServerTLSUse.never, .optional] {
            var conversation = IncomingConversation(tls)
            #expect(conversation.open(serverHeader(version: nil)) == ["header example.net peer.example s1 db", "clock"])
            #expect(
                conversation.say(ServerWords.result("peer.example", "example.net")).first
                    == "verify peer.example>example.net s1 abc")
        }
        var conversation = IncomingConversation(.never)
        #expect(conversation.open(serverHeader(from: nil, to: nil, version: nil)).last == "close host-unknown")
        conversation = IncomingConversation(.required)
        _ = conversation.handle(.secured(nil))
        #expect(conversation.open(serverHeader(version: nil)) == ["header example.net peer.example s1 db", "clock"])
    }

    @Test("Garbage, silence and ends in each phase")
    func ends() {
        let events: [(IncomingServerStream.Event, String)] = [
            (.footer, "close"), (.malformed(.notWellFormed), "close not-well-formed"), (.timeout, "close connection-timeout"),
            (.close(StreamError(.systemShutdown)), "close system-shutdown"), (.disconnected, "drop"),
        ]
        for (event, expected) in events {
            var conversation = IncomingConversation(.required)
            let header = expected == "drop" ? [] : ["header default.example - - 1.0"]
            #expect(conversation.handle(event) == header + [expected])
            #expect(conversation.handle(event) == [])
            conversation = IncomingConversation(.required)
            _ = conversation.open()
            #expect(conversation.handle(event) == [expected])
            _ = conversation.open()
            conversation = IncomingConversation(.required)
            _ = conversation.open()
            _ = conversation.say(ServerWords.startTLS)
            #expect(conversation.handle(event) == ["drop"])
        }
    }

    @Test("Elements and headers out of place, and answers to no question")
    func outOfPlace() {
        var conversation = IncomingConversation(.required)
        #expect(conversation.say("<presence/>").last == "close policy-violation: An element before the header")
        conversation = IncomingConversation(.required)
        _ = conversation.open()
        #expect(conversation.open() == ["close policy-violation: A header out of place"])
        conversation = IncomingConversation(.required)
        _ = conversation.open()
        #expect(conversation.handle(.secured(nil)) == ["close internal-server-error"])
    }

    @Test("Before authorization: what is no word of the negotiation ends the stream")
    func tooEarly() {
        let table: [(String, String)] = [
            ("<message from='a@peer.example' to='b@example.net'/>", "close not-authorized"),
            ("<presence/>", "close not-authorized"), ("<iq type='get'/>", "close not-authorized"),
            ("<message xmlns='urn:x'/>", "close invalid-namespace"), ("<x xmlns='urn:x'/>", "close unsupported-stanza-type"),
            ("<compress xmlns='\(Namespace.compression)'><method>zlib</method></compress>", "close unsupported-stanza-type"),
            ("<stream:error><reset xmlns='\(Namespace.streams)'/></stream:error>", "close"),
        ]
        for tls in [ServerTLSUse.never, .required] {
            for (text, expected) in table {
                var conversation = IncomingConversation(tls)
                _ = conversation.open()
                #expect(conversation.say(text) == [expected], "\(text)")
            }
        }
    }

    @Test("Where TLS is required nothing goes before it")
    func tlsFirst() {
        let table: [(String, String)] = [
            (ServerWords.result("peer.example", "example.net"), "close policy-violation: TLS is required first"),
            (ServerWords.verify("peer.example", "example.net", "x", "k"), "close policy-violation: TLS is required first"),
            (ServerWords.bidi, "close policy-violation: TLS is required first"),
        ]
        for tls in [ServerTLSUse.required, .requiredTrusted] {
            for (text, expected) in table {
                var conversation = IncomingConversation(tls)
                _ = conversation.open()
                #expect(conversation.say(text) == [expected], "\(text)")
            }
            var conversation = IncomingConversation(tls)
            _ = conversation.open()
            #expect(conversation.say(ServerWords.external("="))[0] == ServerWords.saslFailure("encryption-required"))
        }
    }

    @Test("What was agreed in clear is forgotten by TLS, and TLS comes too late for what was authorized in clear")
    func clearIsForgotten() {
        var conversation = IncomingConversation(.optional)
        _ = conversation.open()
        _ = conversation.say(ServerWords.bidi)
        _ = conversation.say(ServerWords.startTLS)
        _ = conversation.handle(.secured(Domains.certificate("peer.example")))
        _ = conversation.open()
        _ = conversation.say(ServerWords.external("="))
        #expect(conversation.open().suffix(2) == ["no clock", "authorized peer.example>example.net external"])
        #expect(!conversation.stream.maySend(peerPair))
        conversation = IncomingConversation(.optional)
        _ = conversation.open()
        _ = conversation.say(ServerWords.result("peer.example", "example.net"))
        #expect(conversation.say(ServerWords.startTLS) == ["<failure xmlns='\(Namespace.tls)'/>", "close"])
    }

    @Test("Elements before authorization are counted")
    func tooMany() {
        var conversation = IncomingConversation(.never)
        _ = conversation.open()
        for _ in 0..<64 { #expect(conversation.say(ServerWords.bidi) == []) }
        #expect(conversation.say(ServerWords.bidi) == ["close policy-violation: Too many elements before authorization"])
    }
}
