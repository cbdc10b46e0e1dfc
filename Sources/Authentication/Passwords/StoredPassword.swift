internal import Configuration
internal import Network
internal import SASL

/// What the server's own database, or somebody else's or a service keeps of a user's password.
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
    func credentials(_ user: String, _ hash: ScramHash, _ verifier: PasswordVerifier) async -> SASLExchange.CredentialsAnswer {
        switch self {
        case .found(let stored): await verifier.credentials(user, stored, hash)
        case .notFound: await verifier.credentials(user, nil, hash)
        case .unavailable: .temporarilyUnavailable
        }
    }

    @LoopActor
    func verify(_ password: Password, _ verifier: PasswordVerifier) async -> SASLExchange.PasswordVerdict {
        switch self {
        case .found(let stored): await verifier.verify(password, stored)
        case .notFound: await verifier.verify(password, nil)
        case .unavailable: .temporarilyUnavailable
        }
    }
}
