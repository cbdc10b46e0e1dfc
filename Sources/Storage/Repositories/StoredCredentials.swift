/// What the server keeps to check a password. It has no readable description.
public struct StoredCredentials: Sendable, Equatable {
    public enum Secret: Sendable, Equatable {
        /// The password itself (`auth.password.format = "plain"`).
        case plain(String)
        /// Keys per hash from which the password cannot be had (RFC 5802 §3).
        case scram([CredentialHash: ScramKeys])
    }

    public let secret: Secret
    /// When the account was created, in seconds since 1970.
    public let createdAt: Int64

    public init(secret: Secret, createdAt: Int64) {
        self.secret = secret
        self.createdAt = createdAt
    }
}

/// The hash functions that credentials are kept for.
public enum CredentialHash: String, Sendable, CaseIterable {
    case sha1 = "sha-1"
    case sha224 = "sha-224"
    case sha256 = "sha-256"
    case sha384 = "sha-384"
    case sha512 = "sha-512"
}

/// The keys of one hash function (RFC 5802 §3).
public struct ScramKeys: Sendable, Equatable {
    public let salt: [UInt8]
    public let iterations: Int
    public let storedKey: [UInt8]
    public let serverKey: [UInt8]

    public init(salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }
}

extension StoredCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "StoredCredentials(…)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension StoredCredentials.Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Secret(…)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension ScramKeys: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "ScramKeys(…)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
