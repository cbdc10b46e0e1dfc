import CPlatform
import Glibc
import Resolver
import TestKit
import Testing

@testable import Network

/// A search for a domain's server, and what came of it.
@LoopActor
private final class Search {
    let events = Events()
    var dial: ServerDial?
    var session: TestSession?
    var target: ServerTarget?
    var failure: DialFailure?
    let resolver: DNSResolver

    init(_ server: NameServerDouble?) {
        let addresses = InternetAddress("127.0.0.1").map { NameServerAddress($0, port: server?.port ?? 9) }
        resolver = DNSResolver(ResolverOptions(timeout: .seconds(3), tries: 1, servers: addresses.map { [$0] } ?? []))
    }

    func begin(_ plan: ServerDial.Plan) {
        dial = ServerDial(plan, resolver, connected: connected, failed: failed)
    }

    func connected(_ connection: Connection, _ target: ServerTarget) -> (any ConnectionDelegate)? {
        let session = TestSession(connection, events)
        (self.session, self.target) = (session, target)
        events.changed()
        return session
    }

    func failed(_ failure: DialFailure) {
        self.failure = failure
        events.changed()
    }

    func isOver() async -> Bool { await events.until { self.session != nil || self.failure != nil } }
}

@Suite("Finding another server and connecting to it", .timeLimit(.minutes(5)))
struct ServerDialTests {
    init() { TestLoop.start() }

    private static let limits = ConnectionRace.Limits(attempt: .milliseconds(1500), whole: .seconds(8))

    /// A listening socket at an address of this machine that answers no SYN: its queue is full. The descriptors keep it so.
    private static func blackHole(_ address: String) throws -> (port: UInt16, descriptors: [Int32]) {
        var place = cplatform_address()
        try #require(cplatform_parse_address(address, &place) == 0)
        let listener = cplatform_listen_tcp(&place, 0, 0)
        try #require(listener >= 0)
        let waiting = (0..<4).map { _ in cplatform_begin_tcp(&place) }
        return (place.port, [listener] + waiting)
    }

    private static func listen(_ address: String) throws -> (descriptor: Int32, port: UInt16) {
        var place = cplatform_address()
        try #require(cplatform_parse_address(address, &place) == 0)
        let listener = cplatform_listen_tcp(&place, 16, 0)
        try #require(listener >= 0)
        return (listener, place.port)
    }

    /// A port where nobody listens.
    private static func closedPort() throws -> UInt16 {
        let (descriptor, port) = try listen("127.0.0.1")
        close(descriptor)
        return port
    }

