import IPC
import Network
import SharedState
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

/// External components on one of two workers, and users on both.
@Suite("Components", .timeLimit(.minutes(5)))
struct ComponentTests {
    init() { StageLoop.start() }

    fileprivate static let domain = "irc.example.org"

    @LoopActor private final class Play {
        let stage: Stage
        let stream: StageClient
        let component: Component

        init(_ terms: Component.Terms = .init(access: "all", checksFrom: true, isHidden: false), modules: String = "") async throws
        {
            stream = StageClient()
            stage = try await Stage("[modules.mod_disco]\n\(modules)", [Presence.self, Disco.self])
            component = try Self.registered(ComponentTests.domain, stream, stage, terms)
        }

        static func registered(
            _ name: String, _ stream: StageClient, _ stage: Stage, _ terms: Component.Terms, on worker: Int = 0,
            replaces: Bool = false, isSubdomain: Bool = false
        ) throws -> Component {
            let registration = stage.workers[worker].components.register(
                name, isSubdomain: isSubdomain, connection: Connection.newNumber(), terms: terms, stream: stream,
                replaces: replaces, now: 0)
            guard case .registered(let component) = registration else { throw StageFailure("\(registration)") }
            return component
        }

        func say(_ text: String) throws {
            let element = try Array(text.utf8).withUnsafeBytes {
                try ElementParser().element($0, in: .client, limits: Limits(bytes: 100_000))
            }
            component.receive(element)
        }

        func hears(_ isWanted: @escaping (Element) -> Bool) async -> Element? {
            await StageTime.until { [stream] in stream.heard.contains(where: isWanted) }
            return stream.heard.first(where: isWanted)
        }
    }

    private static let open = Component.Terms(access: "all", checksFrom: true, isHidden: false)

    @Test("stanzas pass between users of both workers and a component", arguments: [0, 1])
    @LoopActor func stanzas(on worker: Int) async throws {
        let play = try await Play()
        let ada = try await play.stage.client("ada", on: worker)
        try ada.say("<message to='room@\(Self.domain)/nick' type='chat' id='m'><body>hello</body></message>")
        let message = try #require(await play.hears { $0["id"] == "m" })
        #expect(message["from"] == "\(ada.jid)" && message["to"] == "room@\(Self.domain)/nick")
        try ada.say("<iq to='\(Self.domain)' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>")
        _ = try #require(await play.hears { $0["id"] == "q" })
        try play.say("<iq from='\(Self.domain)' to='\(ada.jid)' type='result' id='q'/>")
        let answer = try #require(await ada.hears { $0["id"] == "q" })
        #expect(answer["from"] == Self.domain && answer["type"] == "result")
        try ada.say("<presence to='#room@\(Self.domain)/ada'/>")
        _ = try #require(await play.hears { $0.isNamed("presence") })
        ada.session.end()
        let left = try #require(await play.hears { $0.isNamed("presence") && $0["type"] == "unavailable" })
        #expect(left["to"] == "#room@\(Self.domain)/ada")
    }

    @Test("a component asks an account and the host as any other entity does")
    @LoopActor func requests() async throws {
        let play = try await Play()
        try await play.stage.account("ada")
        try play.say("<iq from='\(Self.domain)' to='\(Stage.domain)' type='get' id='1'><query xmlns='\(DiscoXML.info)'/></iq>")
        #expect(await play.hears { $0["id"] == "1" }?["type"] == "result")
        try play.say(
            "<iq from='x@\(Self.domain)' to='ada@\(Stage.domain)' type='get' id='2'><query xmlns='jabber:iq:roster'/></iq>")
        #expect(await play.hears { $0["id"] == "2" }?.errorCondition == "service-unavailable")
        try play.say("<message from='\(Self.domain)' to='nobody@elsewhere.example' id='3'><body>x</body></message>")
        #expect(await play.hears { $0["id"] == "3" }?.errorCondition == "remote-server-not-found")
    }

    static let unaddressed = [
        "<message id='x'><body>b</body></message>",
        "<message id='x' to='ada@example.org'><body>b</body></message>",
        "<message id='x' from='\(domain)'><body>b</body></message>",
        "<message id='x' from='ada@example.org' to='ada@example.org'><body>b</body></message>",
        "<message id='x' from='x@sub.\(domain)' to='ada@example.org'><body>b</body></message>",
        "<message id='x' from='@' to='ada@example.org'><body>b</body></message>",
        "<message id='x' from='\(domain)' to='a@b@c'><body>b</body></message>",
        "<iq id='x' from='\(domain)' to='ada@example.org' type='get'/>",
    ]

    @Test("what has wrong addresses goes back and reaches nobody", arguments: unaddressed)
    @LoopActor func addresses(_ text: String) async throws {
        let play = try await Play()
        let ada = try await play.stage.client("ada")
        try ada.say("<presence/>")
        try await ada.settle()
        let count = ada.heard.count
        try play.say(text)
        #expect(await play.hears { $0["id"] == "x" }?.errorCondition == "bad-request")
        #expect(ada.heard.count == count)
    }

    @Test("without check_from a component speaks for others")
    @LoopActor func foreignSender() async throws {
        let play = try await Play(.init(access: "all", checksFrom: false, isHidden: false))
        let ada = try await play.stage.client("ada")
        try ada.say("<presence/>")
        try await ada.settle()
        try play.say("<message id='x' from='romeo@elsewhere.example' to='ada@\(Stage.domain)'><body>b</body></message>")
        #expect(await ada.hears { $0["id"] == "x" }?["from"] == "romeo@elsewhere.example")
    }

