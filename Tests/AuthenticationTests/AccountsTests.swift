import Configuration
import Network
import SASL
import Testing
import XMPP

@testable import Authentication

/// A method that answers what a test says and writes down what it was asked.
@LoopActor
private final class Script: AuthenticationBackend {
    nonisolated let method: AuthenticationMethod
    let abilities: AuthenticationCapabilities
    /// The right password of everybody; nil: it cannot answer.
    var password: String?
    var users: Set<String> = []
    private(set) var asked: [String] = []

    init(_ method: AuthenticationMethod, _ abilities: AuthenticationCapabilities, password: String?, users: Set<String> = []) {
        self.method = method
        self.abilities = abilities
        self.password = password
        self.users = users
    }

    func exists(_ user: String) async throws(StanzaError) -> Bool {
        if password == nil { throw .accountsUnavailable }
        return users.contains(user)
    }

    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        asked.append("verify \(user)")
        guard let right = self.password else { return .temporarilyUnavailable }
        return users.contains(user) && password == Password(prepared: right) ? .accepted : .rejected
    }

    func credentials(_ user: String, _ hash: ScramHash) async -> SASLExchange.CredentialsAnswer {
        asked.append("credentials \(user)")
        return password == nil ? .temporarilyUnavailable : .notFound
    }

    func admits(_ user: String) async -> SASLExchange.PasswordVerdict {
        asked.append("admit \(user)")
        return users.contains(user) ? .accepted : .rejected
    }

    func create(_ user: String, _ password: Password) async throws(StanzaError) {
        asked.append("create \(user)")
        if !abilities.contains(.registration) { throw StanzaError(.notAllowed) }
        users.insert(user)
    }
}

@Suite("The methods of authentication, asked together", .timeLimit(.minutes(5)))
struct AccountsTests {
    init() { precondition(Loop.runOnThread()) }

    private static let wrong = Password(prepared: "wrong")
    private static let right = Password(prepared: "right")

    @Test("in their order, only those that can and may; who accepts wins over who cannot answer") @LoopActor
    func order() async throws {
        let stage = try await TestAccounts()
        let accounts = stage.accounts
        let first = Script(.ldap, [.password, .accounts], password: nil)
        let second = Script(.http, [.password, .scram(.sha256)], password: "right", users: ["a"])
        let third = Script(.pki, [.certificate], password: "", users: ["c"])
        accounts.methods = [first, second, third]

        #expect(await accounts.verify("a", Self.right, allowed: nil) == (.accepted, .http))
        #expect(first.asked == ["verify a"] && second.asked == ["verify a"] && third.asked == [])
        #expect(await accounts.verify("a", Self.wrong, allowed: nil) == (.temporarilyUnavailable, nil))
        #expect(await accounts.verify("a", Self.wrong, allowed: [.http]) == (.rejected, nil))
        #expect(await accounts.verify("a", Self.right, allowed: [.pki, .ldap]) == (.temporarilyUnavailable, nil))
        #expect(await accounts.verify("a", Self.right, allowed: []) == (.rejected, nil))
        #expect(second.asked.count == 3)

        let keys = await accounts.credentials("a", .sha256, allowed: nil)
        #expect(keys.answer == .notFound && !first.asked.contains("credentials a"))
        #expect(await accounts.credentials("a", .sha1, allowed: nil).answer == .notFound)
        #expect(second.asked.filter { $0 == "credentials a" }.count == 1)

        #expect(await accounts.admit("c", allowed: nil) == (.accepted, .pki))
        #expect(await accounts.admit("a", allowed: nil) == (.rejected, nil))
        #expect(await accounts.admit("c", allowed: [.http]) == (.rejected, nil))
        #expect(await accounts.admitAnonymous(allowed: nil) == .rejected)
        #expect(await accounts.exists("nobody"))
    }

    @Test("what can be offered is what the allowed methods can do together") @LoopActor
    func abilities() async throws {
        let stage = try await TestAccounts()
        let accounts = stage.accounts
        accounts.methods = [
            Script(.ldap, [.password], password: ""), Script(.http, [.password, .scram(.sha1)], password: ""),
            Script(.pki, [.certificate], password: ""),
        ]
        func served(_ allowed: [AuthenticationMethod]?) -> [String] {
            Mechanism.all.filter(accounts.abilities(allowed: allowed).serve).map(\.name)
        }
        #expect(served(nil) == ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "EXTERNAL"])
        #expect(served([.ldap]) == ["PLAIN"])
        #expect(served([.pki]) == ["EXTERNAL"])
        #expect(served([.jwt]) == [])
    }

    @Test("internal offers the hashes that it keeps, with passwords as they are all of them") @LoopActor
    func hashes() async throws {
        for (password, count) in [("hash = [\"sha256\"]", 2), ("format = \"plain\"\nhash = [\"sha256\"]", 10), ("", 10)] {
            let stage = try await TestAccounts("[auth.internal]\n[auth.password]\nscram_iterations = 4096\n" + password)
            let accounts = stage.accounts
            let served = Mechanism.all.filter(accounts.abilities().serve)
            #expect(served.count == count + 1 && served.contains(.plain) && !served.contains(.external))
            try await accounts.create("bill", Self.right)
            guard case .found(let keys) = await accounts.credentials("bill", .sha256, allowed: nil).answer else {
                Issue.record("no keys with \(password)")
                continue
            }
            #expect(keys.verify(Self.right) && !keys.verify(Self.wrong))
            #expect(await accounts.verify("bill", Self.right, allowed: nil).verdict == .accepted)
            #expect(await accounts.verify("bill", Self.wrong, allowed: nil).verdict == .rejected)
        }
    }

    @Test("accounts are made by the first that makes any, unless another has the name") @LoopActor
    func creation() async throws {
        let stage = try await TestAccounts()
        let accounts = stage.accounts
        let directory = Script(.ldap, [.password, .accounts], password: "", users: ["taken"])
        let maker = Script(.http, [.password, .registration], password: "")
        let everybody = Script(.jwt, [.password], password: "", users: ["new"])
        accounts.methods = [directory, everybody, maker]
        try await accounts.create("new", Self.right)
        #expect(maker.users == ["new"] && directory.asked == [])
        await #expect(throws: StanzaError(.conflict)) { try await accounts.create("taken", Self.right) }
        accounts.methods = [directory]
        await #expect(throws: StanzaError(.notAllowed)) { try await accounts.create("other", Self.right) }
        await #expect(throws: StanzaError(.notAllowed)) { try await accounts.setPassword("taken", Self.right) }
        await #expect(throws: StanzaError(.notAllowed)) { _ = try await accounts.remove("taken") }
    }

    @Test("no more accounts than auth.max_users_per_domain") @LoopActor
    func bound() async throws {
        let stage = try await TestAccounts("[auth]\nmax_users_per_domain = 1\n[auth.internal]")
        try await stage.accounts.create("one", Self.right)
        do throws(StanzaError) {
            try await stage.workers[1].create("two", Self.right)
            Issue.record("one more was created")
        } catch { #expect(error.condition == .resourceConstraint) }
    }
}
