/// A SASL mechanism by its registered name.
public enum Mechanism: Sendable, Hashable {
    /// RFC 4616.
    case plain
    /// RFC 5802, RFC 7677; with `plus` the proof covers the TLS connection.
    case scram(ScramHash, plus: Bool)
    /// RFC 4505.
    case anonymous
    /// RFC 4422 appendix A, by client certificate.
    case external

    /// Every mechanism that has a name here, strongest first.
    public static let all: [Mechanism] =
        ScramHash.allCases.sorted(by: >).flatMap { [.scram($0, plus: true), .scram($0, plus: false)] }
        + [.plain, .external, .anonymous]

    /// The name on the wire (RFC 4422 §3.1): `SCRAM-SHA-256-PLUS`.
    public var name: String {
        switch self {
        case .plain: "PLAIN"
        case .scram(let hash, let plus): "SCRAM-" + hash.mechanismPart + (plus ? "-PLUS" : "")
        case .anonymous: "ANONYMOUS"
        case .external: "EXTERNAL"
        }
    }

    /// The name in MongooseIM's `auth.sasl_mechanisms`: `scram_sha256_plus`.
    public var optionName: String {
        switch self {
        case .plain: "plain"
        case .scram(let hash, let plus): "scram_" + hash.rawValue + (plus ? "_plus" : "")
        case .anonymous: "anonymous"
        case .external: "external"
        }
    }

    /// The mechanism with a name as on the wire, which is upper case only (RFC 4422 §3.1).
    public init?(name: String) {
        guard let found = Self.byName[name] else { return nil }
        self = found
    }

    /// The mechanism with a name as in MongooseIM's options; nil for those this server does not know by SASL name
    /// (`oauth`, `digest`).
    public init?(optionName: String) {
        guard let found = Self.all.first(where: { $0.optionName == optionName }) else { return nil }
        self = found
    }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Whether it needs channel binding data, thus TLS.
    public var bindsChannel: Bool {
        switch self {
        case .scram(_, plus: true): true
        case .scram(_, plus: false), .plain, .anonymous, .external: false
        }
    }

    /// Whether the password itself travels, so that TLS should protect it.
    public var revealsPassword: Bool { self == .plain }

    /// Whether it needs a client certificate that was verified.
    public var needsCertificate: Bool { self == .external }
}
