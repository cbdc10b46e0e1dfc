import Glibc
import Resolver
import TestKit
import Testing

@testable import Network

@Suite("Questions to the DNS on the loop", .timeLimit(.minutes(5)))
struct DNSResolverTests {
    init() { TestLoop.start() }

    private func options(_ server: NameServerDouble, timeout: Duration = .seconds(5), tries: Int = 1) throws -> ResolverOptions {
        let address = NameServerAddress(try #require(InternetAddress("127.0.0.1")), port: server.port)
        return ResolverOptions(timeout: timeout, tries: tries, servers: [address])
    }

    /// What has been answered so far, by the name that was asked for.
    @LoopActor private final class Answers {
        let events = Events()
        var byName: [String: DNSQuery.Outcome] = [:]
        var found: [String: Result<[InternetAddress], DNSFailure>] = [:]
        var questions: [DNSResolver.Question] = []
        var lookups: [AddressLookup] = []
        let resolver: DNSResolver
        init(_ options: ResolverOptions) { resolver = DNSResolver(options) }

        func ask(_ kind: DNSQuestion.Kind, _ name: String, for requester: String = "me") {
            questions.append(
                resolver.ask(DNSQuestion(kind, name), for: requester) { [self] outcome in
                    byName[name] = outcome
                    events.changed()
                })
        }

        func find(_ name: String, for requester: String = "me") {
            lookups.append(
                resolver.addresses(of: name, for: requester) { [self] result in
                    found[name] = result
                    events.changed()
                })
        }
    }

    @Test @LoopActor func answersComeWithoutWaiting() async throws {
        let server = try #require(
            NameServerDouble([
                "A a.example": .records([.ipv4("192.0.2.7")]), "AAAA a.example": .records([.ipv6("2001:db8::7")]),
                "A b.example": .records([.ipv4("192.0.2.8")]), "SRV s.example": .records([.service(1, 2, 3, "t.example")]),
                "A long.example": .records((0..<100).map { .ipv4("192.0.2.\($0)") }),
            ]))
        let answers = Answers(try options(server))
        for name in ["a.example", "b.example", "localhost", "192.0.2.1", "none.example", "a..b"] { answers.find(name) }
        answers.ask(.service, "s.example")
        answers.ask(.ipv4, "long.example")
        #expect(answers.found.isEmpty && answers.byName.isEmpty, "nobody is called before the turn is over")
        #expect(await answers.events.until { answers.found.count == 6 && answers.byName.count == 2 })
        #expect(try Set(#require(answers.found["a.example"]).get().map(\.description)) == ["192.0.2.7", "2001:db8::7"])
        #expect(try #require(answers.found["b.example"]).get().map(\.description) == ["192.0.2.8"])
        #expect(try #require(answers.found["localhost"]).get().map(\.description).contains("127.0.0.1"))
        #expect(answers.found["none.example"] == .failure(.noSuchName) && answers.found["a..b"] == .failure(.badName))
        let record = ServiceRecord(priority: 1, weight: 2, port: 3, target: "t.example")
        #expect(answers.byName["s.example"] == .success(DNSAnswer(services: [record])))
        #expect(try #require(answers.byName["long.example"]).get().addresses.count == DNSAnswer.addressLimit, "over TCP")
        #expect(answers.resolver.count == 0)
        #expect(!server.questions.contains { $0.contains("localhost") })
    }

    @Test("a name server that is silent, refuses, or says nonsense costs its question, in time, and no other")
    @LoopActor func trouble() async throws {
        let server = try #require(
            NameServerDouble([
                "A silent.example": .silence, "A noise.example": .noise([7]), "A refused.example": .code(5),
                "A damaged.example": .damaged([0xC0]), "A good.example": .records([.ipv4("192.0.2.7")]),
            ]))
        let answers = Answers(try options(server, timeout: .milliseconds(300), tries: 2))
        for name in ["silent", "noise", "refused", "damaged", "good"] { answers.ask(.ipv4, "\(name).example") }
        #expect(await answers.events.until { answers.byName.count == 5 })
        #expect(answers.byName["silent.example"] == .failure(.timeout) && answers.byName["noise.example"] == .failure(.timeout))
        #expect(answers.byName["refused.example"] == .failure(.refused))
        #expect(answers.byName["damaged.example"] == .failure(.malformed))
        #expect(try #require(answers.byName["good.example"]).get().addresses.count == 1)
        // c-ares sends it twice in a try.
        #expect(server.questions.filter { $0 == "A silent.example" }.count >= 4)
        #expect(answers.resolver.count == 0)
    }

    @Test("one family's addresses do not wait for a name server that is silent about the other")
    @LoopActor func silentAboutOneFamily() async throws {
        let server = try #require(
            NameServerDouble(["A a.example": .records([.ipv4("192.0.2.7")]), "AAAA a.example": .silence]))
        let answers = Answers(try options(server, timeout: .seconds(60)))
        answers.find("a.example")
        #expect(await answers.events.until { !answers.found.isEmpty })
        #expect(try #require(answers.found["a.example"]).get().map(\.description) == ["192.0.2.7"])
        #expect(answers.resolver.count == 0, "the other question is given up")
    }

    @Test("who asks too much is refused, and others are not; so are all beyond the limit for all")
    @LoopActor func bounds() async throws {
        let server = try #require(NameServerDouble(["A x.example": .silence]))
        let answers = Answers(try options(server, timeout: .seconds(60)))
        for _ in 0..<DNSResolver.requesterLimit { answers.ask(.ipv4, "x.example", for: "greedy") }
        #expect(answers.resolver.count == DNSResolver.requesterLimit)
        answers.ask(.ipv4, "more.example", for: "greedy")
        answers.ask(.ipv4, "other.example", for: "modest")
        #expect(await answers.events.until { answers.byName.count == 2 })
        #expect(answers.byName["more.example"] == .failure(.tooMany) && answers.byName["other.example"] == .failure(.noSuchName))
        for requester in 0..<DNSResolver.limit { answers.ask(.ipv4, "x.example", for: "\(requester)") }
        #expect(answers.resolver.count == DNSResolver.limit)
        answers.ask(.ipv4, "last.example", for: "late")
        #expect(await answers.events.until { answers.byName["last.example"] == .failure(.tooMany) })
        for question in answers.questions { question.cancel() }
        #expect(answers.resolver.count == 0)
        answers.ask(.ipv4, "again.example", for: "greedy")
        #expect(await answers.events.until { answers.byName["again.example"] == .failure(.noSuchName) })
    }

    @Test("what is cancelled is not answered, and leaves nothing open")
    @LoopActor func cancelling() async throws {
        let server = try #require(NameServerDouble(["A a.example": .records([.ipv4("192.0.2.7")]), "A x.example": .silence]))
        let answers = Answers(try options(server, timeout: .seconds(60)))
        answers.ask(.ipv4, "a.example")
        answers.ask(.ipv4, "x.example")
        for question in answers.questions { question.cancel() }
        answers.find("localhost")
        answers.lookups[0].cancel()
        answers.ask(.ipv4, "none.example")
        #expect(await answers.events.until { answers.byName["none.example"] != nil })
        #expect(answers.byName.count == 1 && answers.found.isEmpty && answers.resolver.count == 0)
    }
}