    @Test("by records, which lead to a host, bytes go both ways")
    @LoopActor func byRecords() async throws {
        let server = TestServer { $0.onReceive = { session, _ in session.connection.write("answer") } }
        let names = try #require(
            NameServerDouble([
                "SRV _xmpp-server._tcp.d.example": .records([.service(5, 0, server.port, "h.example")]),
                "A h.example": .records([.ipv4("127.0.0.1")]),
            ]))
        let search = Search(names)
        search.begin(.init("d.example", requester: "d"))
        #expect(search.session == nil)
        #expect(await search.isOver())
        let session = try #require(search.session)
        #expect(search.target == ServerTarget(.name("h.example"), port: server.port))
        #expect(session.connection.peer.description == "127.0.0.1:\(server.port)")
        session.connection.write("question")
        #expect(await session.until { $0.received == Array("answer".utf8) })
        session.connection.close(afterFlush: true)
        #expect(await session.until { $0.reason == .local })
        let report = try #require(search.dial?.report)
        #expect(report.direct == .failure(.noSuchName) && report.trials.map(\.result) == [.connected])
    }

    @Test("both services are mixed; a dead target is passed over, and one without a name")
    @LoopActor func passedOver() async throws {
        let server = TestServer()
        let names = try #require(
            NameServerDouble([
                "SRV _xmpp-server._tcp.d.example": .records([
                    .service(1, 0, try Self.closedPort(), "h.example"), .service(2, 0, 5269, "none.example"),
                ]),
                "SRV _xmpps-server._tcp.d.example": .records([.service(3, 0, server.port, "h.example")]),
                "A h.example": .records([.ipv4("127.0.0.1")]),
            ]))
        let search = Search(names)
        search.begin(.init("d.example", limits: Self.limits, requester: "d"))
        #expect(await search.isOver())
        #expect(search.target?.isDirectTLS == true && search.target?.port == server.port)
        let results = search.dial?.report.trials.map(\.result)
        #expect(results == [.failed("Connection refused"), .notFound(.noSuchName), .connected])
        search.session?.connection.close(afterFlush: false)
    }

    @Test("an address that answers nothing does not delay the other family", arguments: [true, false])
    @LoopActor func blackHole(isPreferred: Bool) async throws {
        let hole = try Self.blackHole("::1")
        defer { hole.descriptors.forEach { close($0) } }
        var place = cplatform_address()
        #expect(cplatform_parse_address("127.0.0.1", &place) == 0)
        place.port = hole.port
        let listening = cplatform_listen_tcp(&place, 16, 0)
        try #require(listening >= 0)
        let listener = Listener(adopting: listening) { _ in nil }
        defer { listener.close() }
        let names = try #require(
            NameServerDouble([
                "SRV _xmpp-server._tcp.d.example": .records([.service(5, 0, hole.port, "h.example")]),
                "A h.example": .records([.ipv4("127.0.0.1")]), "AAAA h.example": .records([.ipv6("::1")]),
            ]))
        let search = Search(names)
        let limits = ConnectionRace.Limits(attempt: .seconds(60), whole: .seconds(90))
        search.begin(.init("d.example", families: isPreferred ? [.ipv6, .ipv4] : [.ipv4, .ipv6], limits: limits, requester: "d"))
        #expect(await search.isOver())
        #expect(search.session?.connection.peer.ip == "127.0.0.1")
        #expect(search.dial?.report.trials.map(\.result) == (isPreferred ? [.connected, .abandoned] : [.connected]))
        search.session?.connection.close(afterFlush: false)
    }

    @Test("of three targets two are dead, one of them silently")
    @LoopActor func deadTargets() async throws {
        let hole = try Self.blackHole("127.0.0.1")
        defer { hole.descriptors.forEach { close($0) } }
        let server = TestServer()
        let names = try #require(
            NameServerDouble([
                "SRV _xmpp-server._tcp.d.example": .records([
                    .service(1, 0, hole.port, "h.example"), .service(2, 0, try Self.closedPort(), "h.example"),
                    .service(3, 0, server.port, "h.example"),
                ]),
                "A h.example": .records([.ipv4("127.0.0.1")]),
            ]))
        let search = Search(names)
        search.begin(.init("d.example", limits: Self.limits, requester: "d"))
        #expect(await search.isOver())
        #expect(search.target?.port == server.port, "\(String(describing: search.failure))")
        #expect(search.dial?.report.trials.map(\.result) == [.noAnswer, .failed("Connection refused"), .connected])
        search.session?.connection.close(afterFlush: false)
    }

    @Test("no records at all lead to the domain's own addresses, a refusal leads nowhere")
    @LoopActor func withoutRecords() async throws {
        let server = TestServer()
        let names = try #require(
            NameServerDouble([
                "A d.example": .records([.ipv4("127.0.0.1")]),
                "SRV _xmpp-server._tcp.no.example": .records([.service(0, 0, 0, "")]),
                "A no.example": .records([.ipv4("127.0.0.1")]),
            ]))
        let search = Search(names)
        search.begin(.init("d.example", defaultPort: server.port, requester: "d"))
        #expect(await search.isOver())
        #expect(search.session?.connection.peer.port == server.port)
        search.session?.connection.close(afterFlush: false)

        let refused = Search(names)
        refused.begin(.init("no.example", defaultPort: server.port, requester: "d"))
        #expect(await refused.isOver())
        #expect(refused.failure?.reason == .notOffered && refused.failure?.isNotFound == true)
        #expect(!names.questions.contains("A no.example"))

        let nowhere = Search(names)
        nowhere.begin(.init("none.example", requester: "d"))
        #expect(await nowhere.isOver())
        #expect(nowhere.failure?.reason == .noConnection && nowhere.failure?.isNotFound == true)
        #expect(nowhere.failure?.description == "none.example:5269: no such name in the DNS")
    }

    @Test("what the operator has named is not looked up, nor is an address")
    @LoopActor func configured() async throws {
        let server = TestServer()
        let names = try #require(NameServerDouble([:]))
        let address = try #require(InternetAddress("127.0.0.1"))
        for plan in [
            ServerDial.Plan("d.example", configured: ServerTargets(configured: address, port: server.port), requester: "d"),
            ServerDial.Plan("127.0.0.1", defaultPort: server.port, requester: "d"),
        ] {
            let search = Search(names)
            search.begin(plan)
            #expect(await search.isOver())
            #expect(search.session?.connection.peer.port == server.port)
            search.session?.connection.close(afterFlush: false)
        }
        #expect(names.questions.isEmpty)
    }

    @Test("what was found and is of no use is followed by the rest")
    @LoopActor func next() async throws {
        let (first, second) = (TestServer(), TestServer())
        let names = try #require(
            NameServerDouble([
                "SRV _xmpp-server._tcp.d.example": .records([
                    .service(1, 0, first.port, "h.example"), .service(2, 0, second.port, "h.example"),
                ]),
                "A h.example": .records([.ipv4("127.0.0.1")]),
            ]))
        let search = Search(names)
        search.begin(.init("d.example", requester: "d"))
        #expect(await search.isOver())
        #expect(search.target?.port == first.port)
        search.session?.connection.close(afterFlush: false)
        search.session = nil
        search.dial?.tryNext(because: "no TLS", connected: search.connected, failed: search.failed)
        #expect(await search.isOver())
        #expect(search.target?.port == second.port)
        search.session?.connection.close(afterFlush: false)
        search.session = nil
        search.dial?.tryNext(because: "no TLS", connected: search.connected, failed: search.failed)
        #expect(await search.isOver())
        #expect(search.failure?.description == "h.example:\(second.port) at 127.0.0.1: no TLS, the last of 2 tried")
        #expect(search.failure?.isNotFound == false)
    }

    @Test("cancelled is cancelled, at each step")
    @LoopActor func cancelled() async throws {
        let hole = try Self.blackHole("127.0.0.1")
        defer { hole.descriptors.forEach { close($0) } }
        let names = try #require(NameServerDouble(["SRV _xmpp-server._tcp.slow.example": .silence, "A a.example": .silence]))
        let address = try #require(InternetAddress("127.0.0.1"))
        let search = Search(names)
        for plan in [
            ServerDial.Plan("slow.example", requester: "d"), ServerDial.Plan("a.example", requester: "d"),
            ServerDial.Plan("d", configured: ServerTargets(configured: address, port: hole.port), requester: "d"),
        ] {
            search.begin(plan)
            let dial = search.dial
            let last = Events()
            Loop.after(100) {
                dial?.cancel()
                last.changed()
            }
            _ = await last.until { search.resolver.count == 0 }
        }
        #expect(search.failure == nil && search.session == nil && search.resolver.count == 0)
    }

    @Test("the time for the whole holds, for name servers too")
    @LoopActor func whole() async throws {
        let names = try #require(
            NameServerDouble(["SRV _xmpp-server._tcp.a.example": .silence, "SRV _xmpps-server._tcp.a.example": .silence]))
        let search = Search(names)
        let limits = ConnectionRace.Limits(attempt: .seconds(60), whole: .milliseconds(400))
        search.begin(.init("a.example", limits: limits, requester: "d"))
        #expect(await search.isOver())
        #expect(search.failure?.reason == .noConnection && search.failure?.isNotFound == false)
        #expect(search.resolver.count == 0)
    }

    @Test("a way that leads to ourselves is not taken", arguments: ["127.0.0.1", "0.0.0.0", "::ffff:0.0.0.0"])
    @LoopActor func ourselves(bound: String) async throws {
        let (descriptor, port) = try Self.listen(bound)
        let listener = Listener(adopting: descriptor) { _ in nil }
        defer { listener.close() }
        let own = try #require(listener.address)
        let names = try #require(
            NameServerDouble([
                "SRV _xmpp-server._tcp.d.example": .records([.service(1, 0, port, "h.example")]),
                "A h.example": .records([.ipv4("127.0.0.1")]),
            ]))
        let search = Search(names)
        search.begin(.init("d.example", requester: "d", listening: [own]))
        #expect(await search.isOver())
        #expect(search.failure?.report.trials.map(\.result) == [.failed(ServerDial.ownSocket)])
        #expect(search.failure?.isNotFound == false && listener.accepted == 0)
    }

    @Test @LoopActor func ownAddresses() throws {
        func isOwn(_ text: String, _ bound: String, samePort: Bool = true) throws -> Bool {
            let (descriptor, port) = try Self.listen(bound)
            let listener = Listener(adopting: descriptor) { _ in nil }
            defer { listener.close() }
            let own = try #require(listener.address)
            let address = try #require(InternetAddress(text))
            return ListeningAddress.isOwn(address, port: samePort ? port : port ^ 1, among: [own])
        }
        #expect(try isOwn("127.0.0.1", "127.0.0.1") && isOwn("::1", "::1") && isOwn("::ffff:127.0.0.1", "127.0.0.1"))
        #expect(try isOwn("127.9.9.9", "0.0.0.0") && isOwn("::1", "::") && isOwn("0.0.0.0", "127.0.0.1") && isOwn("::", "::1"))
        #expect(try !isOwn("127.0.0.1", "127.0.0.1", samePort: false) && !isOwn("127.0.0.2", "127.0.0.1"))
        #expect(try !isOwn("192.0.2.1", "0.0.0.0") && !isOwn("2001:db8::1", "::") && !isOwn("127.0.0.1", "::"))
    }
}
