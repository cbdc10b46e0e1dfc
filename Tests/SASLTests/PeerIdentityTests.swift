import SASL
import Testing

@Suite("Names in the certificates of servers (RFC 9525)", .timeLimit(.minutes(5)))
struct PeerIdentityTests {
    private static func dns(_ names: String...) -> PeerIdentity {
        PeerIdentity(isTrusted: true, untrustedReason: nil, dnsNames: names)
    }

    private static func srv(_ names: String...) -> PeerIdentity {
        PeerIdentity(isTrusted: true, untrustedReason: nil, srvNames: names)
    }

    private static func xmpp(_ names: String...) -> PeerIdentity {
        PeerIdentity(isTrusted: true, untrustedReason: nil, xmppAddresses: names)
    }

    private static let table: [(PeerIdentity, String, Bool)] = [
        (dns("example.org"), "example.org", true), (dns("EXAMPLE.Org"), "example.org", true),
        (dns("example.org."), "example.org", true),
        (dns("other.org", "example.org"), "example.org", true), (dns("example.org"), "sub.example.org", false),
        (dns("sub.example.org"), "example.org", false), (dns("xexample.org"), "example.org", false), (dns(), "example.org", false),
        (dns(""), "example.org", false), (dns("."), "example.org", false), (dns("example.org\0.evil.org"), "example.org", false),
        // A Kelvin sign is a small k to whoever folds the case of what is not ASCII.
        (dns("\u{212a}.example.org"), "k.example.org", false), (srv("_xmpp-server.\u{212a}.org"), "k.org", false),
        (dns(" example.org"), "example.org", false), (dns("localhost"), "localhost", true),
        // Wildcards.
        (dns("*.example.org"), "sub.example.org", true), (dns("*.EXAMPLE.org."), "sub.example.org", true),
        (dns("*.example.org"), "example.org", false), (dns("*.example.org"), "a.b.example.org", false),
        (dns("*.example.org"), "xn--bcher-kva.example.org", true), (dns("*.org"), "example.org", false),
        (dns("*"), "localhost", false),
        (dns("*"), "example.org", false), (dns("*."), "example.", false), (dns("s*.example.org"), "sub.example.org", false),
        (dns("*b.example.org"), "sub.example.org", false), (dns("sub.*.org"), "sub.example.org", false),
        (dns("*.*.org"), "sub.example.org", false), (dns("**.example.org"), "sub.example.org", false),
        (dns("*.0.0.1"), "127.0.0.1", false), (dns("127.0.0.1"), "127.0.0.1", true), (dns("*.example.org"), ".example.org", false),
        // Names that are not ASCII.
        (dns("xn--bcher-kva.example"), "bücher.example", true), (dns("XN--BCHER-KVA.example"), "bücher.example", true),
        (dns("bücher.example"), "bücher.example", false), (dns("xn--bcher-kva.example"), "bucher.example", false),
        (dns("*.xn--bcher-kva.example"), "chat.bücher.example", true),
        // Service names.
        (srv("_xmpp-server.example.org"), "example.org", true), (srv("_XMPP-Server.Example.org"), "example.org", true),
        (srv("_xmpp.example.org"), "example.org", true), (srv("_xmpp-client.example.org"), "example.org", false),
        (srv("_imap.example.org"), "example.org", false), (srv("example.org"), "example.org", false),
        (srv("_xmpp-server.*.org"), "example.org", false), (srv("_xmpp-server.*.example.org"), "sub.example.org", false),
        (srv("_xmpp-server.xn--bcher-kva.example"), "bücher.example", true),
        (srv("_xmpp-server.sub.example.org"), "example.org", false),
        (dns("_xmpp-server.example.org"), "example.org", false),
        // Addresses.
        (xmpp("example.org"), "example.org", true), (xmpp("Example.ORG"), "example.org", true),
        (xmpp("bücher.example"), "bücher.example", true),
        (xmpp("xn--bcher-kva.example"), "bücher.example", true), (xmpp("a@example.org"), "example.org", false),
        (xmpp("example.org/r"), "example.org", false), (xmpp("*.example.org"), "sub.example.org", false),
        (xmpp(""), "example.org", false),
    ]

    @Test("A domain is named by a dNSName, an SRVName or an address, and by nothing like one")
    func names() {
        for (identity, domain, expected) in Self.table {
            #expect(identity.names(domain) == expected, "\(identity) and \(domain)")
            #expect(identity.proves(domain) == expected)
            #expect((identity.doubt(about: domain) == nil) == expected)
        }
    }

    @Test("A certificate that is not to be relied on proves nothing")
    func untrusted() {
        for (identity, domain, _) in Self.table {
            let untrusted = PeerIdentity(
                isTrusted: false, untrustedReason: "expired", dnsNames: identity.dnsNames, srvNames: identity.srvNames,
                xmppAddresses: identity.xmppAddresses)
            #expect(!untrusted.proves(domain))
            #expect(untrusted.doubt(about: domain) == "its certificate is not to be relied on: expired")
        }
        #expect(PeerIdentity(isTrusted: false, untrustedReason: nil).untrustedReason != nil)
        #expect(PeerIdentity(isTrusted: true, untrustedReason: "expired").untrustedReason == nil)
    }
}
