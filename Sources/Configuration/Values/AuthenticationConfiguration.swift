/// How users of a host prove who they are.
public struct AuthenticationConfiguration: Sendable, Equatable {
    /// The methods in the order they are asked; those this version cannot serve are in it, too.
    public let methods: [AuthenticationMethod]
    /// The mechanisms that may be offered, in the order in which they are.
    public let mechanisms: [SASLMechanism]
    /// Nil: any number.
    public let maxUsersPerDomain: Int?
    public let passwordFormat: PasswordFormat
    /// The hash functions that keys of new passwords are made with.
    public let passwordHashes: [PasswordHash]
    public let scramIterations: Int
    /// How a client certificate becomes a user, in the order of preference.
    public let certificateRules: [ExternalRule]
    /// The options of each method that has its table.
    public let anonymous: AnonymousOptions?
    public let dummy: DummyOptions?
    public let external: ExternalOptions?
    public let http: HTTPAuthOptions?
    public let jwt: JWTOptions?
    public let ldap: LDAPAuthOptions?
    public let rdbms: RDBMSAuthOptions?

    init(_ table: SettingTable) {
        let given = AuthenticationMethod.allCases.filter { table.table($0.rawValue) != nil }
        methods =
            table.strings("methods")?.compactMap(AuthenticationMethod.init(rawValue:))
            ?? given.sorted { $0.rawValue < $1.rawValue }
        mechanisms =
            table.strings("sasl_mechanisms")?.compactMap(SASLMechanism.init(rawValue:))
            ?? SASLMechanism.allCases.filter(\.isOfferedByDefault)
        maxUsersPerDomain = table.integer("max_users_per_domain")
        passwordFormat = table.string("password.format").flatMap(PasswordFormat.init(rawValue:)) ?? .scram
        passwordHashes = table.strings("password.hash")?.compactMap(PasswordHash.init(rawValue:)) ?? []
        scramIterations = table.integer("password.scram_iterations") ?? 10000
        certificateRules = table.strings("sasl_external")?.compactMap(ExternalRule.init(rawValue:)) ?? [.standard]
        anonymous = table.table("anonymous").map(AnonymousOptions.init)
        dummy = table.table("dummy").map(DummyOptions.init)
        external = table.table("external").map(ExternalOptions.init)
        http = table.table("http").map(HTTPAuthOptions.init)
        jwt = table.table("jwt").map(JWTOptions.init)
        ldap = table.table("ldap").map(LDAPAuthOptions.init)
        rdbms = table.table("rdbms").map(RDBMSAuthOptions.init)
    }
}

/// Whoever is asked about a user.
public enum AuthenticationMethod: String, Sendable, CaseIterable {
    case `internal`, rdbms, external, anonymous, ldap, jwt, http, pki, dummy
}

/// The values of `auth.sasl_external`.
public enum ExternalRule: String, Sendable, CaseIterable {
    case standard
    case commonName = "common_name"
    case authID = "auth_id"
}

public enum PasswordFormat: String, Sendable { case scram, plain }

public enum PasswordHash: String, Sendable, CaseIterable { case sha, sha224, sha256, sha384, sha512 }

/// The mechanisms by the names the file has for them, the strongest first.
public enum SASLMechanism: String, Sendable, CaseIterable {
    case scramSHA512Plus = "scram_sha512_plus"
    case scramSHA512 = "scram_sha512"
    case scramSHA384Plus = "scram_sha384_plus"
    case scramSHA384 = "scram_sha384"
    case scramSHA256Plus = "scram_sha256_plus"
    case scramSHA256 = "scram_sha256"
    case scramSHA224Plus = "scram_sha224_plus"
    case scramSHA224 = "scram_sha224"
    case scramSHA1Plus = "scram_sha1_plus"
    case scramSHA1 = "scram_sha1"
    case plain, anonymous, oauth, external, digest

    /// The name on the wire (RFC 4422 §3.1).
    public var name: String {
        switch self {
        case .scramSHA512Plus: "SCRAM-SHA-512-PLUS"
        case .scramSHA512: "SCRAM-SHA-512"
        case .scramSHA384Plus: "SCRAM-SHA-384-PLUS"
        case .scramSHA384: "SCRAM-SHA-384"
        case .scramSHA256Plus: "SCRAM-SHA-256-PLUS"
        case .scramSHA256: "SCRAM-SHA-256"
        case .scramSHA224Plus: "SCRAM-SHA-224-PLUS"
        case .scramSHA224: "SCRAM-SHA-224"
        case .scramSHA1Plus: "SCRAM-SHA-1-PLUS"
        case .scramSHA1: "SCRAM-SHA-1"
        case .plain: "PLAIN"
        case .anonymous: "ANONYMOUS"
        case .oauth: "X-OAUTH"
        case .external: "EXTERNAL"
        case .digest: "DIGEST-MD5"
        }
    }

    /// EXTERNAL needs client certificates and DIGEST-MD5 passwords as they are; both must be asked for.
    var isOfferedByDefault: Bool { self != .external && self != .digest }
}
