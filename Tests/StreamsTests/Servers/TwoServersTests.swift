import SASL
import Streams
import Testing

@Suite("Both ends of a stream between servers", .timeLimit(.minutes(5)))
struct TwoServersTests {
    private static let good = Domains.certificate("a.example")
    private static let bad = Domains.certificate("a.example", trusted: false)
    private static let goodOfB = Domains.certificate("b.example")

    private func outcome(
        _ ofA: ServerTLSUse, _ ofB: ServerTLSUse, _ certificateOfA: PeerIdentity?, _ certificateOfB: PeerIdentity? = goodOfB,
        secret: DialbackSecret? = TwoServers.secret
    ) -> [String] {
        let servers = TwoServers(tls: (ofA, ofB), certificates: (certificateOfA, certificateOfB), keySecret: secret)
        _ = servers.run()
        servers.talk()
        return servers.outcome
    }

    private static func established(_ proof: String) -> [String] {
        ["authorized by \(proof)", "established by \(proof)", "delivered to b", "delivered to a"]
    }

    @Test("What proves who they are in each mode of both, by the certificate of the one that opens the stream")
    func modes() {
        let modes: [ServerTLSUse] = [.never, .optional, .required, .requiredTrusted]
        for ofA in modes {
            for ofB in modes {
                let hasTLS = ofA != .never && ofB != .never
                let isPossible = hasTLS || [ofA, ofB].allSatisfy { $0 == .never || $0 == .optional }
                for certificate in [nil, Self.good, Self.bad] {
                    let isProved = hasTLS && certificate == Self.good
                    let needsProof = ofA == .requiredTrusted || ofB == .requiredTrusted
                    let lines = outcome(ofA, ofB, certificate)
                    if isPossible, isProved || !needsProof {
                        #expect(lines == Self.established(isProved ? "external" : "dialback"), "\(ofA) \(ofB)")
                    } else {
                        #expect(lines.count == 1 && lines[0].hasPrefix("refused: "), "\(ofA) \(ofB): \(lines)")
                    }
                }
            }
        }
    }

    @Test("The certificate of the other matters where it is insisted on")
    func certificateOfPeer() {
        for certificate in [nil, Domains.certificate("b.example", trusted: false), Domains.certificate("c.example")] {
            #expect(outcome(.required, .required, Self.good, certificate) == Self.established("external"))
            #expect(outcome(.requiredTrusted, .required, Self.good, certificate).first?.hasPrefix("refused: ") == true)
        }
    }

    @Test("Whoever makes keys with another secret is somebody else")
    func forged() {
        let forged = ["refused: b.example takes our dialback key for a forgery"]
        for tls in [ServerTLSUse.never, .optional, .required] {
            #expect(outcome(tls, tls, nil, secret: DialbackSecret("guess")) == forged)
        }
    }
}
