internal import COpenSSL

/// What kind of public key somebody's signatures are checked with.
public enum PublicKey: Sendable, Equatable {
    case rsa
    case elliptic(bits: Int)

    /// The key of PEM text; nil for what is none, or another.
    public init?(pem: [UInt8]) {
        var bits: Int32 = 0
        switch copenssl_public_key_kind(pem, pem.count, &bits) {
        case EVP_PKEY_RSA: self = .rsa
        case EVP_PKEY_EC: self = .elliptic(bits: Int(bits))
        default: return nil
        }
    }

    public var words: String {
        switch self {
        case .rsa: "an RSA public key"
        case .elliptic(let bits): "a public key of a curve of \(bits) bits"
        }
    }
}
