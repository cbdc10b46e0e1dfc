internal import CJWT
public import Configuration
internal import SASL

/// The key that tokens are checked with (`auth.jwt`), read from wherever it is.
public struct TokenKey: Sendable {
    /// What is wrong with it, at an option relative to `auth`.
    public struct Problem: Error {
        public let option: String
        public let text: String
    }

    let bytes: [UInt8]
    let algorithm: JWTOptions.Algorithm

    /// Reads and judges the key. What it costs is the loading of a library.
    public init(_ options: JWTOptions) throws(Problem) {
        guard cjwt_is_available() == 1 else {
            throw Problem(option: "jwt", text: "it needs the library libjwt, which is not installed (Debian: libjwt0)")
        }
        algorithm = options.algorithm
        switch options.key {
        case .file(let file): bytes = file.contents
        case .value(let secret): bytes = Array(secret.reveal().utf8)
        case .environment(let variable): bytes = variable.contents
        }
        if bytes.isEmpty { throw Problem(option: options.key.option, text: "the key is empty") }
        if let expected = algorithm.publicKey, PublicKey(pem: bytes) != expected {
            throw Problem(
                option: options.key.option,
                text: "\(algorithm.rawValue) needs \(expected.words) in PEM (BEGIN PUBLIC KEY)")
        }
    }

    /// The user name in a token that is signed with this key and valid at this time, in seconds since 1970.
    func user(of token: String, claim: String, at now: Double) -> String? {
        let opened = bytes.withUnsafeBytes { cjwt_open(token, $0.baseAddress, $0.count, algorithm.rawValue) }
        guard let opened else { return nil }
        defer { cjwt_close(opened) }
        guard Self.holds("exp", of: opened, { now < $0 }), Self.holds("nbf", of: opened, { now >= $0 }),
            Self.holds("iat", of: opened, { now >= $0 })
        else { return nil }
        return cjwt_text(opened, claim).map { String(cString: $0) }
    }

    /// Whether a time fulfils its condition, or is not in the token.
    private static func holds(_ claim: String, of token: OpaquePointer, _ condition: (Double) -> Bool) -> Bool {
        var seconds = 0.0
        switch cjwt_time(token, claim, &seconds) {
        case 0: return true
        case 1: return condition(seconds)
        default: return false
        }
    }
}

extension JWTOptions.Algorithm {
    /// The public key that it takes; nil: a secret.
    fileprivate var publicKey: PublicKey? {
        switch self {
        case .hs256, .hs384, .hs512: nil
        case .rs256, .rs384, .rs512: .rsa
        case .es256: .elliptic(bits: 256)
        case .es384: .elliptic(bits: 384)
        case .es512: .elliptic(bits: 521)
        }
    }
}
