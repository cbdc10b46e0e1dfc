/// A pool of connections to another service, `[outgoing_pools.TYPE.TAG]`.
public struct OutgoingPoolConfiguration: Sendable, Equatable {
    /// The kinds of services that this version asks.
    public enum Kind: String, Sendable, CaseIterable { case http, ldap, rdbms }

    public enum Scope: Sendable, Equatable {
        /// One pool for all hosts.
        case global
        /// One pool for each host.
        case eachHost
        /// A pool for one host; others have none of this name.
        case host(String)
    }

    public enum Connection: Sendable, Equatable {
        case http(WebConnectionConfiguration)
        case ldap(DirectoryConnectionConfiguration)
        case rdbms(DatabaseConnectionConfiguration)
    }

    public let kind: Kind
    /// The name its users know it by.
    public let tag: String
    public let scope: Scope
    /// How many connections there are at once, in all worker processes together.
    public let workers: Int
    /// How long an answer may take, the wait for a free connection included.
    public let callTimeout: Duration
    public let connection: Connection

    /// Its place in the file.
    public var path: String { TOMLPath.appending(tag, to: "outgoing_pools.\(kind.rawValue)") }

    /// Whether it is for this host.
    public func serves(_ host: String) -> Bool {
        guard case .host(let own) = scope else { return true }
        return own == host
    }

    init?(_ kind: Kind, tag: String, _ table: SettingTable) {
        guard let connection = table.table("connection") else { return nil }
        self.kind = kind
        self.tag = tag
        scope =
            switch table.string("scope") {
            case "host", "host_type": .eachHost
            case "single_host": table.string("host").map { .host($0) } ?? .global
            default: .global
            }
        workers = table.integer("workers") ?? 10
        // Older files have it for databases in `connection`, too; what is given there is meant for this one.
        let inner = connection.integer("call_timeout")
        let outer = table.isGiven("call_timeout") ? table.integer("call_timeout") : nil
        callTimeout = .milliseconds(outer ?? inner ?? table.integer("call_timeout") ?? 5000)
        switch kind {
        case .http:
            guard let web = WebConnectionConfiguration(connection) else { return nil }
            self.connection = .http(web)
        case .ldap: self.connection = .ldap(DirectoryConnectionConfiguration(connection))
        case .rdbms: self.connection = .rdbms(DatabaseConnectionConfiguration(connection))
        }
    }

    /// All pools of a file that this version can use, by kind and tag.
    static func all(in tree: SettingTable) -> [OutgoingPoolConfiguration] {
        Kind.allCases.flatMap { kind -> [OutgoingPoolConfiguration] in
            guard let pools = tree.table("outgoing_pools.\(kind.rawValue)") else { return [] }
            return pools.entries.keys.sorted().compactMap { tag in
                pools.table(tag).flatMap { OutgoingPoolConfiguration(kind, tag: tag, $0) }
            }
        }
    }
}

/// `connection` of a pool of HTTP connections.
public struct WebConnectionConfiguration: Sendable, Equatable {
    /// `http://host:port` or `https://…`, without a path.
    public let base: String
    /// What every path begins with: `/`, or `/api/` and the like, with a slash at both ends.
    public let pathPrefix: String
    public let requestTimeout: Duration
    /// For `https`; nil: as if the table were empty.
    public let tls: OutgoingTLSConfiguration?

    public var isEncrypted: Bool { base.hasPrefix("https://") }
    /// Name and port without the scheme.
    public var authority: String { String(base.dropFirst(isEncrypted ? 8 : 7)) }

    init?(_ table: SettingTable) {
        guard let host = table.string("host"), let base = Self.base(host) else { return nil }
        self.base = base
        pathPrefix = Self.prefix(table.string("path_prefix") ?? "/")
        requestTimeout = .milliseconds(table.integer("request_timeout") ?? 2000)
        tls = table.table("tls").map(OutgoingTLSConfiguration.init)
    }

    private static func prefix(_ text: String) -> String {
        let inner = text.split(separator: "/").joined(separator: "/")
        return inner.isEmpty ? "/" : "/\(inner)/"
    }

