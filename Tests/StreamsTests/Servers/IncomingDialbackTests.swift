import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Dialback on incoming server streams (XEP-0220)", .timeLimit(.minutes(5)))
struct IncomingDialbackTests {
    private typealias Words = ServerWords

    private static func request(
        _ remote: String = "peer.example", _ local: String = "example.net", id: String = "s1", key: String = "abc"
    )
        -> DialbackRequest
    {
        DialbackRequest(pair: DomainPair(local: local, remote: remote), streamID: id, key: key)
    }

    private static func opened(_ tls: ServerTLSUse = .never) -> IncomingConversation {
        var conversation = IncomingConversation(tls)
        _ = conversation.open()
        return conversation
    }

    /// Past the first pair.
    private static func authorized() -> IncomingConversation {
        var conversation = opened()
        _ = conversation.say(Words.result("peer.example", "example.net"))
        _ = conversation.handle(.verified(request(), .valid))
        return conversation
    }

    private static func error(_ from: String, _ to: String, _ type: String, _ condition: String) -> String {
        Words.error("result", from, to, type, condition)
    }

    @Test("A key is checked, white space around it or not, and the pair is authorized")
    func valid() {
        for key in ["abc", "\n  abc\t\n"] {
            var conversation = Self.opened()
            #expect(
                conversation.say(Words.result("peer.example", "example.net", key)) == [
                    "verify peer.example>example.net s1 abc", "no clock",
                ])
            #expect(
                conversation.handle(.verified(Self.request(), .valid)) == [
                    "no clock", "authorized peer.example>example.net dialback",
                    Words.answer("result", "example.net", "peer.example", "valid"),
                ])
            #expect(
                conversation.say("<message from='a@peer.example' to='b@example.net'/>") == [
                    "deliver message a@peer.example b@example.net"
                ])
        }
    }

    @Test("Any prefix will do")
    func prefix() {
        var conversation = Self.opened()
        let text = "<result xmlns='jabber:server:dialback' from='Peer.Example' to='EXAMPLE.net'>abc</result>"
        #expect(conversation.say(text).first == "verify peer.example>example.net s1 abc")
    }

    @Test("No stanza goes before the answer")
    func early() {
        var conversation = Self.opened()
        _ = conversation.say(Words.result("peer.example", "example.net"))
        #expect(conversation.say("<message from='a@peer.example' to='b@example.net'/>") == ["close not-authorized"])
        #expect(conversation.handle(.verified(Self.request(), .valid)) == [])
    }

    @Test("A forged key ends a stream that has no other pair")
    func invalid() {
        var conversation = Self.opened()
        _ = conversation.say(Words.result("peer.example", "example.net"))
        let reason = "refused peer.example>example.net: the authority for peer.example has not made its dialback key"
        #expect(
            conversation.handle(.verified(Self.request(), .invalid)) == [
                Words.answer("result", "example.net", "peer.example", "invalid"), reason, "close",
            ])
    }

    @Test("A forged key for a later pair is an error, and the first one stays")
    func invalidLater() {
        var conversation = Self.authorized()
        _ = conversation.say(Words.result("rooms.peer.example", "example.net"))
        let reason = "refused rooms.peer.example>example.net: the authority for rooms.peer.example has not made its dialback key"
        #expect(
            conversation.handle(.verified(Self.request("rooms.peer.example"), .invalid)) == [
                Self.error("example.net", "rooms.peer.example", "auth", "forbidden"), reason,
            ])
        #expect(conversation.say("<presence from='a@peer.example' to='example.net'/>").first?.hasPrefix("deliver") == true)
        #expect(conversation.say("<presence from='rooms.peer.example' to='example.net'/>") == ["close invalid-from"])
    }

    @Test("A check that fails is an error as the shell says, and the stream goes on")
    func unverifiable() {
        var conversation = Self.opened()
        _ = conversation.say(Words.result("peer.example", "example.net"))
        let failure = DialbackAnswer.error(.remoteServerTimeout, reason: "nobody there")
        #expect(
            conversation.handle(.verified(Self.request(), failure)) == [
                Self.error("example.net", "peer.example", "wait", "remote-server-timeout"),
                "refused peer.example>example.net: dialback: nobody there", "clock",
            ])
        #expect(
            conversation.say(Words.result("peer.example", "example.net", "def")).first == "verify peer.example>example.net s1 def")
    }

    @Test("Checks that fail are counted until the first pair")
    func failures() {
        var conversation = Self.opened()
        for number in 1...5 {
            _ = conversation.say(Words.result("peer.example", "example.net"))
            let lines = conversation.handle(.verified(Self.request(), .error(.remoteServerNotFound, reason: "gone")))
            #expect(lines.contains("close policy-violation: Too many failed attempts to authenticate") == (number == 5))
        }
        #expect(conversation.stream.isClosed)
    }

    @Test("Pairs that are refused unchecked, with the stream open")
    func refusals() {
        let table: [(String, String, String, String)] = [
            ("peer.example", "elsewhere.example", "cancel", "item-not-found"),
            ("chat.example.net", "example.net", "cancel", "conflict"),
            ("example.net", "example.net", "cancel", "conflict"), ("unwanted.example", "example.net", "modify", "policy-violation"),
        ]
        for (from, to, type, condition) in table {
            var conversation = Self.opened()
            let lines = conversation.say(Words.result(from, to))
            #expect(lines.first == Self.error(to, from, type, condition))
            #expect(lines.count == 2 && lines[1].hasPrefix("refused \(from)>\(to): dialback: "))
            #expect(!conversation.stream.isClosed)
        }
        for key in ["", "  ", String(repeating: "k", count: 513)] {
            var conversation = Self.opened()
            let lines = conversation.say(Words.result("peer.example", "example.net", key))
            #expect(lines.first == Self.error("example.net", "peer.example", "modify", "not-acceptable"))
        }
    }

    @Test("Without addresses, or with those of users, the stream ends")
    func addresses() {
        let table = [
            "<db:result to='example.net'>k</db:result>", "<db:result from='peer.example'>k</db:result>",
            "<db:result from='' to='example.net'>k</db:result>", "<db:result from='a@peer.example' to='example.net'>k</db:result>",
            "<db:verify from='peer.example' id='x'>k</db:verify>",
        ]
        for text in table {
            var conversation = Self.opened()
            #expect(conversation.say(text) == ["close improper-addressing"], "\(text)")
        }
        var conversation = Self.opened()
        #expect(conversation.say("<db:other from='peer.example' to='example.net'/>") == ["close unsupported-stanza-type"])
    }

    @Test("Answers are dropped: nothing is asked on this stream")
    func unsolicited() {
        for var conversation in [Self.opened(), Self.authorized()] {
            for type in ["valid", "invalid", "error", "other"] {
                for name in ["result", "verify"] {
                    #expect(conversation.say(Words.answer(name, "other.example", "example.net", type, id: "s1")) == [])
                }
            }
            #expect(conversation.say("<message from='a@other.example' to='example.net'/>").last?.hasPrefix("close") == true)
        }
    }

    @Test("Answers of the shell count for the request that was made, and once")
    func correlation() {
        var conversation = Self.opened()
        _ = conversation.say(Words.result("peer.example", "example.net"))
        let others = [
            Self.request("other.example"), Self.request("peer.example", "chat.example.net"), Self.request(id: "s0"),
            Self.request(key: "abd"),
        ]
        for other in others { #expect(conversation.handle(.verified(other, .valid)) == []) }
        #expect(conversation.handle(.verified(Self.request(), .valid)).count == 3)
        #expect(conversation.handle(.verified(Self.request(), .invalid)) == [])
        #expect(Array(conversation.stream.authorizedPairs) == [peerPair])
    }

    @Test("One check a pair, and no more of an authorized one")
    func repeated() {
        var conversation = Self.opened()
        _ = conversation.say(Words.result("peer.example", "example.net"))
        #expect(conversation.say(Words.result("peer.example", "example.net", "def")) == [])
        _ = conversation.handle(.verified(Self.request(), .valid))
        let answer = Words.answer("result", "example.net", "peer.example", "valid")
        #expect(conversation.say(Words.result("peer.example", "example.net", "def")) == [answer])
    }

    @Test("Pairs that are checked at the same time, and pairs in all, are bounded")
    func bounded() {
        var conversation = Self.authorized()
        let full = "wait"
        for number in 0..<16 {
            #expect(conversation.say(Words.result("d\(number).example", "example.net")).first?.hasPrefix("verify") == true)
        }
        #expect(
            conversation.say(Words.result("d16.example", "example.net")).first
                == Self.error("example.net", "d16.example", full, "resource-constraint"))
        for number in 0..<16 { _ = conversation.handle(.verified(Self.request("d\(number).example"), .valid)) }
        for number in 16..<127 {
            _ = conversation.say(Words.result("d\(number).example", "example.net"))
            _ = conversation.handle(.verified(Self.request("d\(number).example"), .valid))
        }
        #expect(conversation.stream.authorizedPairs.count == 128)
        #expect(
            conversation.say(Words.result("d127.example", "example.net")).first
                == Self.error("example.net", "d127.example", full, "resource-constraint"))
    }

    @Test("What a trusted certificate proves is valid at once, and nothing else (XEP-0344)")
    func certificate() {
        let certificate = Domains.certificate("peer.example", "*.peer.example")
        var conversation = IncomingConversation.secured(offer(.required), certificate)
        #expect(
            conversation.say(Words.result("rooms.peer.example", "example.net")) == [
                "no clock", "authorized rooms.peer.example>example.net certificate",
                Words.answer("result", "example.net", "rooms.peer.example", "valid"),
            ])
        #expect(conversation.say(Words.result("a.b.peer.example", "example.net")) == ["verify a.b.peer.example>example.net s2 abc"])
        conversation = .secured(offer(.required), Domains.certificate("peer.example", trusted: false))
        #expect(conversation.say(Words.result("peer.example", "example.net")).first == "verify peer.example>example.net s2 abc")
    }

    @Test("Where trusted certificates are required, keys prove nothing")
    func requiredTrusted() {
        var conversation = IncomingConversation.authenticated(
            offer(.requiredTrusted), Domains.certificate("peer.example", "rooms.peer.example"))
        #expect(conversation.say(Words.result("rooms.peer.example", "example.net")).count == 2)
        let lines = conversation.say(Words.result("other.example", "example.net"))
        #expect(lines.first == Self.error("example.net", "other.example", "auth", "not-authorized"))
        #expect(conversation.stream.authorizedPairs.count == 2)
    }

    @Test("Without a secret there is no dialback")
    func off() {
        for text in [Words.result("peer.example", "example.net"), Words.verify("peer.example", "example.net", "x", "k")] {
            var conversation = IncomingConversation(offer(.never, dialback: false))
            _ = conversation.open()
            #expect(conversation.say(text) == ["close unsupported-stanza-type"])
        }
    }

    @Test("Whether a key is ours is told to anybody, before and after authorization")
    func authority() {
        let key = Domains.key("peer.example", "D60000229F")
        for var conversation in [Self.opened(), Self.authorized()] {
            let clock = conversation.stream.authorizedPairs.isEmpty ? ["clock"] : []
            func told(_ type: String) -> [String] {
                [Words.answer("verify", "example.net", "peer.example", type, id: "D60000229F")] + clock
            }
            #expect(conversation.say(Words.verify("peer.example", "example.net", "D60000229F", key)) == told("valid"))
            #expect(conversation.say(Words.verify("peer.example", "example.net", "D60000229F", " \(key)\n")) == told("valid"))
            for wrong in ["", "0", key.uppercased(), key + "0", String(key.dropLast())] {
                #expect(conversation.say(Words.verify("peer.example", "example.net", "D60000229F", wrong)) == told("invalid"))
            }
            #expect(
                conversation.say(Words.verify("other.example", "example.net", "D60000229F", key)).first
                    == Words.answer("verify", "example.net", "other.example", "invalid", id: "D60000229F"))
            #expect(
                conversation.say(Words.verify("peer.example", "chat.example.net", "D60000229F", key)).first
                    == Words.answer("verify", "chat.example.net", "peer.example", "invalid", id: "D60000229F"))
            #expect(
                conversation.say(Words.verify("peer.example", "example.net", "other", key)).first
                    == Words.answer("verify", "example.net", "peer.example", "invalid", id: "other"))
        }
    }

    @Test("Checks that are refused")
    func refusedChecks() {
        let table: [(String, String, String, String, String)] = [
            ("peer.example", "elsewhere.example", "x", "cancel", "item-not-found"),
            ("unwanted.example", "example.net", "x", "modify", "policy-violation"),
            ("chat.example.net", "example.net", "x", "cancel", "conflict"),
            ("peer.example", "example.net", "", "modify", "not-acceptable"),
        ]
        for (from, to, id, type, condition) in table {
            var conversation = Self.opened()
            #expect(
                conversation.say(Words.verify(from, to, id, "k")) == [
                    Words.error("verify", to, from, type, condition, id: id), "clock",
                ])
        }
        var conversation = Self.opened()
        let long = String(repeating: "i", count: 513)
        #expect(
            conversation.say(Words.verify("peer.example", "example.net", long, "k")).first
                == Words.error("verify", "example.net", "peer.example", "modify", "not-acceptable"))
    }

    @Test("Checks for strangers are counted; whoever asks for nothing else is let go without blame")
    func checksAreCounted() {
        var conversation = Self.opened()
        for _ in 0..<256 { #expect(conversation.say(Words.verify("peer.example", "example.net", "x", "k")).count == 2) }
        #expect(
            conversation.say(Words.verify("peer.example", "example.net", "x", "k")) == [
                "close policy-violation: Too many elements before authorization"
            ])
        conversation = Self.opened()
        _ = conversation.say(Words.verify("peer.example", "example.net", "x", "k"))
        #expect(conversation.handle(.timeout) == ["close"])
        conversation = Self.authorized()
        for _ in 0..<300 { _ = conversation.say(Words.verify("peer.example", "example.net", "x", "k")) }
        #expect(!conversation.stream.isClosed)
    }
}
