import TestKit
import Testing

@testable import Resolver

@Suite(.timeLimit(.minutes(5)))
struct BlockingResolverTests {
    private func outcome(
        _ kind: DNSQuestion.Kind, _ name: String, _ zone: [String: NameServerDouble.Reply], timeout: Duration = .seconds(5)
    ) throws -> DNSQuery.Outcome {
        let server = try #require(NameServerDouble(zone))
        return answer(kind, name, [server], timeout: timeout)
    }

    private func answer(
        _ kind: DNSQuestion.Kind, _ name: String, _ servers: [NameServerDouble], timeout: Duration = .seconds(5), tries: Int = 1
    ) -> DNSQuery.Outcome {
        let loopback = InternetAddress("127.0.0.1")
        let addresses = servers.compactMap { server in loopback.map { NameServerAddress($0, port: server.port) } }
        let resolver = BlockingResolver(ResolverOptions(timeout: timeout, tries: tries, servers: addresses))
        return withExtendedLifetime(servers) { resolver.answer(to: DNSQuestion(kind, name)) }
    }

    @Test func recordsAreRead() throws {
        let v4 = try #require(InternetAddress("192.0.2.7")), v6 = try #require(InternetAddress("2001:db8::9"))
        #expect(
            try outcome(.ipv4, "a.example", ["A a.example": .records([.ipv4("192.0.2.7")])])
                == .success(DNSAnswer(addresses: [v4])))
        #expect(
            try outcome(.ipv6, "a.example", ["AAAA a.example": .records([.ipv6("2001:db8::9")])])
                == .success(DNSAnswer(addresses: [v6])))
        #expect(
            try outcome(.ipv4, "a.example", ["A a.example": .records([.alias("b.example", .ipv4("192.0.2.7"))])])
                == .success(DNSAnswer(addresses: [v4])))
        let services: NameServerDouble.Reply = .records([.service(10, 5, 5269, "X.example"), .service(0, 0, 0, "")])
        #expect(
            try outcome(.service, "_s._tcp.a.example", ["SRV _s._tcp.a.example": services])
                == .success(
                    DNSAnswer(services: [
                        ServiceRecord(priority: 0, weight: 0, port: 0, target: "."),
                        ServiceRecord(priority: 10, weight: 5, port: 5269, target: "x.example"),
                    ])))
    }

    @Test(
        "what a name server can say instead of an answer",
        arguments: [
            (.code(3), .noSuchName), (.code(0), .noData), (.code(5), .refused), (.code(2), .serverFailure),
            (.records([.ipv6("::1")]), .noData), (.silence, .timeout), (.noise([]), .timeout), (.noise([1, 2, 3]), .timeout),
            (.otherName([.ipv4("192.0.2.66")]), .timeout),
            (.damaged([0xC0]), .malformed), (.damaged([]), .malformed),
            (.damaged([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 9, 1]), .malformed),
            (.damaged([0xC0, 29, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]), .noData),
            (.damaged([0xC0, 27, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]), .malformed),
        ] as [(NameServerDouble.Reply, DNSFailure)])
    func failures(reply: NameServerDouble.Reply, failure: DNSFailure) throws {
        let outcome = try outcome(.ipv4, "a.example", ["A a.example": reply], timeout: .milliseconds(400))
        #expect(outcome == .failure(failure), "\(reply)")
    }

    @Test("nobody listens there")
    func unreachable() throws {
        var server = NameServerDouble([:])
        let port = try #require(server).port
        server = nil
        let address = NameServerAddress(try #require(InternetAddress("127.0.0.1")), port: port)
        let resolver = BlockingResolver(ResolverOptions(timeout: .seconds(5), tries: 1, servers: [address]))
        // The double's thread may take a moment to close the socket.
        var outcome = resolver.answer(to: DNSQuestion(.ipv4, "a.example"))
        for _ in 0..<50 where outcome != .failure(.unreachable) { outcome = resolver.answer(to: DNSQuestion(.ipv4, "a.example")) }
        #expect(outcome == .failure(.unreachable))
    }

    @Test("a question that nobody answers is sent again, and tried as often as the options say, each time from another port")
    func tries() throws {
        let server = try #require(NameServerDouble(["A a.example": .silence]))
        #expect(answer(.ipv4, "a.example", [server], timeout: .milliseconds(200), tries: 3) == .failure(.timeout))
        #expect(server.questions.count >= 6, "\(server.questions)")
    }

    @Test("the second name server is asked when the first does not answer")
    func secondServer() throws {
        let deaf = try #require(NameServerDouble(["A a.example": .silence]))
        let other = try #require(NameServerDouble(["A a.example": .records([.ipv4("192.0.2.7")])]))
        let found = answer(.ipv4, "a.example", [deaf, other], timeout: .milliseconds(800))
        #expect(found == .success(DNSAnswer(addresses: [try #require(InternetAddress("192.0.2.7"))])))
    }

    @Test("an answer too long for a datagram comes over TCP, and of many records only some are taken")
    func longAnswers() throws {
        let addresses = (1...200).map { NameServerDouble.Record.ipv4("192.0.2.\($0)") }
        guard case .success(let answer) = try outcome(.ipv4, "a.example", ["A a.example": .records(addresses)]) else {
            return #expect(Bool(false))
        }
        #expect(answer.addresses.count == DNSAnswer.addressLimit)
        let services = (0..<200).map { NameServerDouble.Record.service(UInt16(200 - $0), 0, 5269, "x\($0).example") }
        guard case .success(let answer) = try outcome(.service, "a.example", ["SRV a.example": .records(services)]) else {
            return #expect(Bool(false))
        }
        #expect(answer.services.map(\.priority) == Array(1...UInt16(DNSAnswer.serviceLimit)), "the most important come first")
    }

    @Test("an answer above the limit is not read")
    func hugeAnswers() throws {
        let services = (0..<1500).map { NameServerDouble.Record.service(1, 0, 5269, "x\($0).example") }
        #expect(try outcome(.service, "a.example", ["SRV a.example": .records(services)]) == .failure(.malformed))
    }

    @Test("targets with other characters than those of host names are left out", arguments: ["a b.example", "a\\.example", "a\0b"])
    func strangeTargets(target: String) throws {
        let strange = NameServerDouble.Record.service(1, 0, 5269, target)
        #expect(try outcome(.service, "a.example", ["SRV a.example": .records([strange])]) == .failure(.malformed))
        let both = try outcome(.service, "a.example", ["SRV a.example": .records([strange, .service(2, 0, 5269, "b.example")])])
        #expect(both == .success(DNSAnswer(services: [ServiceRecord(priority: 2, weight: 0, port: 5269, target: "b.example")])))
    }

    @Test(
        "what cannot be a name is not asked for",
        arguments: [
            "", ".", "a..b", "a.example.", "a b", "a\0.example", "a\\.b", "ä.example", String(repeating: "a", count: 64),
            Array(repeating: "abc", count: 64).joined(separator: "."),
        ])
    func badNames(name: String) throws {
        let server = try #require(NameServerDouble([:]))
        #expect(answer(.ipv4, name, [server]) == .failure(.badName))
        #expect(server.questions.isEmpty)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct LocalNamesTests {
    @Test func whatNeedsNoDNS() {
        func addresses(_ name: String) -> [String]? { LocalNames.addresses(of: name)?.map(\.description) }
        #expect(addresses("192.0.2.1") == ["192.0.2.1"])
        #expect(addresses("2001:db8::1") == ["2001:db8::1"] && addresses("[2001:db8::1]") == ["2001:db8::1"])
        #expect(addresses("localhost")?.contains("127.0.0.1") == true)
        #expect(addresses("a.LOCALHOST") == ["::1", "127.0.0.1"])
        for name in ["a.example", "notlocalhost", "localhost\0.example", "localhost."] {
            #expect(addresses(name) == nil, "\(name)")
        }
    }

    @Test func nameServers() {
        #expect(NameServerAddress("192.0.2.1")?.description == "192.0.2.1:53")
        #expect(NameServerAddress("192.0.2.1:5353")?.description == "192.0.2.1:5353")
        #expect(NameServerAddress("2001:db8::1")?.description == "[2001:db8::1]:53")
        #expect(NameServerAddress("[2001:db8::1]:54")?.description == "[2001:db8::1]:54")
        for text in ["", "a.example", "192.0.2.1:0", "192.0.2.1:x", "[192.0.2.1]:53", "[2001:db8::1]", "1.2.3", "192.0.2.1:"] {
            #expect(NameServerAddress(text) == nil, "\(text)")
        }
    }
}
