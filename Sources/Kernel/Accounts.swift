public import Configuration
public import Network
public import SASL
internal import Storage
public import XMPP

/// The accounts of one host, through the methods that its configuration names, asked in their order.
@LoopActor
public final class Accounts {
    public let domain: String
    private let store: Repositories
    var options: AuthenticationConfiguration {
        didSet { methods = Self.methods(domain, store, options) }
    }
    private var methods: [any AuthenticationBackend]

    init(domain: String, store: Repositories, options: AuthenticationConfiguration) {
        self.domain = domain
        self.store = store
        self.options = options
        methods = Self.methods(domain, store, options)
    }

    private static func methods(
        _ domain: String, _ store: Repositories, _ options: AuthenticationConfiguration
    ) -> [any AuthenticationBackend] {
        options.methods.compactMap { method -> (any AuthenticationBackend)? in
            switch method {
            case .internal: InternalAuthentication(domain: domain, accounts: store.accounts, options: options)
            case .rdbms, .external, .anonymous, .ldap, .jwt, .http, .pki, .dummy: nil
            }
        }
    }

    /// The methods that a listener may use; `nil` allows all.
    private func methods(_ allowed: [AuthenticationMethod]?) -> [any AuthenticationBackend] {
        guard let allowed else { return methods }
        return methods.filter { allowed.contains($0.method) }
    }

    /// Whether any method of this list is there, so that its mechanisms are worth offering.
    public func canAuthenticate(allowed: [AuthenticationMethod]?) -> Bool { !methods(allowed).isEmpty }

    /// Whether there is such an account. Storage that fails counts as yes: a message is then an error, never lost silently.
    public func exists(_ user: String) async -> Bool {
        for method in methods {
            do throws(StanzaError) {
                if try await method.exists(user) { return true }
            } catch { return true }
        }
        return false
    }

    public func credentials(_ user: String, _ hash: ScramHash, allowed: [AuthenticationMethod]?) async
        -> SASLExchange.CredentialsAnswer
    {
        var answer = SASLExchange.CredentialsAnswer.notFound
        for method in methods(allowed) {
            switch await method.credentials(user, hash) {
            case .found(let credentials): return .found(credentials)
            case .temporarilyUnavailable: answer = .temporarilyUnavailable
            case .notFound: continue
            }
        }
        return answer
    }

    public func verify(_ user: String, _ password: Password, allowed: [AuthenticationMethod]?) async -> SASLExchange.PasswordVerdict {
        var verdict = SASLExchange.PasswordVerdict.rejected
        for method in methods(allowed) {
            switch await method.verify(user, password) {
            case .accepted: return .accepted
            case .temporarilyUnavailable: verdict = .temporarilyUnavailable
            case .rejected: continue
            }
        }
        return verdict
    }

    /// Creates an account with the first method that takes it. Name and password must have been prepared.
    public func create(_ user: String, _ password: Password) async throws(StanzaError) {
        guard let method = methods.first else { throw StanzaError(.notAllowed) }
        try await method.create(user, password)
    }

    public func setPassword(_ user: String, _ password: Password) async throws(StanzaError) {
        for method in methods {
            if try await method.setPassword(user, password) { return }
        }
        throw StanzaError(.itemNotFound)
    }

    func remove(_ user: String) async throws(StanzaError) -> Bool {
        var existed = false
        for method in methods where try await method.remove(user) { existed = true }
        return existed
    }

    public func list(after: String?, limit: Int) async throws(StanzaError) -> [String] {
        try await methods.first?.list(after: after, limit: limit) ?? []
    }

    public func count() async throws(StanzaError) -> Int { try await methods.first?.count() ?? 0 }
}
