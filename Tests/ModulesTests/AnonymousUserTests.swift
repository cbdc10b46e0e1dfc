import Authentication
import Configuration
import Network
import SASL
import Storage
import Testing
import XMPP

@testable import Kernel

@Suite("Anonymous users (XEP-0175)", .timeLimit(.minutes(5)))
struct AnonymousUserTests {
    init() { StageLoop.start() }

    private static let password = Password(prepared: "x")
    private static let auth = "[auth]\nmethods = [\"internal\", \"anonymous\"]\n[auth.internal]\n[auth.anonymous]\n"

    @Test("a name is free that no account has, and that nobody uses on any worker") @LoopActor
    func names() async throws {
        let stage = try await Stage(auth: Self.auth + "protocol = \"login_anon\"")
        try await stage.account("juliet")
        let accounts = stage.host().accounts
        #expect(await accounts.verify("juliet", Self.password, allowed: nil) == (.rejected, nil))
        #expect(await accounts.verify("guest", Self.password, allowed: nil) == (.accepted, .anonymous))
        #expect(await accounts.verify("guest", Self.password, allowed: [.internal]) == (.rejected, nil))
        #expect(await accounts.admitAnonymous(allowed: nil) == .rejected)
        #expect(await !accounts.exists("guest"))
        let guest = try await stage.bound("guest", on: 1, by: .anonymous)
        #expect(await accounts.exists("guest"))
        #expect(await accounts.verify("guest", Self.password, allowed: nil) == (.rejected, nil))
        await #expect(throws: StanzaError(.conflict)) { _ = try await stage.bound("guest", "other", by: .anonymous) }
        await #expect(throws: StanzaError(.conflict)) { try await accounts.create("guest", Self.password) }
        await #expect(throws: StanzaError(.notAllowed)) { try await accounts.setPassword("guest", Self.password) }
        #expect(stage.workers[0].sessions(of: guest.jid.bare).count == 1)
        guest.session.end()
        #expect(await !accounts.exists("guest"))
        #expect(await accounts.verify("guest", Self.password, allowed: nil) == (.accepted, .anonymous))
    }

    @Test("several sessions where they are allowed; what was stored goes with the last") @LoopActor
    func stored() async throws {
        let stage = try await Stage(auth: Self.auth + "protocol = \"both\"\nallow_multiple_connections = true")
        guard case .named(let name) = await stage.host().accounts.admitAnonymous(allowed: nil) else {
            Issue.record("no name")
            return
        }
        #expect(name.utf8.count == 32)
        let first = try await stage.bound(name, "a", by: .anonymous)
        let second = try await stage.bound(name, "b", on: 1, by: .anonymous)
        #expect(await stage.host().accounts.verify(name, Self.password, allowed: nil) == (.accepted, .anonymous))
        try await stage.roster(of: name, "juliet", .both)
        let key = UserKey(user: name, domain: Stage.domain)
        first.session.end()
        _ = try await stage.store.accounts.create(
            UserKey(user: "other", domain: Stage.domain), .init(secret: .plain("x"), createdAt: 0))
        #expect(try await stage.store.rosters.items(key).count == 1)
        second.session.end()
        try await StageTime.until { try await stage.store.rosters.items(key).isEmpty }
        #expect(try await stage.store.rosters.items(key).isEmpty)
    }
}
