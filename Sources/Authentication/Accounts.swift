public import Configuration
public import Network
public import SASL
public import XMPP

/// The accounts of one host, through the methods that its configuration names, asked in their order.
@LoopActor
public final class Accounts {
    public let domain: String
    private let resources: AuthenticationResources
    private var options: AuthenticationConfiguration
    var methods: [any AuthenticationBackend] = []

    public init(domain: String, options: AuthenticationConfiguration, _ resources: AuthenticationResources) {
        self.domain = domain
        self.resources = resources
        self.options = options
        open()
    }

    /// Puts other options in force. Methods go on as they are where nothing changed for them; those that ask through a
    /// pool hold on to it, so they begin anew where pools are others.
    public func apply(_ options: AuthenticationConfiguration, hasOtherPools: Bool) {
        let asksPools = options.methods.contains { [.rdbms, .ldap, .http].contains($0) }
        guard options != self.options || hasOtherPools && asksPools else { return }
        self.options = options
        close()
        open()
    }

    public func close() {
        for method in methods { method.close() }
        methods = []
    }

    private func open() {
        let context = AuthenticationContext(domain: domain, options: options, resources: resources, accounts: self)
        methods = options.methods.compactMap { Self.make($0, context) }
    }

    /// A method by its name; nil for one that this version does not serve.
    private static func make(
        _ method: AuthenticationMethod, _ context: AuthenticationContext
    ) -> (any AuthenticationBackend)? {
        switch method {
        case .internal: InternalAuthentication(context)
        case .anonymous: context.options.anonymous.map { AnonymousAuthentication(context, $0) }
        case .dummy: context.options.dummy.map { DummyAuthentication($0) }
        case .external: context.options.external.map { ExternalAuthentication(context, $0) }
        case .jwt: context.options.jwt.map { TokenAuthentication(context, $0) }
        case .pki: CertificateAuthentication()
        case .rdbms: context.options.rdbms.map { DatabaseAuthentication(context, $0) }
        case .ldap: context.options.ldap.map { DirectoryAuthentication(context, $0) }
        case .http: context.options.http.map { WebAuthentication(context, $0) }
        }
    }

    /// Where the storage keeps the secret that makes the salts of accounts that have none, and its length in bytes.
    public nonisolated static let saltSecretName = "scram.stand-in"
    public nonisolated static let saltSecretLength = 32

    // MARK: Who may log in

    /// The methods that a listener may use and that can do something; `nil` allows all.
    private func methods(
        _ allowed: [AuthenticationMethod]?, _ ability: AuthenticationCapabilities
    ) -> [any AuthenticationBackend] {
        methods.filter { $0.abilities.contains(ability) && allowed?.contains($0.method) != false }
    }

    /// What the methods that a listener may use can do together.
    public func abilities(allowed: [AuthenticationMethod]? = nil) -> AuthenticationCapabilities {
        methods(allowed, []).reduce(into: []) { $0.formUnion($1.abilities) }
    }

    /// The keys of a user, and which method has them. Work that queues does so by the client's address.
    public func credentials(
        _ user: String, _ hash: ScramHash, allowed: [AuthenticationMethod]?, from address: String = ""
    ) async -> (answer: SASLExchange.CredentialsAnswer, method: AuthenticationMethod?) {
        await KeyDerivations.$origin.withValue(address) { await credentials(user, hash, allowed) }
    }

    private func credentials(_ user: String, _ hash: ScramHash, _ allowed: [AuthenticationMethod]?) async
        -> (answer: SASLExchange.CredentialsAnswer, method: AuthenticationMethod?)
    {
        var answer = SASLExchange.CredentialsAnswer.notFound
        for method in methods(allowed, .scram(hash)) {
            switch await method.credentials(user, hash) {
            case .found(let credentials): return (.found(credentials), method.method)
            case .temporarilyUnavailable: answer = .temporarilyUnavailable
            case .notFound: continue
            }
        }
        return (answer, nil)
    }

    /// Whether a password is right, and which method says so.
    public func verify(
        _ user: String, _ password: Password, allowed: [AuthenticationMethod]?, from address: String = ""
    ) async -> (verdict: SASLExchange.PasswordVerdict, method: AuthenticationMethod?) {
        await KeyDerivations.$origin.withValue(address) { await verify(user, password, allowed) }
    }

