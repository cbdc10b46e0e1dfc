internal import Configuration
internal import Network
internal import SASL

/// What somebody else's database or service keeps of a user's password.
enum StoredPassword: Sendable {
    case plain(String)
    case keys([ScramHash: ScramCredentials])

    /// Reads a text that is SCRAM keys in MongooseIM's form, or else the password itself; nil for keys that cannot be read.
    init?(_ text: String) {
        guard SerializedCredentials.isOne(text) else {
            self = .plain(text)
            return
        }
        guard let keys = SerializedCredentials.decode(text) else { return nil }
        self = .keys(keys)
    }

    /// The keys of one hash: those that are kept, or new ones of a password that is kept as it is.
    @LoopActor
    func credentials(_ hash: ScramHash, _ options: AuthenticationConfiguration) async -> SASLExchange.CredentialsAnswer {
        switch self {
        case .keys(let keys): return keys[hash].map { .found($0) } ?? .notFound
        // Nobody has it: an empty password would let everybody in.
        case .plain(""): return .notFound
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

    /// Checks a password, with the same work where nothing is kept.
    @LoopActor
    static func verify(
        _ password: Password, against stored: StoredPassword?, _ options: AuthenticationConfiguration
    ) async -> SASLExchange.PasswordVerdict {
        var kept: ScramCredentials?
        switch stored {
        case .plain(let text):
            return !text.isEmpty && ScramHash.isEqual(password.bytes, Array(text.utf8)) ? .accepted : .rejected
        // The weakest first, as the original does: some of its releases kept wrong keys for all the others.
        case .keys(let keys): kept = keys.min { $0.key < $1.key }?.value
        case nil: break
        }
        let (iterations, credentials) = (options.scramIterations, kept)
        let isRight = try? await Loop.offload {
            ScramCredentials.verify(password, against: credentials, orHash: .sha1, iterations: iterations)
        }
        return isRight.map { $0 ? .accepted : .rejected } ?? .temporarilyUnavailable
    }

    /// What is to be kept of a new password, by `auth.password`; nil where the library fails.
    @LoopActor
    static func make(_ password: Password, _ options: AuthenticationConfiguration) async -> StoredPassword? {
        if options.passwordFormat == .plain { return .plain(String(decoding: password.bytes, as: UTF8.self)) }
        let (iterations, hashes) = (options.scramIterations, options.keptHashes)
        let keys = try? await Loop.offload {
            hashes.reduce(into: [ScramHash: ScramCredentials]()) { keys, hash in
                keys[hash] = ScramCredentials.derive(
                    password: password, salt: randomBytes(ScramCredentials.standInSaltLength), iterations: iterations,
                    hash: hash)
            }
        }
        guard let keys, !keys.isEmpty else { return nil }
        return .keys(keys)
    }

    /// The keys as text, in MongooseIM's form; nil for a password that is kept as it is.
    var serializedKeys: String? {
        guard case .keys(let keys) = self else { return nil }
        return SerializedCredentials.encode(keys)
    }

    var plainText: String? {
        guard case .plain(let text) = self else { return nil }
        return text
    }
}

/// What somebody else's database or service answers when it is asked for a user's password.
enum PasswordLookup: Sendable {
    case found(StoredPassword), notFound, unavailable

    @LoopActor
    func credentials(_ hash: ScramHash, _ options: AuthenticationConfiguration) async -> SASLExchange.CredentialsAnswer {
        switch self {
        case .found(let stored): await stored.credentials(hash, options)
        case .notFound: .notFound
        case .unavailable: .temporarilyUnavailable
        }
    }

    /// Checks a password, with the same work for users who do not exist.
    @LoopActor
    func verify(_ password: Password, _ options: AuthenticationConfiguration) async -> SASLExchange.PasswordVerdict {
        switch self {
        case .found(let stored): await StoredPassword.verify(password, against: stored, options)
        case .notFound: await StoredPassword.verify(password, against: nil, options)
        case .unavailable: .temporarilyUnavailable
        }
    }
}