    @Test("the access rule says who may send to it", arguments: [0, 1])
    @LoopActor func access(on worker: Int) async throws {
        let rule = "[acl]\nfriends = [{ user = 'ada' }]\n[access]\ngateway = [{ acl = 'friends', value = 'allow' }]"
        let play = try await Play(.init(access: "gateway", checksFrom: true, isHidden: false), modules: rule)
        let ada = try await play.stage.client("ada", on: worker)
        let eve = try await play.stage.client("eve", on: worker)
        for client in [ada, eve] {
            try client.say("<message to='\(Self.domain)' id='\(client.jid.local)'><body>x</body></message>")
        }
        #expect(await eve.hears { $0["id"] == "eve" }?.errorCondition == "not-allowed")
        _ = try #require(await play.hears { $0["id"] == "ada" })
        #expect(!play.stream.heard.contains { $0["id"] == "eve" })
    }

    @Test("discovery names the components below a host, hidden ones to users only where the host says so")
    @LoopActor func discovery() async throws {
        func items(_ client: StageClient) async throws -> [String?] {
            try client.say("<iq to='\(Stage.domain)' type='get' id='items'><query xmlns='\(DiscoXML.items)'/></iq>")
            let answer = try #require(await client.hears { $0["id"] == "items" })
            return answer.firstChild.map { $0.children.map { $0["jid"] } } ?? []
        }
        for (option, isHidden, names) in [
            ("", false, [Self.domain]), ("", true, [Self.domain]), ("users_can_see_hidden_services = false", false, [Self.domain]),
            ("users_can_see_hidden_services = false", true, []),
        ] {
            let play = try await Play(.init(access: "all", checksFrom: true, isHidden: isHidden), modules: option)
            _ = try Play.registered("elsewhere.example", StageClient(), play.stage, Self.open)
            let ada = try await play.stage.client("ada", on: 1)
            #expect(try await items(ada) == names, "\(option) \(isHidden)")
        }
    }

    @Test("a second component for a domain is refused, or takes the place of the first", arguments: [0, 1])
    @LoopActor func conflicts(on worker: Int) async throws {
        let play = try await Play()
        #expect(throws: StageFailure.self) {
            try Play.registered(Self.domain, StageClient(), play.stage, Self.open, on: worker)
        }
        #expect(throws: StageFailure.self, "a host's own domain is taken") {
            try Play.registered(Stage.domain, StageClient(), play.stage, Self.open, on: worker, replaces: true)
        }
        let second = StageClient()
        let component = try Play.registered(Self.domain, second, play.stage, Self.open, on: worker, replaces: true)
        await StageTime.until { play.stream.isClosed }
        #expect(play.stream.error?.condition == .conflict && play.component.hasEnded && !component.hasEnded)
        let ada = try await play.stage.client("ada")
        try ada.say("<message to='\(Self.domain)' id='m'><body>x</body></message>")
        await StageTime.until { second.heard.contains { $0["id"] == "m" } }
    }

    @Test("a component that is gone is an error at once")
    @LoopActor func end() async throws {
        let play = try await Play()
        let ada = try await play.stage.client("ada", on: 1)
        play.component.end()
        try ada.say("<message to='\(Self.domain)' id='m'><body>x</body></message>")
        #expect(await ada.hears { $0["id"] == "m" }?.errorCondition == "remote-server-not-found")
    }

    @Test("one name below each host")
    @LoopActor func subdomains() async throws {
        let play = try await Play()
        let stream = StageClient()
        let component = try Play.registered("gate", stream, play.stage, Self.open, isSubdomain: true)
        #expect(component.domains == ["gate.\(Stage.domain)"])
        let ada = try await play.stage.client("ada", on: 1)
        try ada.say("<message to='gate.\(Stage.domain)' id='m'><body>x</body></message>")
        await StageTime.until { stream.heard.contains { $0["id"] == "m" } }
    }

    @Test("one that does not read is closed, and what it was not sent goes back")
    @LoopActor func slowReader() async throws {
        let play = try await Play()
        let ada = try await play.stage.client("ada", on: 1)
        play.stream.isReading = false
        play.stream.isDeaf = true
        let body = String(repeating: "x", count: 100_000)
        for number in 0..<100 { try ada.say("<message to='\(Self.domain)' id='\(number)'><body>\(body)</body></message>") }
        await StageTime.until { play.stream.isClosed }
        #expect(play.stream.error?.condition == .resourceConstraint)
        #expect(await ada.hears { $0["id"] == "99" }?.errorCondition == "remote-server-not-found")
    }

    @Test("administrators list and close them", arguments: [0, 1])
    @LoopActor func operations(on worker: Int) async throws {
        let play = try await Play()
        let server = play.stage.workers[worker]
        guard case .success(let list) = await server.perform("component.list", .object([])) else {
            Issue.record("no list")
            return
        }
        #expect(list["rows"]?.array?.map { $0["domain"]?.string } == [Self.domain])
        #expect(
            await server.perform("component.kick", ["domain": .string(Self.domain)]) == .success(["domain": .string(Self.domain)]))
        await StageTime.until { play.stream.isClosed }
        guard case .failure("not-found", _) = await server.perform("component.kick", ["domain": "x.example"]) else {
            Issue.record("no failure")
            return
        }
    }
}
