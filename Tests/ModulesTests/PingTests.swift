import Kernel
import Network
import Testing
import XML
import XMPP

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct PingTests {
    init() { StageLoop.start() }

    private let ping = "<ping xmlns='urn:xmpp:ping'/>"

    @Test @LoopActor func pingsAreAnswered() async throws {
        let stage = try await Stage("[modules.mod_ping]", [Ping.self])
        let alice = try await stage.client("alice")
        _ = try await stage.client("bob")
        for target in [nil, "alice@example.org", "example.org"] {
            let answer = try await alice.ask("get", to: target, ping)
            #expect(answer["type"] == "result")
            #expect(answer["from"] == target ?? "alice@example.org")
        }
        for target in ["bob@example.org", "nobody@example.org"] {
            #expect(try await alice.ask("get", to: target, ping).errorCondition == "service-unavailable")
        }
    }

    @Test @LoopActor func silentClientsArePinged() async throws {
        let stage = try await Stage("[modules.mod_ping]", [Ping.self])
        let (answering, silent) = (try await stage.client("alice"), try await stage.client("bob"))
        let rounds = PingRounds(intervalMilliseconds: 1000, timeoutMilliseconds: 800, isDeadly: true)
        var declarations = Declarations()
        rounds.start(&declarations, on: stage.host())
        let request = try #require(await answering.hears { $0.has("ping", "urn:xmpp:ping") })
        #expect(request["from"] == "example.org")
        #expect(request["to"] == "\(answering.jid)")
        try answering.say("<iq type='result' id='\(request["id"] ?? "")' to='example.org'/>")
        #expect(await silent.hears { $0.isNamed("error") } != nil)
        #expect(silent.error?.condition == .connectionTimeout)
        #expect(silent.session.hasEnded)
        #expect(answering.error == nil)
    }

    @Test @LoopActor func whoDoesNotAnswerMayStay() async throws {
        let stage = try await Stage("[modules.mod_ping]", [Ping.self])
        let silent = try await stage.client("bob")
        let rounds = PingRounds(intervalMilliseconds: 200, timeoutMilliseconds: 50, isDeadly: false)
        var declarations = Declarations()
        rounds.start(&declarations, on: stage.host())
        let first = await silent.hears { $0.has("ping", "urn:xmpp:ping") }
        #expect(await silent.hears { $0.has("ping", "urn:xmpp:ping") && $0["id"] != first?["id"] } != nil)
        #expect(silent.error == nil)
    }
}
