/// What `[s2s]` says of links to other servers, for one host or for all.
public struct FederationConfiguration: Sendable, Equatable {
    public enum Encryption: String, Sendable {
        case none = "false"
        case optional, required
        case requiredTrusted = "required_trusted"
    }

    /// Where a domain's server is, without asking for it.
    public struct Address: Sendable, Equatable {
        public let host: String
        /// A literal address.
        public let address: String
        /// Nil: `outgoing.port`.
        public let port: Int?
        /// Whether TLS is spoken there from the first byte.
        public let isDirectTLS: Bool

        init?(_ table: SettingTable) {
            guard let host = table.string("host"), let address = table.string("ip_address") else { return nil }
            self.host = host
            self.address = address
            port = table.integer("port")
            isDirectTLS = table.boolean("tls") ?? false
        }
    }

    public let allowsByDefault: Bool
    /// By remote domain.
    public let policies: [String: Bool]
    public let encryption: Encryption
    public let certfile: ConfiguredFile?
    /// The TLS of outgoing links, where it has a table of its own.
    public let outgoingTLS: TLSListenerConfiguration?
    public let domainCertfiles: [DomainCertificate]
    /// The secret of server dialback; nil: one that all workers have made up together.
    public let shared: Secret?
    public let addresses: [Address]
    /// An OpenSSL cipher list for outgoing links.
    public let ciphers: String
    public let maxRetryDelay: Duration
    public let port: Int
    /// In the order in which they are tried.
    public let ipVersions: [IPVersion]
    /// Nil: as long as the system takes.
    public let connectionTimeout: Duration?
    public let lookupTimeout: Duration
    public let lookupTries: Int
    /// In bytes; nil: as large as `[xmppd]` allows.
    public let maxStanzaSize: Int?
    /// The name of the shaper of what other servers send on our links, or of the access rule that names it; `none` without one.
    public let shaper: String
    /// How long the other server may be silent in each step; nil: for ever.
    public let stateTimeout: Duration?
    /// How long an idle link is kept; nil: for ever.
    public let streamTimeout: Duration?

    init(_ table: SettingTable) {
        allowsByDefault = table.string("default_policy") != "deny"
        policies = Dictionary(
            table.tables("host_policy").compactMap { policy in
                policy.string("host").map { ($0, policy.string("policy") != "deny") }
            }
        ) { first, _ in first }
        encryption = table.string("use_starttls").flatMap(Encryption.init(rawValue:)) ?? .none
        certfile = table.file("certfile")
        outgoingTLS = table.table("outgoing.tls").map { TLSListenerConfiguration($0, module: .justTLS) }
        domainCertfiles = table.tables("domain_certfile").compactMap(DomainCertificate.init)
        shared = table.secret("shared")
        addresses = (table.tables("address") + table.tables("outgoing.address")).compactMap(Address.init)
        ciphers = table.string("ciphers") ?? "TLSv1.2:TLSv1.3"
        func given(_ key: String, _ older: String) -> Int? {
            table[key]?.position == nil && table[older]?.position != nil ? table.integer(older) : table.integer(key)
        }
        maxRetryDelay = .seconds(given("outgoing.max_retry_delay", "max_retry_delay") ?? 300)
        port = table.integer("outgoing.port") ?? 5269
        ipVersions = table.integers("outgoing.ip_versions")?.compactMap(IPVersion.init(rawValue:)) ?? [.four, .six]
        connectionTimeout = table.integer("outgoing.connection_timeout").map { .milliseconds($0) }
        lookupTimeout = .seconds(given("outgoing.dns.timeout", "dns.timeout") ?? 10)
        lookupTries = given("outgoing.dns.retries", "dns.retries") ?? 2
        maxStanzaSize = table.integer("outgoing.max_stanza_size")
        shaper = table.string("outgoing.shaper") ?? "none"
        stateTimeout = table.integer("outgoing.state_timeout").map { .milliseconds($0) }
        streamTimeout = table.integer("outgoing.stream_timeout").map { .milliseconds($0) }
    }

    /// Whether anything may be exchanged with a remote domain.
    public func allows(_ domain: String) -> Bool { policies[domain] ?? allowsByDefault }
}

/// One element of `[[listen.s2s]]`. What all streams have is found in it as if it were its own.
@dynamicMemberLookup
public struct ServerListenerConfiguration: Sendable, Equatable {
    public let stream: StreamListenerConfiguration
    /// The name of the access rule that yields a shaper's name for a remote domain; `none` without one.
    public let shaper: String
    /// Nil: the certificates of `[s2s]`, or none.
    public let tls: TLSListenerConfiguration?

    init(_ table: SettingTable, index: Int, general: GeneralConfiguration) {
        stream = StreamListenerConfiguration(table, "listen.s2s[\(index)]", index: index, general, stateTimeout: "state_timeout")
        shaper = table.string("shaper") ?? "none"
        tls = table.table("tls").map { TLSListenerConfiguration($0) }
    }

    public subscript<Value>(dynamicMember key: KeyPath<StreamListenerConfiguration, Value>) -> Value { stream[keyPath: key] }
}
