import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Stream compression (XEP-0138)", .timeLimit(.minutes(5)))
struct CompressionTests {
    private static func compress(_ inner: String) -> String { "<compress xmlns='\(Namespace.compression)'>\(inner)</compress>" }

    private func refusal(_ condition: String) -> [Action] {
        [.send(xml("<failure xmlns='\(Namespace.compression)'><\(condition)/></failure>")), .restartClock]
    }

    private func bindable(limit: Int? = 10_000) -> Conversation { .bindable { $0.inflationLimit = limit } }

    /// Whether the features among these actions offer compression with zlib and nothing else.
    private func offers(_ actions: [Action]) -> Bool {
        for case .send(let element) in actions where element.is("features", Namespace.stream) {
            let feature = element.child("compression", Namespace.compressionFeature)
            return feature == xml("<compression xmlns='\(Namespace.compressionFeature)'><method>zlib</method></compression>")
        }
        return false
    }

    @Test("Offered after authentication, where there is the option")
    func offered() {
        for mode in [StreamOptions.TLSMode.none, .optional, .required] {
            var early = Conversation(mode) { $0.inflationLimit = 10_000 }
            #expect(!offers(early.open()))
        }
        var conversation = Conversation.authenticated { $0.inflationLimit = 10_000 }
        #expect(offers(conversation.open()))
        var without = Conversation.authenticated()
        #expect(!offers(without.open()))
    }

    @Test("The whole way: compressed, a new stream without the offer, a session")
    func success() {
        var conversation = bindable()
        #expect(
            conversation.say(zlib) == [
                .send(Element("compressed", Namespace.compression)), .startCompression(limit: 10_000), .restart, .restartClock,
            ])
        let opened = conversation.open()
        #expect(opened.first == .open(ResponseHeader(from: "example.net", to: "romeo@example.net")))
        #expect(!offers(opened))
        #expect(conversation.say(zlib) == refusal("setup-failed"))
        #expect(conversation.say(bind()).first == .bind(romeo, resource: nil))
        _ = conversation.handle(.bindRefused(StanzaError(.conflict)))
        #expect(conversation.say(zlib) == refusal("setup-failed"))
        _ = conversation.say(bind())
        _ = conversation.handle(.bound(orchard))
        #expect(conversation.stream.address != nil)
    }

    @Test("Only a header begins the new stream")
    func newStream() {
        var conversation = bindable()
        _ = conversation.say(zlib)
        #expect(end(conversation.say(bind())) == "policy-violation")
    }

    @Test("Too early, with another method, malformed: refused, and the stream goes on")
    func refused() {
        var early = Conversation.opened { $0.inflationLimit = 10_000 }
        #expect(early.say(zlib) == refusal("setup-failed"))
        #expect(early.say(auth("PLAIN", "\0romeo\0pencil")).first?.isVerification == true)
        var insecure = Conversation.opened(.required) { $0.inflationLimit = 10_000 }
        #expect(insecure.say(zlib) == refusal("setup-failed"))
        #expect(insecure.say(starttls).contains(.startTLS))

        var conversation = bindable()
        #expect(conversation.say(Self.compress("<method>lzw</method>")) == refusal("unsupported-method"))
        for malformed in ["", "<method/>", "zlib", "<method xmlns='urn:x'>zlib</method>"] {
            #expect(conversation.say(Self.compress(malformed)) == refusal("setup-failed"))
        }
        #expect(conversation.say(zlib).contains(.startCompression(limit: 10_000)))
    }

    @Test("Too late: a session has been bound")
    func established() {
        var conversation = bindable()
        _ = conversation.say(bind())
        _ = conversation.handle(.bound(orchard))
        #expect(conversation.say(zlib) == Array(refusal("setup-failed").dropLast()))
        #expect(conversation.stream.address != nil)
    }

    @Test("Without the option nobody knows the request")
    func unknown() {
        for var conversation in [Conversation.opened(), bindable(limit: nil), .established()] {
            #expect(end(conversation.say(zlib)) == "unsupported-stanza-type")
        }
    }

    @Test("Refusals are not for ever: they count among the elements before a session")
    func bounded() {
        var conversation = bindable()
        var last: [Action] = []
        for _ in 0..<70 where !conversation.stream.isClosed { last = conversation.say(Self.compress("")) }
        #expect(end(last) == "policy-violation")
    }

    @Test("Input that is no zlib (§4)")
    func processing() {
        #expect(
            StreamError.cannotDecompress.element
                == xml(
                    """
                    <error xmlns='\(Namespace.stream)'><undefined-condition xmlns='\(Namespace.streams)'/>\
                    <failure xmlns='\(Namespace.compression)'><processing-failed/></failure></error>
                    """))
    }
}

extension Action {
    fileprivate var isVerification: Bool {
        if case .verifyPassword = self { true } else { false }
    }
}
