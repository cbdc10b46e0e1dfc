import Configuration
import Network
import SASL
import Storage
import Testing

@testable import Authentication

@Suite("What is kept of passwords", .timeLimit(.minutes(1)))
struct PasswordVerifierTests {
    init() { precondition(Loop.runOnThread()) }

    private static let right = Password(prepared: "right")
    private static let wrong = Password(prepared: "wrong")

    /// What tests derive is cheap.
    private static func auth(_ hashes: [PasswordHash] = PasswordHash.allCases, iterations: Int = 4, _ rest: String = "") -> String {
        let names = hashes.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        return "[auth]\npassword.hash = [\(names)]\npassword.scram_iterations = \(iterations)\n\(rest)[auth.internal]"
    }

    private static func keys(
        _ hash: ScramHash, of password: Password = right, iterations: Int = 4, saltLength: Int = 16
    ) throws -> ScramCredentials {
        try #require(
            ScramCredentials.derive(
                password: password, salt: [UInt8](repeating: 7, count: saltLength), iterations: iterations, hash: hash))
    }

    @LoopActor
    private static func verifier(_ stage: TestAccounts, _ auth: String, _ order: [ScramHash]) throws -> PasswordVerifier {
        let context = AuthenticationContext(
            domain: TestAccounts.domain, options: try TestAccounts.configuration(auth), resources: stage.resources[0],
            accounts: stage.accounts)
        return PasswordVerifier(context, order: order)
    }

    @Test("a password is checked with the first hash of the order that is kept, and with no other") @LoopActor
    func order() async throws {
        let stage = try await TestAccounts()
        for (order, kept, decisive) in [
            (.weakestFirst, ScramHash.allCases, .sha1), (.weakestFirst, [.sha512, .sha384], .sha384),
            (.cheapestFirst, ScramHash.allCases, .sha256), (.cheapestFirst, [.sha1, .sha384, .sha512], .sha512),
            (.cheapestFirst, [.sha1, .sha224], .sha224), (.cheapestFirst, [.sha1], .sha1),
        ] as [([ScramHash], [ScramHash], ScramHash)] {
            let verifier = try Self.verifier(stage, Self.auth(), order)
            let keys = Dictionary(
                uniqueKeysWithValues: try kept.map { ($0, try Self.keys($0, of: $0 == decisive ? Self.right : Self.wrong)) })
            #expect(await verifier.verify(Self.right, .keys(keys)) == .accepted, "\(order) \(kept)")
            #expect(await verifier.verify(Self.wrong, .keys(keys)) == .rejected, "\(order) \(kept)")
        }
    }

    @Test("nothing, an empty password and no keys let nobody in") @LoopActor
    func nothing() async throws {
        let stage = try await TestAccounts()
        let verifier = try Self.verifier(stage, Self.auth(), .weakestFirst)
        for stored in [nil, .plain(""), .keys([:])] as [StoredPassword?] {
            for password in [Self.right, Password(prepared: "")] { #expect(await verifier.verify(password, stored) == .rejected) }
            #expect(await verifier.credentials("a", stored, .sha256) == .notFound)
        }
        #expect(await verifier.verify(Self.right, .plain("right")) == .accepted)
        #expect(await verifier.verify(Self.wrong, .plain("right")) == .rejected)
    }

    @Test("keys are outdated that give an account away, or lack a hash that is offered") @LoopActor
    func outdated() async throws {
        let stage = try await TestAccounts()
        let (one, two) = (Self.auth([.sha256]), Self.auth([.sha256, .sha512]))
        let plain = Self.auth([.sha256], "password.format = \"plain\"\n")
        let good = try Self.keys(.sha256)
        for (auth, keys, isOutdated) in [
            (one, [good], false), (two, [good], true), (two, [good, try Self.keys(.sha512)], false),
            (one, [good, try Self.keys(.sha1)], false), (one, [good, try Self.keys(.sha1, iterations: 5)], true),
            (one, [try Self.keys(.sha256, iterations: 3)], true), (one, [try Self.keys(.sha256, saltLength: 36)], true),
            (plain, [try Self.keys(.sha256, iterations: 3)], false),
        ] {
            let verifier = try Self.verifier(stage, auth, .cheapestFirst)
            let known = Dictionary(uniqueKeysWithValues: keys.map { ($0.hash, $0) })
            #expect(verifier.isOutdated(known) == isOutdated, "\(auth) \(keys)")
            guard !auth.contains("plain"), case .keys(let made)? = await verifier.make("a", Self.right) else { continue }
            #expect(!verifier.isOutdated(made))
        }
    }

    @Test("an account shows the same salts and count before it is made, with any password, and after it is removed") @LoopActor
    func life() async throws {
        let stage = try await TestAccounts(Self.auth())
        let accounts = stage.accounts
        let secret = try await stage.store.serverValues.secret(Accounts.saltSecretName, orElse: [1])
        func shown() async -> [ScramCredentials] {
            var shown: [ScramCredentials] = []
            for hash in ScramHash.allCases {
                guard case .found(let keys) = await accounts.credentials("a", hash, allowed: nil).answer else { continue }
                #expect(keys.salt == ScramCredentials.standInSalt(user: "a", secret: secret, hash: hash) && keys.iterations == 4)
                shown.append(keys)
            }
            return shown
        }
        #expect(await shown().isEmpty)
        try await accounts.create("a", Self.wrong)
        #expect(await shown().count == ScramHash.allCases.count)
        try await accounts.setPassword("a", Self.right)
        let keys = await shown()
        #expect(keys.count == ScramHash.allCases.count && keys.allSatisfy { $0.verify(Self.right) && !$0.verify(Self.wrong) })
        #expect(try await accounts.remove("a"))
        #expect(await shown().isEmpty)
    }
}

