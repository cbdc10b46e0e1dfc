import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("STARTTLS (RFC 6120 §5)", .timeLimit(.minutes(5)))
struct STARTTLSTests {
    private func features(_ actions: [Action]) -> Element? {
        for case .send(let element) in actions where element.is("features", Namespace.stream) { return element }
        return nil
    }

    private func mechanisms(_ actions: [Action]) -> [String] {
        features(actions)?.child("mechanisms", Namespace.sasl)?.children.map(\.text) ?? []
    }

    @Test("Required: nothing else is offered, and what was not offered is refused")
    func required() {
        var conversation = Conversation(.required, registers: true)
        #expect(
            features(conversation.open())
                == xml(
                    """
                    <features xmlns='\(Namespace.stream)'><starttls xmlns='\(Namespace.tls)'><required/></starttls></features>
                    """))
        #expect(saslCondition(conversation.say(auth("PLAIN", "\0romeo\0pencil"))) == "encryption-required")
        #expect(saslCondition(conversation.say(auth("SCRAM-SHA-256", "n,,n=romeo,r=x"))) == "encryption-required")
        #expect(saslCondition(conversation.say(auth("SCRAM-SHA-1", "n,,n=romeo,r=x"))) == "invalid-mechanism")
        #expect(end(conversation.say("<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>")) == "not-authorized")
    }

    @Test("Optional: SCRAM goes without, PLAIN and registration do not")
    func optional() {
        var conversation = Conversation(.optional, registers: true)
        let opened = conversation.open()
        #expect(features(opened)?.child("starttls", Namespace.tls)?.firstChild == nil)
        #expect(features(opened)?.has("starttls", Namespace.tls) == true)
        #expect(mechanisms(opened) == ["SCRAM-SHA-256"])
        #expect(features(opened)?.has("register", Namespace.registerFeature) == false)
        #expect(saslCondition(conversation.say(auth("PLAIN", "\0romeo\0pencil"))) == "encryption-required")
        #expect(saslCondition(conversation.say(auth("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=r,r=x"))) == "encryption-required")
        #expect(conversation.say(auth("SCRAM-SHA-256", "n,,n=romeo,r=x")).first == .fetchCredentials(romeo, .sha256))
    }

    @Test("Optional, and told to give secrets in the clear")
    func permitted() {
        var conversation = Conversation(.optional, registers: true, change: { $0.allowsSecretsInClear = true })
        let opened = conversation.open()
        #expect(mechanisms(opened) == ["SCRAM-SHA-256", "PLAIN"])
        #expect(features(opened)?.has("register", Namespace.registerFeature) == true)
    }

    @Test("The whole way: proceed, handshake, a new stream with more features")
    func success() {
        for mode in [StreamOptions.TLSMode.optional, .required] {
            var conversation = Conversation.opened(mode, registers: true)
            #expect(
                conversation.say(starttls) == [.send(Element("proceed", Namespace.tls)), .startTLS, .restartClock])
            // The client is heard below the stream only, and its time for the handshake runs.
            #expect(conversation.stream.isWaiting)
            #expect(conversation.handle(.secured(bindings)) == [.restart, .restartClock])
            let opened = conversation.open()
            #expect(
                features(opened)
                    == xml(
                        """
                        <features xmlns='\(Namespace.stream)'><mechanisms xmlns='\(Namespace.sasl)'>\
                        <mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-256</mechanism>\
                        <mechanism>PLAIN</mechanism></mechanisms><sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>\
                        <channel-binding type='tls-exporter'/><channel-binding type='tls-server-end-point'/>\
                        </sasl-channel-binding><register xmlns='\(Namespace.registerFeature)'/></features>
                        """))
        }
    }

    @Test("Without binding data there is no PLUS and no list of types")
    func noBinding() {
        var conversation = Conversation.opened(.required)
        _ = conversation.say(starttls)
        _ = conversation.handle(.secured(.none))
        let opened = conversation.open()
        #expect(mechanisms(opened) == ["SCRAM-SHA-256", "PLAIN"])
        #expect(features(opened)?.child(in: "urn:xmpp:sasl-cb:0") == nil)
        #expect(saslCondition(conversation.say(auth("SCRAM-SHA-256-PLUS", "p=x,,n=r,r=x"))) == "invalid-mechanism")
    }

    @Test("Only the types that have data are listed (XEP-0440)")
    func oneType() {
        var conversation = Conversation.opened(.required)
        _ = conversation.say(starttls)
        _ = conversation.handle(.secured(ChannelBindings(serverEndPoint: [1])))
        let list = features(conversation.open())?.child(in: "urn:xmpp:sasl-cb:0")
        #expect(list?.children.map { $0["type"] ?? "" } == ["tls-server-end-point"])
    }

    @Test("Connections that begin with TLS")
    func direct() {
        var conversation = Conversation(.direct)
        #expect(conversation.handle(.secured(bindings)) == [.restartClock])
        let opened = conversation.open()
        #expect(mechanisms(opened).count == 3)
        #expect(features(opened)?.has("starttls", Namespace.tls) == false)
    }

    @Test("Where there is none, asking for it fails and ends the stream (§5.4.2.2)")
    func refused() {
        let refusal: [Action] = [.send(Element("failure", Namespace.tls)), .close(nil)]
        for var conversation in [Conversation.opened(.none), .secured(), .bindable()] {
            #expect(conversation.say(starttls) == refusal)
        }
    }

    @Test("During the handshake there is no stream to say anything on")
    func handshake() {
        let events: [Event] = [.timeout, .close(StreamError(.systemShutdown)), .disconnected, .footer]
        for event in events {
            var conversation = Conversation.opened(.required)
            _ = conversation.say(starttls)
            #expect(conversation.handle(event) == [.drop])
        }
    }
}
