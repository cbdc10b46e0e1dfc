internal import Configuration
internal import Network
internal import SASL

/// Checks passwords against what is kept of them, and makes what is kept, for one authentication method.
///
/// Neither what a client is shown nor how long it takes tells whether there is an account, or how its password is kept:
/// an unknown account costs the same derivation as a known one and shows the same salt that it has when it is made. What
/// remains are keys that were made elsewhere or with another iteration count, until `isOutdated` has them made anew.
@LoopActor
final class PasswordVerifier {
    private let options: AuthenticationConfiguration
    private let resources: AuthenticationResources
    /// A shown password is checked with the keys of the first of these hashes that are kept.
    private let order: [ScramHash]
    /// Whether keys are made anew for each SCRAM login, since passwords are kept as they are. Keys that are kept are then
    /// shown after the same work. In a store of keys the first password that is met turns this on.
    private var derivesAlways: Bool

    init(_ context: AuthenticationContext, order: [ScramHash]) {
        options = context.options
        resources = context.resources
        self.order = order
        derivesAlways = context.options.passwordFormat == .plain
    }

    /// What a method can do that keeps passwords so. Of a password that is kept as it is the keys of every hash can be made.
    var capabilities: AuthenticationCapabilities {
        let hashes = options.passwordFormat == .plain ? ScramHash.allCases : options.keptHashes
        return hashes.reduce(into: [.password, .accounts, .registration]) { $0.insert(.scram($1)) }
    }

    /// The keys of one hash: those that are kept, or new ones of a password that is kept as it is.
    func credentials(_ user: String, _ stored: StoredPassword?, _ hash: ScramHash) async -> SASLExchange.CredentialsAnswer {
        var password: String?
        // An empty password is none: it would let everybody in.
        if case .plain(let text)? = stored, !text.isEmpty { password = text }
        if password != nil { derivesAlways = true }
        var kept: ScramCredentials?
        if case .keys(let keys)? = stored { kept = keys[hash] }
        if derivesAlways {
            guard let secret = await resources.saltSecret(),
                let salt = ScramCredentials.standInSalt(user: user, secret: secret, hash: hash)
            else { return .temporarilyUnavailable }
            let iterations = options.scramIterations
            let text = Password(prepared: password ?? user)
            let derived = try? await resources.derivations.run {
                ScramCredentials.derive(password: text, salt: salt, iterations: iterations, hash: hash)
            }
            guard let derived = derived ?? nil else { return .temporarilyUnavailable }
            if password != nil { kept = derived }
        }
        return kept.map { .found($0) } ?? .notFound
    }

    /// Whether a password is right; nil stands for an unknown account.
    func verify(_ password: Password, _ stored: StoredPassword?) async -> SASLExchange.PasswordVerdict {
        var plain: Password?
        var kept: ScramCredentials?
        switch stored {
        // An empty password is none: it would let everybody in.
        case .plain(let text)? where !text.isEmpty: plain = Password(prepared: text)
        case .plain?: break
        case .keys(let keys)?: kept = order.lazy.compactMap { keys[$0] }.first
        case nil: break
        }
        let hashes = options.keptHashes
        let hash = order.first { hashes.contains($0) } ?? .sha256
        let (iterations, credentials) = (options.scramIterations, kept)
        let isKey = try? await resources.derivations.run {
            let isKey = ScramCredentials.verify(password, against: credentials, orHash: hash, iterations: iterations)
            if let credentials, credentials.iterations < iterations {
                // What an unknown account takes longer.
                let rest = iterations - credentials.iterations
                _ = ScramCredentials.verify(password, against: nil, orHash: credentials.hash, iterations: rest)
            }
            return isKey
        }
        guard let isKey else { return .temporarilyUnavailable }
        let isPlain = plain.map { password.isSame(as: $0) } ?? false
        return isKey || isPlain ? .accepted : .rejected
    }

    /// Whether what is kept of a password is not what `make` would: keys of another iteration count or with a salt of
    /// another length, by which a client could tell that there is an account, or none of a hash that is offered.
    func isOutdated(_ keys: [ScramHash: ScramCredentials]) -> Bool {
        guard options.passwordFormat == .scram else { return false }
        return options.keptHashes.contains { keys[$0] == nil }
            || keys.values.contains {
                $0.iterations != options.scramIterations || $0.salt.count != ScramCredentials.standInSaltLength
            }
    }

    /// What is to be kept of a user's new password, by `auth.password`; nil where the library or the storage of the salts'
    /// secret fails, or too much waits.
    ///
    /// The salts are those that the user shows without an account: the same before, during and after its life, with
    /// whatever password. The keys of each hash are a derivation of their own, so that they use all helper threads.
    func make(_ user: String, _ password: Password) async -> StoredPassword? {
        if options.passwordFormat == .plain { return .plain(String(decoding: password.bytes, as: UTF8.self)) }
        guard let secret = await resources.saltSecret() else { return nil }
        let (iterations, derivations) = (options.scramIterations, resources.derivations)
        var keys: [ScramHash: ScramCredentials] = [:]
        await withTaskGroup(of: ScramCredentials?.self) { group in
            for hash in options.keptHashes {
                group.addTask(executorPreference: LoopActor.taskExecutor) {
                    guard let salt = ScramCredentials.standInSalt(user: user, secret: secret, hash: hash) else { return nil }
                    let derived = try? await derivations.run {
                        ScramCredentials.derive(password: password, salt: salt, iterations: iterations, hash: hash)
                    }
                    return derived ?? nil
                }
            }
            for await made in group {
                if let made { keys[made.hash] = made }
            }
        }
        // With keys of some hashes only, the account could not log in with the others.
        return keys.count == Set(options.keptHashes).count ? .keys(keys) : nil
    }
}

extension [ScramHash] {
    /// As MongooseIM does: some of its releases kept wrong keys for all but the first of these.
    static var weakestFirst: [ScramHash] { ScramHash.allCases.sorted() }
    /// The cheapest that is not the weakest first: keys that this server has made are all of the same password.
    static var cheapestFirst: [ScramHash] { [.sha256, .sha512, .sha384, .sha224, .sha1] }
}
