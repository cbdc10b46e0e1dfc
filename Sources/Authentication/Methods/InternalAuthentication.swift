internal import Configuration
internal import Glibc
internal import Network
internal import SASL
internal import Storage
internal import XMPP

/// `auth.internal`: accounts in the server's own database, as SCRAM keys unless the operator wants passwords kept.
@LoopActor
final class InternalAuthentication: AuthenticationBackend {
    let method = AuthenticationMethod.internal
    let abilities: AuthenticationCapabilities
    private let domain: String
    private let accounts: AccountRepository
    private let options: AuthenticationConfiguration
    private let verifier: PasswordVerifier
    /// The users whose keys are being made anew.
    private var renewing: Set<String> = []

    init(_ context: AuthenticationContext) {
        domain = context.domain
        accounts = context.resources.accounts
        options = context.options
        verifier = PasswordVerifier(context, order: .cheapestFirst)
        abilities = verifier.capabilities
    }

    private func key(_ user: String) -> UserKey { UserKey(user: user, domain: domain) }

    func exists(_ user: String) async throws(StanzaError) -> Bool {
        do { return try await accounts.exists(key(user)) } catch { throw StanzaError(accounts: error) }
    }

    /// What is kept of a user's password, or nothing for an unknown user.
    private func look(_ user: String) async -> PasswordLookup {
        let stored: StoredCredentials?
        do { stored = try await accounts.credentials(key(user)) } catch { return .unavailable }
        switch stored?.secret {
        case nil: return .notFound
        case .plain(let text): return .found(.plain(text))
        case .scram(let keys):
            return .found(
                .keys(
                    ScramHash.allCases.reduce(into: [:]) { known, hash in
                        guard let kept = keys[CredentialHash(hash)] else { return }
                        known[hash] = ScramCredentials(
                            hash: hash, salt: kept.salt, iterations: kept.iterations, storedKey: kept.storedKey,
                            serverKey: kept.serverKey)
                    }))
        }
    }

    func credentials(_ user: String, _ hash: ScramHash) async -> SASLExchange.CredentialsAnswer {
        await look(user).credentials(user, hash, verifier)
    }

    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        let known = await look(user)
        let verdict = await known.verify(password, verifier)
        if verdict == .accepted, case .found(.keys(let keys)) = known, verifier.isOutdated(keys) { renew(keys, of: user, password) }
        return verdict
    }

    /// Makes keys anew of the password that was right, behind the login that showed it. A password that was changed meanwhile
    /// stays; a failure, which the driver has logged, is made up for by the next such login.
    private func renew(_ keys: [ScramHash: ScramCredentials], of user: String, _ password: Password) {
        guard renewing.insert(user).inserted else { return }
        Loop.spawn { [self] in
            if case .keys(let made)? = await verifier.make(user, password) {
                do throws(StorageError) {
                    _ = try await accounts.replaceCredentials(key(user), Self.secret(keys), by: Self.secret(made))
                } catch {}
            }
            renewing.remove(user)
        }
    }

    func create(_ user: String, _ password: Password) async throws(StanzaError) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let credentials = StoredCredentials(secret: try await secret(user, password), createdAt: Int64(time.tv_sec))
        let outcome: AccountRepository.Creation
        do {
            outcome = try await accounts.create(key(user), credentials, maxAccounts: options.maxUsersPerDomain)
        } catch { throw StanzaError(accounts: error) }
        switch outcome {
        case .created: return
        case .exists: throw StanzaError(.conflict)
        case .domainFull: throw StanzaError(.resourceConstraint, text: "This domain has all the users it may have")
        }
    }

    func setPassword(_ user: String, _ password: Password) async throws(StanzaError) -> Bool {
        let secret = try await secret(user, password)
        do { return try await accounts.setCredentials(key(user), secret) } catch { throw StanzaError(accounts: error) }
    }

    func remove(_ user: String) async throws(StanzaError) -> Bool {
        do { return try await accounts.remove(key(user)) } catch { throw StanzaError(accounts: error) }
    }

    func list(after: String?, limit: Int) async throws(StanzaError) -> [String] {
        do { return try await accounts.list(domain, after: after, limit: limit) } catch { throw StanzaError(accounts: error) }
    }

    func count() async throws(StanzaError) -> Int {
        do { return try await accounts.count(domain) } catch { throw StanzaError(accounts: error) }
    }

    /// What is kept of a password: keys of each hash in `auth.password.hash`, or the password itself.
    private func secret(_ user: String, _ password: Password) async throws(StanzaError) -> StoredCredentials.Secret {
        switch await verifier.make(user, password) {
        case nil: throw StanzaError(.internalServerError, .wait)
        case .plain(let text)?: return .plain(text)
        case .keys(let keys)?: return Self.secret(keys)
        }
    }

    private static func secret(_ keys: [ScramHash: ScramCredentials]) -> StoredCredentials.Secret {
        .scram(
            keys.values.reduce(into: [:]) { kept, made in
                kept[CredentialHash(made.hash)] = ScramKeys(
                    salt: made.salt, iterations: made.iterations, storedKey: made.storedKey, serverKey: made.serverKey)
            })
    }
}

extension AuthenticationConfiguration {
    /// The hashes that keys of a new password are made with.
    var keptHashes: [ScramHash] { passwordHashes.isEmpty ? ScramHash.allCases : passwordHashes.map(ScramHash.init) }
}

extension CredentialHash {
    init(_ hash: ScramHash) {
        self =
            switch hash {
            case .sha1: .sha1
            case .sha224: .sha224
            case .sha256: .sha256
            case .sha384: .sha384
            case .sha512: .sha512
            }
    }
}

extension ScramHash {
    init(_ hash: PasswordHash) {
        self =
            switch hash {
            case .sha: .sha1
            case .sha224: .sha224
            case .sha256: .sha256
            case .sha384: .sha384
            case .sha512: .sha512
            }
    }
}
