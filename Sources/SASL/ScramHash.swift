import COpenSSL

/// A hash function of the SCRAM family, with the operations RFC 5802 §2.2 builds from it.
public enum ScramHash: String, Sendable, Hashable, CaseIterable, Comparable {
    case sha1, sha224, sha256, sha384, sha512

    /// Bytes of a digest.
    public var length: Int {
        switch self {
        case .sha1: 20
        case .sha224: 28
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The name in SASL mechanisms: `SHA-256` of `SCRAM-SHA-256`.
    public var mechanismPart: String {
        switch self {
        case .sha1: "SHA-1"
        case .sha224: "SHA-224"
        case .sha256: "SHA-256"
        case .sha384: "SHA-384"
        case .sha512: "SHA-512"
        }
    }

    /// By strength: the longer digest is the greater.
    public static func < (left: ScramHash, right: ScramHash) -> Bool { left.length < right.length }

    private var algorithm: OpaquePointer? {
        switch self {
        case .sha1: EVP_sha1()
        case .sha224: EVP_sha224()
        case .sha256: EVP_sha256()
        case .sha384: EVP_sha384()
        case .sha512: EVP_sha512()
        }
    }

    /// `H(bytes)`; nil only when the library refuses the algorithm or has no memory.
    func digest(_ bytes: [UInt8]) -> [UInt8]? {
        var result = [UInt8](repeating: 0, count: length)
        guard EVP_Digest(bytes, bytes.count, &result, nil, algorithm, nil) == 1 else { return nil }
        return result
    }

    /// `HMAC(key, bytes)`; nil only when the library refuses the algorithm or has no memory.
    func authenticate(_ bytes: [UInt8], key: [UInt8]) -> [UInt8]? {
        var result = [UInt8](repeating: 0, count: length)
        guard HMAC(algorithm, key, Int32(key.count), bytes, bytes.count, &result, nil) != nil else { return nil }
        return result
    }

    /// `Hi(password, salt, iterations)`, which is PBKDF2 with one block (RFC 5802 §2.2). Takes milliseconds: never call
    /// it on the loop.
    func stretch(_ password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8]? {
        guard let count = UInt32(exactly: iterations) else { return nil }
        var result = [UInt8](repeating: 0, count: length)
        let done = copenssl_stretch(length, password, password.count, salt, salt.count, count, &result)
        return done == 1 ? result : nil
    }

    /// Whether two secrets are equal, in a time that depends on their lengths only.
    public static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
