import Testing

@testable import Network
@testable import Resolver

@Suite("What an administrator is told about another server", .timeLimit(.minutes(1)))
struct ServerCheckTests {
    private static let now: Int64 = 1_796_000_000
    private static let day: Int64 = 86400

    private func report(
        _ direct: DNSQuery.Outcome, _ plain: DNSQuery.Outcome, _ trials: [(String, ConnectionRace.Trial.Result)] = []
    ) -> DialReport {
        var report = DialReport(domain: "d.example")
        var generator = SystemRandomNumberGenerator()
        (report.direct, report.plain) = (direct, plain)
        report.targets = ServerTargets("d.example", direct: direct, plain: plain, defaultPort: 5269, using: &generator)
        let target = ServerTarget(.name("h.example"), port: 5269)
        report.trials = trials.map { ConnectionRace.Trial(target: target, address: InternetAddress($0.0), result: $0.1) }
        return report
    }

    private func facts(_ names: [String], reason: String? = nil, days: Int64 = 30) -> PeerCertificateFacts {
        PeerCertificateFacts(
            isTrusted: reason == nil, untrustedReason: reason, dnsNames: names, srvNames: ["_xmpp-server.d.example"],
            purposes: ["TLS Web Server Authentication"], notBefore: Self.now - 100 * Self.day, notAfter: Self.now + days * Self.day)
    }

    @Test func aGoodServer() {
        let records = DNSAnswer(services: [ServiceRecord(priority: 5, weight: 0, port: 5269, target: "h.example")])
        var check = ServerCheck(
            report(.failure(.noSuchName), .success(records), [("2001:db8::1", .noAnswer), ("192.0.2.1", .connected)]))
        check.tls = "TLSv1.3, TLS_AES_256_GCM_SHA384"
        check.certificate = facts(["d.example"])
        check.namesDomain = true
        check.outcome = ["SASL EXTERNAL"]
        #expect(
            check.lines(now: Self.now) == [
                "_xmpps-server._tcp.d.example: no such name in the DNS",
                "_xmpp-server._tcp.d.example: h.example, port 5269, priority 5, weight 0",
                "tried in this order: h.example:5269",
                "h.example:5269 at 2001:db8::1: no answer in time",
                "h.example:5269 at 192.0.2.1: connected",
                "TLSv1.3, TLS_AES_256_GCM_SHA384",
                "certificate for d.example, _xmpp-server.d.example",
                "purposes: TLS Web Server Authentication",
                "valid until 2026-12-30, for 30 more days",
                "trusted",
                "it names d.example",
                "SASL EXTERNAL",
            ])
    }

    @Test func badServers() {
        let dot = DNSAnswer(services: [ServiceRecord(priority: 0, weight: 0, port: 0, target: ".")])
        #expect(
            ServerCheck(report(.failure(.timeout), .success(dot))).lines(now: Self.now) == [
                "_xmpps-server._tcp.d.example: no name server answered in time",
                "_xmpp-server._tcp.d.example: not offered (\".\")", "d.example offers no service to other servers",
            ])
        var check = ServerCheck(report(.failure(.noData), .failure(.noData), [("192.0.2.1", .connected)]))
        #expect(
            check.lines(now: Self.now).suffix(3) == [
                "without such records: d.example:5269", "h.example:5269 at 192.0.2.1: connected", "no TLS",
            ])
        check.tls = "TLSv1.2"
        #expect(check.lines(now: Self.now).last == "it has shown no certificate")
        check.certificate = facts(["other.example"], reason: "certificate has expired", days: -3)
        check.namesDomain = false
        #expect(
            check.lines(now: Self.now).suffix(3) == [
                "expired on 2026-11-27, 3 days ago", "not trusted: certificate has expired", "it does not name d.example",
            ])
    }

    @Test("what others have written neither steers the terminal nor fills it")
    func hostileNames() {
        var check = ServerCheck(report(.failure(.noData), .failure(.noData), [("192.0.2.1", .connected)]))
        check.tls = "TLSv1.3"
        check.certificate = facts(["\u{1b}[2Ja\n\u{202e}b\u{9b}c"] + (0..<100).map { "n\($0)" })
        let line = check.lines(now: Self.now).first { $0.hasPrefix("certificate") }
        #expect(line?.hasPrefix("certificate for ?[2Ja??b?c, n0, ") == true && line?.hasSuffix(", n18 and 82 more") == true)
    }
}
