import SASL
import Testing

@Suite("EXTERNAL, by client certificate (XEP-0178)", .timeLimit(.minutes(5)))
struct ExternalTests {
    private static let romeo = ClientCertificate(addresses: ["romeo@example.net"])
    private static let two = ClientCertificate(addresses: ["romeo@example.net", "mercutio@example.net"], commonName: "benvolio")
    private static let elsewhere = ClientCertificate(addresses: ["romeo@example.com"], commonName: "romeo")
    private static let named = ClientCertificate(commonName: "Romeo")
    private static let nameless = ClientCertificate()

    /// Whom a client with a certificate becomes, or why nobody.
    private func outcome(
        _ authzid: String, _ certificate: ClientCertificate?, _ rules: [CertificateRule] = [.standard]
    ) -> String {
        var external = exchange(.external, certificate: certificate, rules: rules)
        switch external.handle(.initialResponse(bytes(authzid))) {
        case .admit(let user): return user
        case .failure(let failure): return failure.condition.rawValue
        case let other: return "\(String(describing: other))"
        }
    }

    @Test("By its addresses")
    func standard() {
        let table: [(String, ClientCertificate?, String)] = [
            ("", Self.romeo, "romeo"), ("romeo@example.net", Self.romeo, "romeo"),
            ("mercutio@example.net", Self.romeo, "not-authorized"), ("romeo@example.com", Self.romeo, "invalid-authzid"),
            ("garbage", Self.romeo, "invalid-authzid"),
            // Of several the client chooses one.
            ("mercutio@example.net", Self.two, "mercutio"), ("", Self.two, "not-authorized"),
            ("benvolio@example.net", Self.two, "not-authorized"),
            ("", Self.elsewhere, "not-authorized"), ("romeo@example.net", Self.elsewhere, "not-authorized"),
            ("", Self.named, "not-authorized"), ("romeo@example.net", Self.named, "not-authorized"),
            ("", nil, "not-authorized"), ("romeo@example.net", nil, "not-authorized"),
            ("romeo@example.net\0", Self.romeo, "malformed-request"),
        ]
        for (authzid, certificate, expected) in table {
            #expect(outcome(authzid, certificate) == expected, "\(authzid) with \(String(describing: certificate))")
        }
    }

    @Test("Without addresses by its common name, where that is allowed")
    func commonName() {
        let rules = [CertificateRule.standard, .commonName]
        #expect(outcome("", Self.named, rules) == "romeo")
        #expect(outcome("romeo@example.net", Self.named, rules) == "romeo")
        #expect(outcome("mercutio@example.net", Self.named, rules) == "not-authorized")
        #expect(outcome("", Self.elsewhere, rules) == "not-authorized")
        #expect(outcome("", Self.nameless, rules) == "not-authorized")
        #expect(outcome("", Self.romeo, [.commonName]) == "not-authorized")
        #expect(outcome("", ClientCertificate(commonName: "romeo@example.net"), rules) == "romeo")
    }

    @Test("Without addresses as the client says, where that is allowed")
    func clientsWord() {
        let rules = [CertificateRule.standard, .clientsWord]
        #expect(outcome("mercutio@example.net", Self.named, rules) == "mercutio")
        #expect(outcome("mercutio@example.net", Self.nameless, rules) == "mercutio")
        #expect(outcome("", Self.named, rules) == "not-authorized")
        #expect(outcome("mercutio@example.com", Self.named, rules) == "invalid-authzid")
        #expect(outcome("mercutio@example.net", Self.romeo, rules) == "not-authorized")
        #expect(outcome("mercutio@example.net", nil, rules) == "not-authorized")
    }

    @Test("The methods have the last word")
    func verdicts() {
        for (verdict, expected) in [
            (SASLExchange.PasswordVerdict.accepted, nil), (.rejected, SASLFailure.Condition.notAuthorized),
            (.temporarilyUnavailable, .temporaryAuthFailure),
        ] {
            var external = exchange(.external, certificate: Self.romeo)
            #expect(external.handle(.initialResponse(nil)) == .challenge([]))
            #expect(external.handle(.response([])) == .admit(user: "romeo"))
            #expect(external.isWaiting)
            let action = external.handle(.verdict(verdict))
            #expect(condition(action) == expected)
            if expected == nil { #expect(action == .success(user: "romeo", additionalData: nil)) }
        }
    }
}

@Suite("ANONYMOUS", .timeLimit(.minutes(5)))
struct AnonymousTests {
    @Test("The server makes up a user; what the client says is not looked at", arguments: ["", "sirhc", "\u{0}"])
    func success(trace: String) {
        var anonymous = exchange(.anonymous)
        #expect(anonymous.handle(.initialResponse(bytes(trace))) == .admitAnonymous)
        #expect(anonymous.isWaiting)
        #expect(anonymous.handle(.anonymous(.named("4f3a"))) == .success(user: "4f3a", additionalData: nil))
    }

    @Test("Asked for, refused, too long, and an answer to no question")
    func others() {
        var anonymous = exchange(.anonymous)
        #expect(anonymous.handle(.initialResponse(nil)) == .challenge([]))
        #expect(anonymous.handle(.response([])) == .admitAnonymous)
        #expect(condition(anonymous.handle(.anonymous(.rejected))) == .notAuthorized)
        anonymous = exchange(.anonymous)
        _ = anonymous.handle(.initialResponse([]))
        #expect(condition(anonymous.handle(.anonymous(.temporarilyUnavailable))) == .temporaryAuthFailure)
        anonymous = exchange(.anonymous)
        #expect(condition(anonymous.handle(.initialResponse([UInt8](repeating: 1, count: 9000)))) == .malformedRequest)
        anonymous = exchange(.anonymous)
        #expect(condition(anonymous.handle(.anonymous(.named("x")))) == .temporaryAuthFailure)
        anonymous = exchange(.anonymous)
        _ = anonymous.handle(.initialResponse([]))
        #expect(condition(anonymous.handle(.verdict(.accepted))) == .temporaryAuthFailure)
    }
}
