import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("SASL EXTERNAL on incoming server streams (XEP-0178)", .timeLimit(.minutes(5)))
struct IncomingAuthenticationTests {
    private static let certificate = Domains.certificate("peer.example", "bücher.example", "xn--bcher-kva.example")

    private static func base64(_ text: String) -> String { Base64.encode(Array(text.utf8)) }

    private static func refused(_ condition: String) -> [String] {
        [ServerWords.saslFailure(condition), "refused peer.example>example.net: SASL: \(condition)"]
    }

    @Test(
        "No identity, an equals sign, or the domain of the header",
        arguments: ["=", base64("peer.example"), base64("Peer.Example")])
    func success(text: String) {
        var conversation = IncomingConversation.secured(offer(.required), Self.certificate)
        #expect(conversation.say(ServerWords.external(text)) == [ServerWords.success, "restart", "clock"])
        let lines = conversation.open()
        #expect(lines[0] == "header example.net peer.example s3 1.0 db")
        #expect(!lines[1].contains("mechanisms") && !lines[1].contains("bidi") && !lines[1].contains("bind"))
        #expect(lines[1].contains("urn:xmpp:sm:3") && lines[1].contains("urn:xmpp:features:dialback"))
        #expect(lines.dropFirst(2) == ["no clock", "authorized peer.example>example.net external"])
        #expect(Array(conversation.stream.authorizedPairs) == [peerPair])
    }

    @Test("Without an initial response there is a challenge")
    func challenge() {
        for text in ["", "=", Self.base64("peer.example")] {
            var conversation = IncomingConversation.secured(offer(.required), Self.certificate)
            #expect(conversation.say(ServerWords.external("")) == ["<challenge xmlns='\(Namespace.sasl)'/>"])
            #expect(conversation.say("<response xmlns='\(Namespace.sasl)'>\(text)</response>").first == ServerWords.success)
        }
    }

    @Test("The identity is a name: an A-label and its U-label are the same")
    func internationalized() {
        for text in ["bücher.example", "xn--bcher-kva.example", "BÜCHER.example"] {
            var conversation = IncomingConversation.secured(offer(.required), Self.certificate, from: "bücher.example")
            #expect(conversation.say(ServerWords.external(Self.base64(text))).first == ServerWords.success, "\(text)")
        }
    }

    @Test("What is refused, after which the peer may go on with dialback")
    func failures() {
        let external = ServerWords.external
        let table: [(String, String)] = [
            (external(Self.base64("other.example")), "invalid-authzid"),
            (external(Self.base64("xn--bcher-kva.example")), "invalid-authzid"),
            (external(Self.base64("a@peer.example")), "invalid-authzid"),
            (external(Self.base64("peer.example\0")), "invalid-authzid"),
            (external("!"), "incorrect-encoding"), (external("/w=="), "invalid-authzid"),
            ("<auth xmlns='\(Namespace.sasl)' mechanism='PLAIN'>=</auth>", "invalid-mechanism"),
            ("<auth xmlns='\(Namespace.sasl)'>=</auth>", "invalid-mechanism"), ("<abort xmlns='\(Namespace.sasl)'/>", "aborted"),
        ]
        for (text, condition) in table {
            var conversation = IncomingConversation.secured(offer(.required), Self.certificate)
            #expect(conversation.say(text) == Self.refused(condition), "\(text)")
            #expect(conversation.say(ServerWords.result("other.example", "example.net")).first?.hasPrefix("verify") == true)
        }
    }

    @Test("Without a certificate that proves the header's domain")
    func unproved() {
        let table: [(PeerIdentity?, String?)] = [
            (nil, "peer.example"), (Domains.certificate("other.example"), "peer.example"),
            (Domains.certificate("peer.example", trusted: false), "peer.example"), (Domains.certificate("peer.example"), nil),
        ]
        for (certificate, from) in table {
            for text in ["", "=", Self.base64("peer.example"), Self.base64("other.example")] {
                var conversation = IncomingConversation.secured(offer(.required), certificate, from: from)
                #expect(conversation.say(ServerWords.external(text)).first == ServerWords.saslFailure("not-authorized"))
            }
        }
    }

    @Test("An exchange that is not there, is there already, or is called off")
    func order() {
        var conversation = IncomingConversation.secured(offer(.required), Self.certificate)
        let malformed = "<failure xmlns='\(Namespace.sasl)'><malformed-request/>"
        #expect(conversation.say("<response xmlns='\(Namespace.sasl)'/>")[0].hasPrefix(malformed))
        _ = conversation.say(ServerWords.external(""))
        #expect(conversation.say("<abort xmlns='\(Namespace.sasl)'/>") == Self.refused("aborted"))
        #expect(conversation.say("<response xmlns='\(Namespace.sasl)'/>")[0].hasPrefix(malformed))
        _ = conversation.say(ServerWords.external(""))
        #expect(conversation.say(ServerWords.external("="))[0].hasPrefix(malformed))
        #expect(conversation.say("<x xmlns='\(Namespace.sasl)'/>") == ["close unsupported-stanza-type"])
    }

    @Test("Failures are counted")
    func bounded() {
        var conversation = IncomingConversation.secured(offer(.required), Self.certificate)
        for _ in 0..<4 { #expect(conversation.say(ServerWords.external("!")) == Self.refused("incorrect-encoding")) }
        let end = ["close policy-violation: Too many failed attempts to authenticate"]
        #expect(conversation.say(ServerWords.external("!")) == Self.refused("incorrect-encoding") + end)
    }

    @Test("The header after it is about the same domains")
    func otherHeader() {
        for header in [serverHeader(from: "bücher.example"), serverHeader(from: nil), serverHeader(to: "chat.example.net")] {
            var conversation = IncomingConversation.secured(offer(.required), Self.certificate)
            _ = conversation.say(ServerWords.external("="))
            let expected = "close invalid-from: Authenticated as peer.example to example.net"
            #expect(conversation.open(header).last == expected)
            #expect(conversation.stream.authorizedPairs.isEmpty)
        }
    }

    @Test("Not twice, and not beside dialback")
    func again() {
        let expected = ["close policy-violation: Another authorization is under way or done"]
        var conversation = IncomingConversation.authenticated()
        #expect(conversation.say(ServerWords.external("=")) == expected)
        conversation = IncomingConversation.secured(offer(.required), Self.certificate)
        _ = conversation.say(ServerWords.result("other.example", "example.net"))
        #expect(conversation.say(ServerWords.external("=")) == expected)
        conversation = IncomingConversation.secured(offer(.required), Self.certificate)
        _ = conversation.say(ServerWords.result("peer.example", "example.net"))
        #expect(conversation.say(ServerWords.external("=")) == expected)
    }

    @Test("An authenticated stream whose header does not come")
    func silence() {
        var conversation = IncomingConversation.secured(offer(.required), Self.certificate)
        _ = conversation.say(ServerWords.external("="))
        #expect(conversation.handle(.timeout) == ["header example.net peer.example - 1.0", "close connection-timeout"])
    }
}
