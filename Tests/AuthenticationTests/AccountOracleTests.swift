import Configuration
import Glibc
import Network
import SASL
import Storage
import Synchronization
import Testing
import XMPP

@testable import Authentication

/// Holds threads back until it is opened.
private final class Gate: Sendable {
    private let isOpen = Atomic(false)

    func wait() { while !isOpen.load(ordering: .acquiring) { usleep(500) } }
    func open() { isOpen.store(true, ordering: .releasing) }
}

/// Waits for a condition, ten seconds at most.
@LoopActor
private func until(_ condition: () -> Bool) async -> Bool {
    let limit = Loop.now + 10_000
    while !condition(), Loop.now < limit { await Loop.pause(1) }
    return condition()
}

/// What a stranger learns of accounts by trying to log in: nothing, whatever is kept of passwords.
@Suite("Logins do not tell who has an account", .timeLimit(.minutes(5)))
struct AccountOracleTests {
    init() { precondition(Loop.runOnThread()) }

    private static func credentials(
        _ stage: TestAccounts, _ worker: Int, _ user: String, _ hash: ScramHash
    ) async -> ScramCredentials? {
        let answer = await stage.workers[worker].credentials(user, hash, allowed: nil).answer
        guard case .found(let credentials) = answer else { return nil }
        return credentials
    }

    @Test(
        "A password that is kept as it is shows the same salt each time, that of an unknown account", arguments: ScramHash.allCases)
    @LoopActor
    func salts(_ hash: ScramHash) async throws {
        let stage = try await TestAccounts("[auth]\npassword.format = \"plain\"\npassword.scram_iterations = 4\n[auth.internal]")
        let secret = try await stage.store.serverValues.secret(Accounts.saltSecretName, orElse: [1])
        let expected = ScramCredentials.standInSalt(user: "juliet", secret: secret, hash: hash)
        for worker in 0..<2 { #expect(await Self.credentials(stage, worker, "juliet", hash) == nil) }
        try await stage.accounts.create("juliet", Password(prepared: "secret"))
        var seen: [ScramCredentials] = []
        for worker in [0, 0, 1] { seen.append(try #require(await Self.credentials(stage, worker, "juliet", hash))) }
        #expect(seen.allSatisfy { $0.salt == expected && $0.iterations == 4 && $0 == seen[0] })
        #expect(seen[0].verify(Password(prepared: "secret")))
    }

    @Test("A login costs the same derivations with and without an account", arguments: ["plain", "scram"])
    @LoopActor
    func work(_ format: String) async throws {
        let stage = try await TestAccounts(
            "[auth]\npassword.format = \"\(format)\"\npassword.scram_iterations = 4\n[auth.internal]")
        let accounts = stage.accounts
        try await accounts.create("juliet", Password(prepared: "secret"))
        var costs: [String: [Int]] = [:]
        for user in ["juliet", "nobody"] {
            for _ in 0..<2 {
                var before = stage.derivations()
                _ = await accounts.credentials(user, .sha256, allowed: nil)
                costs[user, default: []].append(stage.derivations() - before)
                before = stage.derivations()
                #expect(await accounts.verify(user, Password(prepared: "wrong"), allowed: nil).verdict == .rejected)
                costs[user, default: []].append(stage.derivations() - before)
            }
        }
        #expect(costs["juliet"] == costs["nobody"])
        #expect(costs["juliet"] == (format == "plain" ? [1, 1, 1, 1] : [0, 1, 0, 1]))
        #expect(await accounts.verify("juliet", Password(prepared: "secret"), allowed: nil).verdict == .accepted)
    }

    @Test("Where single passwords are kept as they are among keys, the others cost the same from then on") @LoopActor
    func mixture() async throws {
        let stage = try await TestAccounts("[auth]\npassword.scram_iterations = 4\n[auth.internal]")
        let accounts = stage.accounts
        try await accounts.create("romeo", Password(prepared: "secret"))
        let plain = StoredCredentials(secret: .plain("secret"), createdAt: 0)
        _ = try await stage.store.accounts.create(UserKey(user: "juliet", domain: TestAccounts.domain), plain, maxAccounts: nil)
        for user in ["juliet", "romeo", "nobody", "juliet"] {
            let before = stage.derivations()
            _ = await accounts.credentials(user, .sha256, allowed: nil)
            #expect(stage.derivations() - before == 1, "\(user)")
        }
    }

    @Test("Derivations of one address wait behind one another, not in front of other addresses, and in a bounded queue") @LoopActor
    func turns() async throws {
        let derivations = KeyDerivations()
        let gate = Gate()
        var order: [String] = []
        var refused = 0
        func begin(_ origin: String) {
            Loop.spawn {
                await KeyDerivations.$origin.withValue(origin) {
                    do {
                        try await derivations.run { gate.wait() }
                        order.append(origin)
                    } catch { refused += 1 }
                }
            }
        }
        let held = KeyDerivations.parallel + KeyDerivations.waitingPerOrigin
        for _ in 0..<held + 5 { begin("attacker") }
        #expect(await until { refused == 5 })
        begin("client")
        await Loop.pause(0)
        gate.open()
        #expect(await until { order.count == held + 1 })
        // Behind those two that were under way and at most one of the queue.
        let place = try #require(order.firstIndex(of: "client"))
        #expect(place <= KeyDerivations.parallel * 2)
        #expect(refused == 5)
    }
}
