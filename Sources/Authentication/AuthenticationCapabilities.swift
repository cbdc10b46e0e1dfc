public import SASL

/// What an authentication method can do; what it cannot do it is not asked.
public struct AuthenticationCapabilities: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Checks a password that it is shown (`verify`): PLAIN.
    public static let password = AuthenticationCapabilities(rawValue: 1 << 0)
    /// Makes up users (`admitAnonymous`): ANONYMOUS.
    public static let anonymous = AuthenticationCapabilities(rawValue: 1 << 1)
    /// Says whether the user of a certificate may log in (`admits`): EXTERNAL.
    public static let certificate = AuthenticationCapabilities(rawValue: 1 << 2)
    /// Knows which users there are: `exists` is more than a courtesy.
    public static let accounts = AuthenticationCapabilities(rawValue: 1 << 3)
    /// Makes accounts (`create`).
    public static let registration = AuthenticationCapabilities(rawValue: 1 << 4)

    /// Has the keys of one hash (`credentials`): SCRAM.
    public static func scram(_ hash: ScramHash) -> AuthenticationCapabilities {
        let place =
            switch hash {
            case .sha1: 8
            case .sha224: 9
            case .sha256: 10
            case .sha384: 11
            case .sha512: 12
            }
        return AuthenticationCapabilities(rawValue: 1 << place)
    }

    /// Whether a client can log in so. Channel binding is the connection's affair.
    public func serve(_ mechanism: Mechanism) -> Bool {
        switch mechanism {
        case .plain: contains(.password)
        case .scram(let hash, _): contains(.scram(hash))
        case .anonymous: contains(.anonymous)
        case .external: contains(.certificate)
        }
    }
}
