/// What an operator says about TLS on one listener: contents of files, not paths, so that a worker needs none.
public struct TLSOptions: Sendable {
    public enum Version: String, Sendable, CaseIterable, Comparable {
        case tlsv1, tlsv1_1 = "tlsv1.1", tlsv1_2 = "tlsv1.2", tlsv1_3 = "tlsv1.3"

        public static func < (a: Version, b: Version) -> Bool { a.order < b.order }
        private var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// What to do about client certificates (`verify_mode`).
    public enum Verification: Sendable { case none, peer, selfSignedPeer }

    /// The certificate chain in PEM, leaf first.
    public var certificateChain: [UInt8]
    /// The private key in PEM; nil: it is in the same file as the chain.
    public var privateKey: [UInt8]?
    /// Opens an encrypted key.
    public var password: String?
    /// An OpenSSL cipher list. Words like `TLSv1.2` and `TLSv1.3` in it restrict the versions; names of TLS 1.3 suites
    /// (`TLS_AES_…`) choose among those. nil: the library's default.
    public var ciphers: String?
    /// The versions that may be negotiated; nil: TLS 1.2 and 1.3.
    public var versions: Set<Version>?
    /// Names of OpenSSL options (`no_tlsv1_3`, `cipher_server_preference`, `no_ticket` …). Unknown ones have no effect.
    public var protocolOptions: [String]
    /// A Diffie-Hellman group in PEM for suites that need one; nil: a built-in group of fitting size.
    public var dhParameters: [UInt8]?
    public var verification: Verification
    /// The CA certificates in PEM that client certificates must chain to.
    public var certificateAuthorities: [UInt8]?
    /// Certificate revocation lists in PEM, one element per file.
    public var revocationLists: [[UInt8]]
    /// Whether a bad client certificate ends the handshake; otherwise it is only noted in `TLSFacts`.
    public var disconnectOnFailure: Bool

    public init(
        certificateChain: [UInt8], privateKey: [UInt8]? = nil, password: String? = nil, ciphers: String? = nil,
        versions: Set<Version>? = nil, protocolOptions: [String] = [], dhParameters: [UInt8]? = nil,
        verification: Verification = .none, certificateAuthorities: [UInt8]? = nil,
        revocationLists: [[UInt8]] = [], disconnectOnFailure: Bool = true
    ) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.password = password
        self.ciphers = ciphers
        self.versions = versions
        self.protocolOptions = protocolOptions
        self.dhParameters = dhParameters
        self.verification = verification
        self.certificateAuthorities = certificateAuthorities
        self.revocationLists = revocationLists
        self.disconnectOnFailure = disconnectOnFailure
    }

    /// Whether OpenSSL (or its predecessor in the original server) knows a `protocol_options` word.
    public static func isKnownProtocolOption(_ name: String) -> Bool {
        versionBans[name] != nil || flags[name] != nil || obsoleteOptions.contains(name)
    }
}

/// A TLS configuration that cannot work, or a handshake that did not.
public struct TLSProblem: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Part: String, Sendable {
        case certificate, privateKey = "private key", ciphers, versions, dhParameters = "DH parameters"
        case certificateAuthorities = "CA certificates", revocationLists = "revocation lists"
        case library, handshake, session
    }
    public let part: Part
    /// OpenSSL's words, or ours where it has none.
    public let reason: String

    public init(_ part: Part, _ reason: String) {
        self.part = part
        self.reason = reason
    }
    public var description: String { "TLS \(part.rawValue): \(reason)" }
}
