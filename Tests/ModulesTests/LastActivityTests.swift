import Kernel
import Network
import SharedState
import Storage
import Testing
import XML
import XMPP

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct LastActivityTests {
    init() { StageLoop.start() }

    private let modules = "[modules.mod_last]"
    private let query = "<query xmlns='jabber:iq:last'/>"

    @Test @LoopActor func usersWhoLeftAreRemembered() async throws {
        let stage = try await Stage(modules, [Presence.self, LastActivity.self])
        let alice = try await stage.client("alice")
        let phone = try await stage.client("bob", "phone")
        let laptop = try await stage.client("bob", "laptop", on: 1)
        #expect(try await alice.ask("get", to: "bob@example.org", query).errorCondition == "service-unavailable")
        #expect(try await alice.ask("get", to: "\(phone.jid)", query).errorCondition == "service-unavailable")
        #expect(!phone.heard.contains { $0.isNamed("iq") })
        try await stage.roster(of: "bob", "alice", .both)

        for client in [phone, laptop] {
            try client.say("<presence/>")
            _ = await client.hears { $0.isNamed("presence") && $0["from"] == "\(client.jid)" }
        }
        #expect(try await alice.ask("get", to: "bob@example.org", query).firstChild?["seconds"] == "0")
        try phone.say("<presence type='unavailable'><status>not yet</status></presence>")
        try await phone.settle()
        phone.session.end()
        try laptop.say("<presence type='unavailable'><status>Heading Home</status></presence>")
        try await laptop.settle()
        laptop.session.end()

        let key = UserKey(user: "bob", domain: Stage.domain)
        var kept: LastActivityRepository.Activity?
        while kept == nil { kept = try await stage.store.lastActivity.get(key) }
        #expect(kept?.status == "Heading Home")
        try await stage.store.lastActivity.set(key, .init(seconds: (kept?.seconds ?? 0) - 903, status: "Heading Home"))
        let answer = try await alice.ask("get", to: "bob@example.org", query)
        #expect(Int(answer.firstChild?["seconds"] ?? "") ?? 0 >= 903)
        #expect(answer.firstChild?.text == "Heading Home")
    }

    @Test @LoopActor func lostConnectionsAreRemembered() async throws {
        let stage = try await Stage(modules, [LastActivity.self, Presence.self])
        let bob = try await stage.client("bob", on: 1)
        try bob.say("<presence><status>here</status></presence>")
        _ = await bob.hears { $0.isNamed("presence") }
        bob.session.end()
        var kept: LastActivityRepository.Activity?
        while kept == nil { kept = try await stage.store.lastActivity.get(UserKey(user: "bob", domain: Stage.domain)) }
        #expect(kept?.status == "")
    }

    @Test @LoopActor func removedAccountsAreForgotten() async throws {
        let stage = try await Stage(modules, [LastActivity.self, Presence.self])
        let bob = try await stage.client("bob", on: 1)
        try bob.say("<presence/>")
        _ = await bob.hears { $0.isNamed("presence") }
        #expect(try await stage.host().removeAccount(bob.jid.bare))
        _ = await bob.hears { $0.isNamed("error") }
        // A write that this would have caused is done before one that comes turns later.
        let alice = try await stage.client("alice", on: 1)
        for _ in 0..<10 { try await alice.settle() }
        try await stage.store.lastActivity.set(UserKey(user: "other", domain: Stage.domain), .init(seconds: 1, status: ""))
        #expect(try await stage.store.lastActivity.get(UserKey(user: "bob", domain: Stage.domain)) == nil)
    }

    @Test @LoopActor func serverSaysHowLongItRuns() async throws {
        let stage = try await Stage(modules, [LastActivity.self])
        let alice = try await stage.client("alice")
        let answer = try await alice.ask("get", to: "example.org", query)
        #expect(Int(answer.firstChild?["seconds"] ?? "") != nil)
        #expect(answer.firstChild?.text == "")
        #expect(try await alice.ask("get", to: "alice@example.org", query).firstChild?["seconds"] == "0")
        #expect(try await alice.ask("set", to: "example.org", query).errorCondition == "not-allowed")
    }
}