    /// Scheme, name and port of a URL that has nothing else; nil for any other text.
    static func base(_ text: String) -> String? {
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            let authority = rest.hasSuffix("/") ? rest.dropLast() : rest
            return isAuthority(authority) ? scheme + authority : nil
        }
        return nil
    }

    private static func isAuthority(_ text: Substring) -> Bool {
        var name = text
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            guard let port = Int(text[text.index(after: colon)...]), (1...65535).contains(port) else { return false }
            name = text[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") { return IPAddress(String(name.dropFirst().dropLast()))?.isIPv6 == true }
        return !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

/// `connection` of a pool of LDAP connections.
public struct DirectoryConnectionConfiguration: Sendable, Equatable {
    /// Tried in this order.
    public let servers: [String]
    public let port: Int
    /// Empty: the connection is anonymous.
    public let rootDN: String
    public let password: Secret
    /// The pause before a server that failed is tried again.
    public let connectInterval: Duration
    /// Nil: no encryption.
    public let tls: OutgoingTLSConfiguration?

    init(_ table: SettingTable) {
        servers = table.strings("servers") ?? ["localhost"]
        rootDN = table.string("root_dn") ?? ""
        password = table.secret("password") ?? Secret(table.string("password") ?? "")
        connectInterval = .milliseconds(table.integer("connect_interval") ?? 10000)
        // Files of release 5 say `encrypt`, and have the table only for details; later ones have the table alone.
        let isEncrypted = table.isGiven("encrypt") ? table.string("encrypt") == "tls" : table.table("tls") != nil
        tls = isEncrypted ? table.table("tls").map(OutgoingTLSConfiguration.init) ?? .standard : nil
        port = table.integer("port") ?? (isEncrypted ? 636 : 389)
    }
}

/// `connection` of a pool of database connections; the driver is `pgsql`.
public struct DatabaseConnectionConfiguration: Sendable, Equatable {
    public let host: String
    public let port: Int
    public let database: String
    public let username: String
    public let password: Secret
    /// Nil: idle connections are left alone.
    public let keepaliveInterval: Duration?
    public let queryTimeout: Duration
    /// The longest pause between tries to connect.
    public let maxStartInterval: Duration
    /// Nil: no encryption.
    public let tls: OutgoingTLSConfiguration?

    init(_ table: SettingTable) {
        host = table.string("host") ?? ""
        port = table.integer("port") ?? 5432
        database = table.string("database") ?? ""
        username = table.string("username") ?? ""
        password = table.secret("password") ?? Secret("")
        keepaliveInterval = table.integer("keepalive_interval").map { .seconds($0) }
        queryTimeout = .milliseconds(table.integer("query_timeout") ?? 5000)
        maxStartInterval = .seconds(table.integer("max_start_interval") ?? 30)
        tls = table.table("tls").map(OutgoingTLSConfiguration.init)
    }
}

/// TLS to another service.
public struct OutgoingTLSConfiguration: Sendable, Equatable {
    /// For databases: refuse a server that has no TLS. Others are never asked without.
    public let isRequired: Bool
    /// Whether the service must show a certificate that one of the authorities has signed.
    public let verifiesPeer: Bool
    /// The authorities; nil: those of the system.
    public let cacertfile: ConfiguredFile?
    /// What is shown to the service, if anything.
    public let certfile: ConfiguredFile?
    /// Nil: the key is in `certfile`.
    public let keyfile: ConfiguredFile?
    public let password: Secret?
    /// An OpenSSL cipher list; nil: the library's default.
    public let ciphers: String?
    /// Nil: TLS 1.2 and 1.3.
    public let versions: [String]?
    /// Whether the service's name is asked for (RFC 6066 §3) and must be in its certificate.
    public let namesServer: Bool
    /// That name; nil: the host's.
    public let serverName: String?

    /// What an empty table means.
    public static let standard = OutgoingTLSConfiguration(SettingTable(position: Position(line: 1, column: 1)))

    init(_ table: SettingTable) {
        isRequired = table.boolean("required") ?? false
        verifiesPeer = table.string("verify_mode") != "none"
        cacertfile = table.file("cacertfile")
        certfile = table.file("certfile")
        keyfile = table.file("keyfile")
        password = table.secret("password")
        ciphers = table.string("ciphers")
        versions = table.strings("versions")
        namesServer = table.boolean("server_name_indication.enabled") ?? table.boolean("server_name_indication") ?? true
        serverName = table.string("server_name_indication.host")
    }
}
