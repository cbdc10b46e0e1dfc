import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Logins without a password: EXTERNAL and ANONYMOUS", .timeLimit(.minutes(5)))
struct PasswordlessTests {
    private static let certificate = ClientCertificate(addresses: ["romeo@example.net"])

    /// A client that showed a certificate, or none, past the features after TLS.
    private func secured(
        _ certificate: ClientCertificate?, _ mode: StreamOptions.TLSMode = .direct,
        mechanisms: [Mechanism] = [.external, .scram(.sha256, plus: true), .plain, .anonymous]
    ) -> (stream: ClientStream, features: [Action]) {
        let options = options(mode)
        let offered = offer(options, mechanisms: mechanisms)
        var stream = ClientStream(options: options)
        _ = stream.handle(.secured(bindings, certificate: certificate))
        let features = stream.handle(.header(header(), offered))
        return (stream, features)
    }

    private func mechanisms(_ actions: [Action]) -> [String] {
        for case .send(let features) in actions {
            guard let list = features.child("mechanisms", Namespace.sasl) else { continue }
            return list.children.map(\.text)
        }
        return []
    }

    @Test("EXTERNAL is offered to who showed a good certificate")
    func offers() {
        #expect(mechanisms(secured(Self.certificate).features) == ["EXTERNAL", "SCRAM-SHA-256-PLUS", "PLAIN", "ANONYMOUS"])
        #expect(mechanisms(secured(nil).features) == ["SCRAM-SHA-256-PLUS", "PLAIN", "ANONYMOUS"])
        #expect(mechanisms(secured(nil, mechanisms: [.external]).features) == [])
    }

    @Test("EXTERNAL, with and without a word of the client", arguments: ["", "=", Base64.encode(Array("romeo@example.net".utf8))])
    func external(text: String) {
        var (stream, _) = secured(Self.certificate)
        var actions = stream.handle(.element(xml(authRaw("EXTERNAL", text))))
        if text.isEmpty {
            #expect(actions == [.send(Element("challenge", Namespace.sasl)), .restartClock])
            actions = stream.handle(.element(xml(response("="))))
        }
        #expect(actions == [.admit(romeo), .stopClock])
        #expect(stream.isWaiting)
        #expect(
            stream.handle(.verdict(.accepted)) == [
                .send(Element("success", Namespace.sasl)), .authenticated(romeo, .external), .restart, .restartClock,
            ])
    }

    @Test("EXTERNAL refused: for another, by the methods, without a certificate, without TLS")
    func refused() {
        var (stream, _) = secured(Self.certificate)
        #expect(saslCondition(stream.handle(.element(xml(auth("EXTERNAL", "juliet@example.net"))))) == "not-authorized")
        #expect(saslCondition(stream.handle(.element(xml(auth("EXTERNAL", "juliet@example.com"))))) == "invalid-authzid")
        _ = stream.handle(.element(xml(authRaw("EXTERNAL", "="))))
        #expect(
            stream.handle(.verdict(.rejected)) == [
                failure("not-authorized"), .authenticationFailed(user: romeo, .notAuthorized), .restartClock,
            ])
        (stream, _) = secured(nil)
        #expect(saslCondition(stream.handle(.element(xml(authRaw("EXTERNAL", "="))))) == "not-authorized")
        let options = options(.optional)
        stream = ClientStream(options: options)
        _ = stream.handle(.header(header(), offer(options, mechanisms: [.external, .plain])))
        #expect(saslCondition(stream.handle(.element(xml(authRaw("EXTERNAL", "="))))) == "encryption-required")
    }

    @Test("ANONYMOUS: the shell makes up the user")
    func anonymous() {
        var (stream, _) = secured(nil)
        #expect(stream.handle(.element(xml(auth("ANONYMOUS", "trace")))) == [.admitAnonymous, .stopClock])
        #expect(stream.isWaiting)
        let user = JID.prepared(local: "4f3a", domain: "example.net")
        #expect(
            stream.handle(.anonymous(.named("4f3a"))) == [
                .send(Element("success", Namespace.sasl)), .authenticated(user, .anonymous), .restart, .restartClock,
            ])
        (stream, _) = secured(nil)
        _ = stream.handle(.element(xml(authRaw("ANONYMOUS", "="))))
        #expect(saslCondition(stream.handle(.anonymous(.rejected))) == "not-authorized")
    }
}
