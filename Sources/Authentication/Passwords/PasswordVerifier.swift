internal import Configuration
internal import Network
internal import SASL

/// Checks passwords against what is kept of them, and makes what is kept, for one authentication method.
///
/// Neither what a client is shown nor how long it takes tells whether there is an account, or how its password is kept:
/// an unknown account costs the same derivation as a known one, and shows a salt in the same way.
@LoopActor
final class PasswordVerifier {
    private let options: AuthenticationConfiguration
    private let resources: AuthenticationResources
    /// The hash whose keys a shown password is checked with: the first of those that are kept.
    private let preference: [ScramHash]
    /// Whether keys are made anew for each SCRAM login, since passwords are kept as they are. Keys that are kept are then
    /// shown after the same work. In a store of keys the first password that is met turns this on.
    private var derivesAlways: Bool

    init(_ context: AuthenticationContext, preference: [ScramHash]) {
        options = context.options
        resources = context.resources
        self.preference = preference
        derivesAlways = context.options.passwordFormat == .plain
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
        case .keys(let keys)?: kept = preference.lazy.compactMap { keys[$0] }.first
        case nil: break
        }
        let hashes = options.keptHashes
        let hash = preference.first { hashes.contains($0) } ?? .sha256
        let (iterations, credentials) = (options.scramIterations, kept)
        let isKey = try? await resources.derivations.run {
            ScramCredentials.verify(password, against: credentials, orHash: hash, iterations: iterations)
        }
        guard let isKey else { return .temporarilyUnavailable }
        let isPlain = plain.map { password.isSame(as: $0) } ?? false
        return isKey || isPlain ? .accepted : .rejected
    }

    /// What is to be kept of a new password, by `auth.password`; nil where the library fails or too much waits.
    ///
    /// The keys of each hash are a derivation of their own, so that they use all helper threads.
    func make(_ password: Password) async -> StoredPassword? {
        if options.passwordFormat == .plain { return .plain(String(decoding: password.bytes, as: UTF8.self)) }
        let (iterations, derivations) = (options.scramIterations, resources.derivations)
        var keys: [ScramHash: ScramCredentials] = [:]
        await withTaskGroup(of: ScramCredentials?.self) { group in
            for hash in options.keptHashes {
                group.addTask(executorPreference: LoopActor.taskExecutor) {
                    let derived = try? await derivations.run {
                        ScramCredentials.derive(
                            password: password, salt: randomBytes(ScramCredentials.standInSaltLength),
                            iterations: iterations, hash: hash)
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