    private func verify(_ user: String, _ password: Password, _ allowed: [AuthenticationMethod]?) async
        -> (verdict: SASLExchange.PasswordVerdict, method: AuthenticationMethod?)
    {
        await firstAcceptance(by: methods(allowed, .password)) { await $0.verify(user, password) }
    }

    /// Whether the user of a certificate may log in, and which method says so.
    public func admit(_ user: String, allowed: [AuthenticationMethod]?) async
        -> (verdict: SASLExchange.PasswordVerdict, method: AuthenticationMethod?)
    {
        await firstAcceptance(by: methods(allowed, .certificate)) { await $0.admits(user) }
    }

    /// Asks methods in their order until one accepts. If none does and one of them cannot answer, neither can they together.
    private func firstAcceptance(
        by methods: [any AuthenticationBackend],
        _ ask: @LoopActor (any AuthenticationBackend) async -> SASLExchange.PasswordVerdict
    ) async -> (verdict: SASLExchange.PasswordVerdict, method: AuthenticationMethod?) {
        var verdict = SASLExchange.PasswordVerdict.rejected
        for method in methods {
            switch await ask(method) {
            case .accepted: return (.accepted, method.method)
            case .temporarilyUnavailable: verdict = .temporarilyUnavailable
            case .rejected: continue
            }
        }
        return (verdict, nil)
    }

    /// A user for a client that does not say who it is.
    public func admitAnonymous(allowed: [AuthenticationMethod]?) async -> SASLExchange.AnonymousAnswer {
        guard let method = methods(allowed, .anonymous).first else { return .rejected }
        return await method.admitAnonymous()
    }

    // MARK: Who has an account

    /// Whether there is such a user. A method that fails counts as yes: a message is then an error, never lost silently.
    public func exists(_ user: String) async -> Bool {
        for method in methods {
            do throws(StanzaError) {
                if try await method.exists(user) { return true }
            } catch { return true }
        }
        return false
    }

    /// Whether a method other than this one has such a user, or cannot say that it has not.
    func exists(_ user: String, besides own: AuthenticationMethod) async throws(StanzaError) -> Bool {
        for method in methods where method.method != own {
            if try await method.exists(user) { return true }
        }
        return false
    }

    /// Creates an account with the first method that makes any. Name and password must have been prepared.
    public func create(_ user: String, _ password: Password) async throws(StanzaError) {
        let makers = methods(nil, .registration)
        for method in methods where method.abilities.contains(.accounts) && method.method != makers.first?.method {
            if try await method.exists(user) { throw StanzaError(.conflict) }
        }
        for maker in makers {
            do throws(StanzaError) {
                return try await maker.create(user, password)
            } catch  where error.condition == .notAllowed { continue }
        }
        throw StanzaError(.notAllowed)
    }

    public func setPassword(_ user: String, _ password: Password) async throws(StanzaError) {
        var failure = StanzaError(.itemNotFound)
        for method in methods {
            do throws(StanzaError) {
                if try await method.setPassword(user, password) { return }
            } catch  where error.condition == .notAllowed { failure = error }
        }
        throw failure
    }

    public func remove(_ user: String) async throws(StanzaError) -> Bool {
        var existed = false
        var failure: StanzaError?
        for method in methods {
            do throws(StanzaError) {
                if try await method.remove(user) { existed = true }
            } catch  where error.condition == .notAllowed { failure = error }
        }
        if let failure, !existed { throw failure }
        return existed
    }

    /// The users that methods know, in order.
    public func list(after: String?, limit: Int) async throws(StanzaError) -> [String] {
        let known = methods(nil, .accounts)
        if known.count == 1 { return try await known[0].list(after: after, limit: limit) }
        var names: Set<String> = []
        for method in known { names.formUnion(try await method.list(after: after, limit: limit)) }
        return Array(names.sorted().prefix(limit))
    }

    /// How many users the methods know; one who is known to two counts twice.
    public func count() async throws(StanzaError) -> Int {
        var count = 0
        for method in methods { count += try await method.count() }
        return count
    }
}
