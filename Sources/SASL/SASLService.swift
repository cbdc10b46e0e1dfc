/// How names and passwords are compared, given by a room that knows addresses (RFC 7622, RFC 8265).
///
/// The functions are pure: the same question has the same answer.
public struct SASLNaming: Sendable {
    /// The account name that a client's user name stands for; nil when no account can have it.
    public var user: @Sendable (_ given: String) -> String?
    /// The password as it is compared; nil when no account can have it.
    public var password: @Sendable (_ given: String) -> Password?
    /// The account of this host that an address names; nil for every other address.
    public var owner: @Sendable (_ address: String) -> String?

    public init(
        user: @escaping @Sendable (_ given: String) -> String?,
        password: @escaping @Sendable (_ given: String) -> Password?,
        owner: @escaping @Sendable (_ address: String) -> String?
    ) {
        self.user = user
        self.password = password
        self.owner = owner
    }
}

/// What all exchanges of one host have in common.
public struct SASLService: Sendable {
    public var naming: SASLNaming
    /// Makes the salts of unknown accounts. Should outlive a restart and be the same on all workers, or the salts
    /// change and tell who is unknown.
    public var secret: [UInt8]
    /// The iteration count that unknown accounts show: that of new accounts.
    public var iterations: Int
    /// How a client certificate becomes a user, in the order of preference.
    public var certificateRules: [CertificateRule]

    public init(naming: SASLNaming, secret: [UInt8], iterations: Int, certificateRules: [CertificateRule] = [.standard]) {
        self.naming = naming
        self.secret = secret
        self.iterations = iterations
        self.certificateRules = certificateRules
    }
}
