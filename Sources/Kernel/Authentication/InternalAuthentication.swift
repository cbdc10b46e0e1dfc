internal import Configuration
internal import Glibc
internal import Network
internal import SASL
public import Storage
public import XMPP

/// `auth.internal`: accounts in the server's own database, as SCRAM keys unless the operator wants passwords kept.
@LoopActor
final class InternalAuthentication: AuthenticationBackend {
    let method = AuthenticationMethod.internal
    let abilities: AuthenticationCapabilities
    private let domain: String
    private let accounts: AccountRepository
    private let options: AuthenticationConfiguration

    init(_ context: AuthenticationContext) {
        domain = context.domain
        accounts = context.store.accounts
        options = context.options
        // Of a password that is kept as it is the keys of every hash can be made.
        let hashes = options.passwordFormat == .plain ? ScramHash.allCases : options.keptHashes
        abilities = hashes.reduce(into: [.password, .accounts, .registration]) { $0.insert(.scram($1)) }
    }

    private func key(_ user: String) -> UserKey { UserKey(user: user, domain: domain) }

    func exists(_ user: String) async throws(StanzaError) -> Bool {
        do { return try await accounts.exists(key(user)) } catch { throw StanzaError(storage: error) }
    }

    func credentials(_ user: String, _ hash: ScramHash) async -> SASLExchange.CredentialsAnswer {
        let stored: StoredCredentials?
        do { stored = try await accounts.credentials(key(user)) } catch { return .temporarilyUnavailable }
        switch stored?.secret {
        case nil: return .notFound
        case .scram(let keys): return Self.answer(keys, hash)
        case .plain(let text):
            let iterations = options.scramIterations
            let derived = try? await Loop.offload {
                ScramCredentials.derive(
                    password: Password(prepared: text), salt: randomBytes(ScramCredentials.standInSaltLength),
                    iterations: iterations, hash: hash)
            }
            return (derived ?? nil).map { .found($0) } ?? .temporarilyUnavailable
        }
    }

    private static func answer(_ keys: [CredentialHash: ScramKeys], _ hash: ScramHash) -> SASLExchange.CredentialsAnswer {
        guard let kept = keys[CredentialHash(hash)],
            let credentials = ScramCredentials(
                hash: hash, salt: kept.salt, iterations: kept.iterations, storedKey: kept.storedKey,
                serverKey: kept.serverKey)
        else { return .notFound }
        return .found(credentials)
    }

    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        let stored: StoredCredentials?
        do { stored = try await accounts.credentials(key(user)) } catch { return .temporarilyUnavailable }
        if case .plain(let text) = stored?.secret {
            return ScramHash.isEqual(password.bytes, Array(text.utf8)) ? .accepted : .rejected
        }
        var kept: ScramCredentials?
        if case .scram(let keys) = stored?.secret {
            // The cheapest of the kept hashes that is not the weakest is as good as any: the password is the same.
            for hash in [ScramHash.sha256, .sha512, .sha384, .sha224, .sha1] {
                if case .found(let credentials) = Self.answer(keys, hash) {
                    kept = credentials
                    break
                }
            }
        }
        let (iterations, credentials) = (options.scramIterations, kept)
        let isRight = try? await Loop.offload {
            ScramCredentials.verify(password, against: credentials, orHash: .sha256, iterations: iterations)
        }
        return isRight.map { $0 ? .accepted : .rejected } ?? .temporarilyUnavailable
    }

    func create(_ user: String, _ password: Password) async throws(StanzaError) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let credentials = StoredCredentials(secret: try await secret(password), createdAt: Int64(time.tv_sec))
        let outcome: AccountRepository.Creation
        do {
            outcome = try await accounts.create(key(user), credentials, maxAccounts: options.maxUsersPerDomain)
        } catch { throw StanzaError(storage: error) }
        switch outcome {
        case .created: return
        case .exists: throw StanzaError(.conflict)
        case .domainFull: throw StanzaError(.resourceConstraint, text: "This domain has all the users it may have")
        }
    }

    func setPassword(_ user: String, _ password: Password) async throws(StanzaError) -> Bool {
        let secret = try await secret(password)
        do { return try await accounts.setCredentials(key(user), secret) } catch { throw StanzaError(storage: error) }
    }

    func remove(_ user: String) async throws(StanzaError) -> Bool {
        do { return try await accounts.remove(key(user)) } catch { throw StanzaError(storage: error) }
    }

    func list(after: String?, limit: Int) async throws(StanzaError) -> [String] {
        do { return try await accounts.list(domain, after: after, limit: limit) } catch { throw StanzaError(storage: error) }
    }

    func count() async throws(StanzaError) -> Int {
        do { return try await accounts.count(domain) } catch { throw StanzaError(storage: error) }
    }

    /// What is kept of a password: keys of each hash in `auth.password.hash`, or the password itself.
    private func secret(_ password: Password) async throws(StanzaError) -> StoredCredentials.Secret {
        if options.passwordFormat == .plain { return .plain(String(decoding: password.bytes, as: UTF8.self)) }
        let iterations = options.scramIterations
        let hashes = options.keptHashes
        let keys = try? await Loop.offload {
            var keys: [CredentialHash: ScramKeys] = [:]
            for hash in hashes {
                let salt = randomBytes(ScramCredentials.standInSaltLength)
                guard
                    let made = ScramCredentials.derive(
                        password: password, salt: salt, iterations: iterations, hash: hash)
                else { continue }
                keys[CredentialHash(hash)] = ScramKeys(
                    salt: salt, iterations: iterations, storedKey: made.storedKey, serverKey: made.serverKey)
            }
            return keys
        }
        guard let keys, !keys.isEmpty else { throw StanzaError(.internalServerError) }
        return .scram(keys)
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

extension StanzaError {
    /// What a client is told when storage fails; the reason is in the log, where the driver wrote it.
    public init(storage error: StorageError) {
        switch error {
        case .full: self.init(.resourceConstraint, .wait)
        case .busy, .unavailable: self.init(.internalServerError, .wait)
        case .corrupt, .constraint, .newerSchema, .outdatedSchema: self.init(.internalServerError)
        }
    }
}

