import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Authentication (RFC 6120 §6)", .timeLimit(.minutes(5)))
struct AuthenticationTests {
    private let stored: ScramCredentials? = .derive(
        password: Password(prepared: "pencil"), salt: Base64.decode("W22ZaJ0SNY7soEsUEjb6gQ==") ?? [], iterations: 4096,
        hash: .sha256)

    @Test("PLAIN, with the response at once")
    func plain() {
        var conversation = Conversation.opened()
        #expect(
            conversation.say(auth("PLAIN", "\0Romeo\0pencil")) == [
                .verifyPassword(romeo, Password(prepared: "pencil")), .stopClock,
            ])
        #expect(conversation.stream.isWaiting)
        #expect(
            conversation.handle(.verdict(.accepted)) == [
                .send(Element("success", Namespace.sasl)), .authenticated(romeo, .plain), .restart, .restartClock,
            ])
        #expect(!conversation.stream.isWaiting)
        #expect(conversation.open().first == .open(ResponseHeader(from: "example.net", to: "romeo@example.net")))
    }

    @Test("PLAIN, with the response asked for")
    func plainAsked() {
        var conversation = Conversation.opened()
        #expect(conversation.say(authRaw("PLAIN", "")) == [.send(Element("challenge", Namespace.sasl)), .restartClock])
        #expect(
            conversation.say(response(Base64.encode(Array("\0romeo\0pencil".utf8)))).first
                == .verifyPassword(romeo, Password(prepared: "pencil")))
    }

    @Test("Passwords are compared as RFC 8265 prepares them")
    func prepared() {
        var conversation = Conversation.opened()
        #expect(
            conversation.say(auth("PLAIN", "\0romeo\0a\u{3000}u\u{308}")).first
                == .verifyPassword(romeo, Password(prepared: "a \u{fc}")))
        conversation = .opened()
        #expect(saslCondition(conversation.say(auth("PLAIN", "\0romeo\0a\u{7}"))) == "not-authorized")
        #expect(saslCondition(conversation.say(auth("PLAIN", "\0ro meo\0pencil"))) == "not-authorized")
    }

    @Test("SCRAM up to the proof, and past it")
    func scram() throws {
        var conversation = Conversation.opened()
        #expect(
            conversation.say(auth("SCRAM-SHA-256", "n,,n=Romeo,r=abc")) == [.fetchCredentials(romeo, .sha256), .stopClock])
        let challenge = conversation.handle(.credentials(.found(try #require(stored)), nonce: nonce))
        #expect(
            challenge == [
                .send(
                    Element(
                        "challenge", Namespace.sasl,
                        text: Base64.encode(
                            Array("r=abc\(Base64.encode(nonce)),s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".utf8)))),
                .restartClock,
            ])
        let proof = Base64.encode([UInt8](repeating: 0, count: 32))
        let final = "c=biws,r=abc\(Base64.encode(nonce)),p=\(proof)"
        #expect(
            conversation.say(response(Base64.encode(Array(final.utf8)))) == [
                failure("not-authorized"), .authenticationFailed(user: romeo, .notAuthorized), .restartClock,
            ])
    }

    @Test("Unknown and known accounts look alike up to the end")
    func unknown() throws {
        var answers: [[Action]] = []
        for answer in [SASLExchange.CredentialsAnswer.found(try #require(stored)), .notFound] {
            var conversation = Conversation.opened()
            _ = conversation.say(auth("SCRAM-SHA-256", "n,,n=romeo,r=abc"))
            let challenge = conversation.handle(.credentials(answer, nonce: nonce))
            #expect(challenge.count == 2 && challenge.last == .restartClock)
            let final = "c=biws,r=abc\(Base64.encode(nonce)),p=\(Base64.encode([UInt8](repeating: 0, count: 32)))"
            answers.append(conversation.say(response(Base64.encode(Array(final.utf8)))))
        }
        #expect(answers[0] == answers[1])
    }

    @Test("PLUS binds to the connection's data, and its absence from a client's view is noticed")
    func plus() {
        var conversation = Conversation.secured()
        let message = "p=tls-exporter,,n=romeo,r=abc"
        #expect(conversation.say(auth("SCRAM-SHA-256-PLUS", message)).first == .fetchCredentials(romeo, .sha256))
        conversation = .secured()
        #expect(saslCondition(conversation.say(auth("SCRAM-SHA-256-PLUS", "p=tls-unique,,n=romeo,r=abc"))) == "malformed-request")
        #expect(saslCondition(conversation.say(auth("SCRAM-SHA-256", "y,,n=romeo,r=abc"))) == "malformed-request")
        #expect(conversation.say(auth("SCRAM-SHA-256", "n,,n=romeo,r=abc")).first == .fetchCredentials(romeo, .sha256))
    }

    @Test("Each condition of §6.5, and the client may try again")
    func conditions() {
        let table: [(String, String)] = [
            (authRaw("PLAIN", "=!"), "incorrect-encoding"), (authRaw("PLAIN", "AHJvbWVv AHBlbmNpbA=="), "incorrect-encoding"),
            (authRaw("PLAIN", "AHJvbWVvAHBlbmNpbA"), "incorrect-encoding"), (authRaw("PLAIN", "="), "malformed-request"),
            (auth("PLAIN", "romeo"), "malformed-request"), (auth("plain", "\0romeo\0pencil"), "invalid-mechanism"),
            (auth("", "\0romeo\0pencil"), "invalid-mechanism"), (auth("X-OAUTH2", "x"), "invalid-mechanism"),
            (auth("ANONYMOUS", "x"), "invalid-mechanism"), (auth("EXTERNAL", "x"), "invalid-mechanism"),
            (auth("SCRAM-SHA-1", "n,,n=romeo,r=x"), "invalid-mechanism"),
            (auth("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=romeo,r=x"), "invalid-mechanism"),
            ("<auth xmlns='\(Namespace.sasl)'>AHJvbWVvAHBlbmNpbA==</auth>", "invalid-mechanism"),
            (auth("PLAIN", "juliet@example.net\0romeo\0pencil"), "invalid-authzid"),
            (auth("PLAIN", "romeo@example.com\0romeo\0pencil"), "invalid-authzid"),
            (auth("SCRAM-SHA-256", "n,a=juliet@example.net,n=romeo,r=x"), "invalid-authzid"),
            (auth("SCRAM-SHA-256", "garbage"), "malformed-request"), (response("AA=="), "malformed-request"),
            ("<abort xmlns='\(Namespace.sasl)'/>", "aborted"),
        ]
        for (text, expected) in table {
            var conversation = Conversation.opened()
            let actions = conversation.say(text)
            #expect(saslCondition(actions) == expected, "\(text)")
            #expect(end(actions) == nil && actions.last == .restartClock)
            #expect(
                conversation.say(auth("PLAIN", "romeo@example.net\0romeo\0pencil")).first
                    == .verifyPassword(romeo, Password(prepared: "pencil")))
        }
    }

    @Test("What the accounts say is what the client is told")
    func verdicts() {
        var conversation = Conversation.opened()
        _ = conversation.say(auth("PLAIN", "\0romeo\0pencil"))
        #expect(
            conversation.handle(.verdict(.rejected)) == [
                failure("not-authorized"), .authenticationFailed(user: romeo, .notAuthorized), .restartClock,
            ])
        _ = conversation.say(auth("PLAIN", "\0romeo\0pencil"))
        #expect(
            conversation.handle(.verdict(.temporarilyUnavailable)) == [
                failure("temporary-auth-failure"), .authenticationFailed(user: romeo, .temporaryAuthFailure), .restartClock,
            ])
        _ = conversation.say(auth("SCRAM-SHA-256", "n,,n=romeo,r=abc"))
        #expect(saslCondition(conversation.handle(.credentials(.temporarilyUnavailable, nonce: nonce))) == "temporary-auth-failure")
    }

    @Test("In the middle of an exchange: abort, bad encoding, a second choice, something else")
    func interruptions() {
        func challenged() -> Conversation {
            var conversation = Conversation.opened()
            _ = conversation.say(authRaw("PLAIN", ""))
            return conversation
        }
        var conversation = challenged()
        #expect(saslCondition(conversation.say("<abort xmlns='\(Namespace.sasl)'/>")) == "aborted")
        conversation = challenged()
        #expect(saslCondition(conversation.say(response("A"))) == "incorrect-encoding")
        conversation = challenged()
        #expect(saslCondition(conversation.say(response(""))) == "malformed-request")
        conversation = challenged()
        #expect(saslCondition(conversation.say(response("="))) == "malformed-request")
        conversation = challenged()
        #expect(saslCondition(conversation.say(auth("PLAIN", "\0romeo\0pencil"))) == "malformed-request")
        conversation = challenged()
        #expect(end(conversation.say("<presence/>")) == "not-authorized")
        conversation = challenged()
        #expect(conversation.handle(.footer) == [.close(nil)])
    }

    @Test("While the shell is asked nothing may come from the client; its answer after the end finds nobody")
    func waiting() {
        var conversation = Conversation.opened()
        _ = conversation.say(auth("PLAIN", "\0romeo\0pencil"))
        #expect(end(conversation.say("<abort xmlns='\(Namespace.sasl)'/>")) == "internal-server-error")
        conversation = .opened()
        _ = conversation.say(auth("PLAIN", "\0romeo\0pencil"))
        #expect(conversation.handle(.disconnected) == [.drop])
        #expect(conversation.handle(.verdict(.accepted)) == [])
        conversation = .opened()
        _ = conversation.say(auth("PLAIN", "\0romeo\0pencil"))
        #expect(saslCondition(conversation.handle(.credentials(.notFound, nonce: nonce))) == "temporary-auth-failure")
    }

    @Test("Wrong passwords up to the limit, then the end")
    func limit() {
        var conversation = Conversation.opened(change: { $0.authenticationFailures = 3 })
        for _ in 1...2 {
            _ = conversation.say(auth("PLAIN", "\0romeo\0pencil"))
            #expect(end(conversation.handle(.verdict(.rejected))) == nil)
            #expect(end(conversation.say(auth("SCRAM-SHA-256", "bad"))) == nil)
        }
        _ = conversation.say(auth("PLAIN", "\0romeo\0pencil"))
        let last = conversation.handle(.verdict(.rejected))
        #expect(saslCondition(last) == "not-authorized")
        #expect(end(last) == "policy-violation")
    }

    @Test("Elements before a session are counted, whatever they are")
    func elements() {
        var conversation = Conversation.opened(registers: true, change: { $0.negotiationElements = 4 })
        #expect(end(conversation.say("<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>")) == nil)
        #expect(end(conversation.handle(.registrationAnswered(hasMadeAccount: false))) == nil)
        for _ in 1...3 { #expect(end(conversation.say(auth("X", ""))) == nil) }
        #expect(end(conversation.say(auth("PLAIN", "\0romeo\0pencil"))) == "policy-violation")
    }

    @Test("An account that was made sets the count of elements back, so that one stream can make many")
    func registrations() {
        var conversation = Conversation.opened(registers: true, change: { $0.negotiationElements = 4 })
        for _ in 1...10 {
            #expect(end(conversation.say("<iq type='set' id='r'><query xmlns='jabber:iq:register'/></iq>")) == nil)
            #expect(end(conversation.handle(.registrationAnswered(hasMadeAccount: true))) == nil)
        }
        for _ in 1...4 { #expect(end(conversation.say(auth("X", ""))) == nil) }
        #expect(end(conversation.say(auth("X", ""))) == "policy-violation")
    }

    @Test("Anything else before authentication ends the stream")
    func others() {
        let table = [
            ("<message to='juliet@example.net'><body>x</body></message>", "not-authorized"), ("<presence/>", "not-authorized"),
            ("<iq type='get' id='1'><query xmlns='jabber:iq:auth'/></iq>", "not-authorized"), (bind(), "not-authorized"),
            ("<message xmlns='jabber:server'/>", "invalid-namespace"), ("<iq xmlns='urn:x'/>", "invalid-namespace"),
            ("<foo/>", "unsupported-stanza-type"), ("<foo xmlns='urn:x'/>", "unsupported-stanza-type"),
            ("<inactive xmlns='urn:xmpp:csi:0'/>", "unsupported-stanza-type"),
            ("<success xmlns='\(Namespace.sasl)'/>", "unsupported-stanza-type"),
            ("<compress xmlns='http://jabber.org/protocol/compress'/>", "unsupported-stanza-type"),
        ]
        for (text, expected) in table {
            for var conversation in [Conversation.opened(), .secured()] {
                #expect(end(conversation.say(text)) == expected, "\(text)")
            }
        }
    }

    @Test("After authentication the stream is that of the same host")
    func otherHost() {
        var conversation = Conversation.authenticated()
        let other = offer(options(.none), domain: "example.com")
        #expect(end(conversation.handle(.header(header(to: "example.com"), other))) == "not-authorized")
    }
}

@Suite("Registration before authentication (XEP-0077)", .timeLimit(.minutes(5)))
struct RegistrationTests {
    private static func request(_ attributes: String) -> String { "<iq \(attributes)><query xmlns='jabber:iq:register'/></iq>" }

    @Test("It is the shell's, where it is offered", arguments: ["type='get' id='1'", "type='set' id='1' to='EXAMPLE.net'"])
    func handedOver(attributes: String) {
        let request = xml(Self.request(attributes))
        for var conversation in [Conversation.opened(registers: true), .secured(registers: true)] {
            #expect(conversation.handle(.element(request)) == [.register(request), .stopClock])
            #expect(conversation.stream.isWaiting)
        }
    }

    @Test("Its answer is awaited; whoever made an account is not timed any more, on no way that the stream may go")
    func answered() {
        var conversation = Conversation.opened(.optional, registers: true) { $0.allowsSecretsInClear = true }
        _ = conversation.say(Self.request("type='set' id='1'"))
        #expect(conversation.handle(.registrationAnswered(hasMadeAccount: false)) == [.restartClock])
        _ = conversation.say(Self.request("type='set' id='1'"))
        #expect(conversation.handle(.registrationAnswered(hasMadeAccount: true)) == [.stopClock])
        #expect(!conversation.stream.isWaiting)
        #expect(conversation.say(auth("PLAIN", "!")).last == .stopClock)
        #expect(conversation.say(starttls) == [.send(Element("proceed", Namespace.tls)), .startTLS, .stopClock])
        #expect(conversation.handle(.secured(bindings)) == [.restart, .stopClock])
        #expect(conversation.open().last == .stopClock)
    }

    @Test("What the shell says unasked, or lets the client say meanwhile, costs the stream")
    func unasked() {
        var conversation = Conversation.opened(registers: true)
        #expect(end(conversation.handle(.registrationAnswered(hasMadeAccount: true))) == "internal-server-error")
        conversation = .opened(registers: true)
        _ = conversation.say(Self.request("type='get' id='1'"))
        #expect(end(conversation.say(Self.request("type='get' id='2'"))) == "internal-server-error")
        for event: Event in [.timeout, .close(StreamError(.systemShutdown)), .disconnected] {
            conversation = .opened(registers: true)
            _ = conversation.say(Self.request("type='get' id='1'"))
            #expect(end(conversation.handle(event)) != nil)
        }
    }

    @Test("Where there is none the client is told so, and can go on (§3.1)", arguments: ["get", "set"])
    func notOffered(type: String) {
        for var conversation in [Conversation.opened(), .secured()] {
            let actions = conversation.handle(.element(xml(Self.request("type='\(type)' id='1' to='example.net'"))))
            let answer = Element(
                "iq", Namespace.client, ["type": "error", "id": "1"], [StanzaError(.serviceUnavailable).element])
            #expect(actions == [.send(answer), .restartClock])
        }
    }

    @Test("Without the TLS that there is, or in another shape, it is a stanza too early")
    func refused() {
        for var conversation in [Conversation.opened(.optional, registers: true), .opened(.required)] {
            #expect(end(conversation.say(Self.request("type='get' id='1'"))) == "not-authorized")
        }
        for attributes in ["type='result' id='1'", "id='1'", "type='get' id='1' to='other.example'", "type='get' to='@'"] {
            var conversation = Conversation.opened(registers: true)
            #expect(end(conversation.say(Self.request(attributes))) == "not-authorized")
        }
    }
}