extension PasswordVerifierTests {
    /// What is kept of the password of `a` with one hash.
    @LoopActor
    private static func kept(_ stage: TestAccounts) async -> ScramCredentials? {
        guard case .found(let keys) = await stage.accounts.credentials("a", .sha256, allowed: nil).answer else { return nil }
        return keys
    }

    /// An account with keys of another count than the configured four.
    @LoopActor
    private static func oldAccount(_ iterations: Int) async throws -> TestAccounts {
        let stage = try await TestAccounts(auth())
        let made = try keys(.sha256, iterations: iterations)
        let secret = StoredCredentials.Secret.scram([
            .sha256: ScramKeys(
                salt: made.salt, iterations: made.iterations, storedKey: made.storedKey, serverKey: made.serverKey)
        ])
        _ = try await stage.store.accounts.create(
            UserKey(user: "a", domain: TestAccounts.domain), StoredCredentials(secret: secret, createdAt: 0))
        return stage
    }

    @Test("keys of another iteration count are made anew when their owner shows the password, and only then", arguments: [3, 5])
    @LoopActor
    func renewal(_ iterations: Int) async throws {
        let stage = try await Self.oldAccount(iterations)
        #expect(await stage.accounts.verify("a", Self.wrong, allowed: nil).verdict == .rejected)
        let before = stage.derivations()
        #expect(await stage.accounts.verify("a", Self.right, allowed: nil).verdict == .accepted)
        let limit = Loop.now + 10_000
        while await Self.kept(stage)?.iterations == iterations, Loop.now < limit { await Loop.pause(1) }
        let keys = try #require(await Self.kept(stage))
        #expect(keys.iterations == 4 && keys.verify(Self.right))
        // One to verify, then one for each hash; and no more at the next login.
        #expect(stage.derivations() - before == 1 + ScramHash.allCases.count)
        #expect(await stage.accounts.verify("a", Self.right, allowed: nil).verdict == .accepted)
        #expect(stage.derivations() - before == 2 + ScramHash.allCases.count)
    }
}
