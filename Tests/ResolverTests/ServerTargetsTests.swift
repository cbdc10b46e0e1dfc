import Testing

@testable import Resolver

@Suite(.timeLimit(.minutes(1)))
struct ServerTargetsTests {
    /// Numbers that a test chooses: the same one again and again.
    private struct Constant: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { value }
    }

    private static func records(_ records: (UInt16, UInt16, String)...) -> DNSQuery.Outcome {
        .success(
            DNSAnswer(
                services: records.map { ServiceRecord(priority: $0.0, weight: $0.1, port: $0.2 == "." ? 0 : 5269, target: $0.2) }))
    }

    private func targets(_ direct: DNSQuery.Outcome, _ plain: DNSQuery.Outcome, _ random: UInt64 = 0) -> ServerTargets {
        var generator = Constant(value: random)
        return ServerTargets("d.example", direct: direct, plain: plain, defaultPort: 5270, using: &generator)
    }

    private func names(_ targets: ServerTargets) -> [String] {
        targets.list.map { target in
            guard case .name(let name) = target.place else { return "?" }
            return (target.isDirectTLS ? "s:" : "") + name
        }
    }

    private static let none = DNSQuery.Outcome.failure(.noSuchName)
    private static let own = ServerTarget(.name("d.example"), port: 5270)

    @Test(
        "whichever service has records, or none, or is not offered",
        arguments: [
            (none, none, .ownAddresses, ["d.example"]),
            (.failure(.timeout), .failure(.serverFailure), .ownAddresses, ["d.example"]),
            (none, .failure(.noData), .ownAddresses, ["d.example"]),
            (none, records((1, 0, "a")), .serviceRecords, ["a"]),
            (records((1, 0, "a")), none, .serviceRecords, ["s:a"]),
            (records((2, 0, "a")), records((1, 0, "b")), .serviceRecords, ["b", "s:a"]),
            (records((1, 0, "a")), records((2, 0, "b"), (0, 0, "c")), .serviceRecords, ["c", "s:a", "b"]),
            // Not offered.
            (none, records((0, 0, ".")), .serviceRecords, []),
            (.failure(.timeout), records((0, 0, ".")), .serviceRecords, []),
            (records((0, 0, ".")), records((0, 0, ".")), .serviceRecords, []),
            (records((0, 0, ".")), none, .ownAddresses, ["d.example"]),
            (records((0, 0, ".")), records((1, 0, "b")), .serviceRecords, ["b"]),
            (records((1, 0, "a")), records((0, 0, ".")), .serviceRecords, ["s:a"]),
            // A zone that means both is taken at the better word.
            (none, records((0, 0, "."), (1, 0, "b")), .serviceRecords, ["b"]),
        ] as [(DNSQuery.Outcome, DNSQuery.Outcome, ServerTargets.Origin, [String])])
    func origins(direct: DNSQuery.Outcome, plain: DNSQuery.Outcome, origin: ServerTargets.Origin, expected: [String]) {
        let targets = targets(direct, plain)
        #expect(targets.origin == origin && names(targets) == expected, "\(targets)")
        if origin == .ownAddresses { #expect(targets.list == [Self.own]) }
    }

    @Test("the same place twice is one place, at the same port with and without TLS at once it is two")
    func repeated() {
        #expect(names(targets(Self.records((1, 0, "a"), (2, 0, "a")), Self.records((3, 0, "a")))) == ["s:a", "a"])
    }

    @Test("a port that there is not is no place")
    func portZero() {
        let broken = DNSQuery.Outcome.success(DNSAnswer(services: [ServiceRecord(priority: 0, weight: 0, port: 0, target: "a")]))
        #expect(targets(Self.none, broken).list.isEmpty)
    }

    @Test("no more than ten")
    func many() {
        let many = { (letter: String) in
            DNSQuery.Outcome.success(
                DNSAnswer(services: (0..<10).map { ServiceRecord(priority: 1, weight: 65535, port: 1, target: "\(letter)\($0)") }))
        }
        #expect(targets(many("a"), many("b"), .max).list.count == ServerTargets.limit)
    }

    @Test("among equals the weight is the share of those who come first", arguments: [(30, 10), (1, 0), (65535, 65535), (0, 0)])
    func weights(first: UInt16, second: UInt16) {
        var generator = SystemRandomNumberGenerator()
        let rounds = 4000
        let records = Self.records((1, second, "b"), (1, first, "a"))
        let firsts = (0..<rounds).filter { _ in
            let targets = ServerTargets("d", direct: Self.none, plain: records, defaultPort: 1, using: &generator)
            #expect(targets.list.count == 2)
            return targets.list.first?.place == .name("a")
        }.count
        switch (first, second) {
        case (30, 10): #expect((2700...3300).contains(firsts), "\(firsts)")
        case (65535, 65535): #expect((1700...2300).contains(firsts), "\(firsts)")
        case (1, 0): #expect((1700...2300).contains(firsts), "of weight 0 it is chosen now and then: \(firsts)")
        default: break
        }
    }

    @Test func addressesNeedNoRecords() throws {
        let address = try #require(InternetAddress("2001:db8::1"))
        #expect(ServerTargets(literal: "[2001:db8::1]", port: 5269)?.list == [ServerTarget(.address(address), port: 5269)])
        #expect(ServerTargets(literal: "example.org", port: 5269) == nil)
        let configured = ServerTargets(configured: address, port: 99, isDirectTLS: true)
        #expect(configured.list.map(\.description) == ["[2001:db8::1]:99 (direct TLS)"] && configured.origin == .configuration)
    }
}
