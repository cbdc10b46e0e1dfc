import Network
import Testing
import XML

@testable import Modules

/// Roster pushes (RFC 6121 §2.1.6).
@Suite("Roster pushes", .timeLimit(.minutes(5)))
struct RosterPushTests {
    init() { StageLoop.start() }

    @Test("have a version where versioning is offered, and only there (§2.6)", arguments: [true, false]) @LoopActor
    func version(isVersioned: Bool) async throws {
        let stage = try await Stage("[modules.mod_roster]\nversioning = \(isVersioned)", [Presence.self, Roster.self])
        let romeo = try await stage.client("romeo")
        let roster = try await romeo.ask("get", "<query xmlns='jabber:iq:roster'/>")
        #expect((roster.firstChild?["ver"] != nil) == isVersioned)
        _ = try await romeo.ask("set", "<query xmlns='jabber:iq:roster'><item jid='nurse@example.org'/></query>")
        let push = try #require(await romeo.hears { $0.isNamed("iq") && $0["type"] == "set" })
        #expect(push.firstChild?.firstChild?["jid"] == "nurse@example.org")
        #expect((push.firstChild?["ver"] != nil) == isVersioned)
    }
}
