/// A checked configuration: immutable, complete with all defaults. A worker holds one and replaces it as a whole.
public struct ServerConfiguration: Sendable {
    public let general: GeneralConfiguration
    public let listeners: [ListenerConfiguration]
    /// TLS of listeners that this version does not open; what is wrong with their files is said all the same.
    public let furtherTLS: [PlacedTLS]
    public let shapers: [String: Shaper]
    /// The domains served, as the file orders them.
    public let hosts: [String]
    public let native: NativeConfiguration
    /// Whether stanzas go to other servers: the file has a listener for them or a section `s2s`, and `routing_modules` leaves
    /// `ejabberd_s2s` in.
    public let federates: Bool
    /// Connections to other services, by kind and tag.
    public let outgoingPools: [OutgoingPoolConfiguration]
    private let configurations: [String: HostConfiguration]
    /// What holds for a domain that has nothing of its own.
    private let common: HostConfiguration
    let tree: SettingTable

    init(_ tree: SettingTable) {
        self.tree = tree
        let general = GeneralConfiguration(tree.table("general") ?? SettingTable(position: tree.position))
        self.general = general
        hosts = general.hosts
        listeners =
            tree.tables("listen.c2s").enumerated().map { index, table in
                .client(ClientListenerConfiguration(table, index: index + 1, general: general))
            }
            + tree.tables("listen.s2s").enumerated().map { index, table in
                .server(ServerListenerConfiguration(table, index: index + 1, general: general))
            } + ComponentListenerConfiguration.all(in: tree, general).map { .component($0) }
        federates =
            (tree["s2s"]?.position != nil || !tree.tables("listen.s2s").isEmpty)
            && tree.strings("general.routing_modules")?.contains("ejabberd_s2s") != false
        furtherTLS = PlacedTLS.all(in: tree)
        shapers = (tree.table("shaper")?.entries ?? [:]).compactMapValues(Shaper.init)
        native = NativeConfiguration(tree.table("xmppd") ?? SettingTable(position: tree.position))
        outgoingPools = OutgoingPoolConfiguration.all(in: tree)
        let common = HostConfiguration(server: tree, general: general)
        self.common = common
        var configurations: [String: HostConfiguration] = [:]
        for host in general.hosts {
            let own = tree.tables("host_config").first { $0.string("host") == host || $0.string("host_type") == host }
            configurations[host] = HostConfiguration(
                domain: host, own: own ?? SettingTable(position: tree.position), over: common, server: tree,
                hosted: Set(general.hosts))
        }
        self.configurations = configurations
    }

    /// What holds for one domain: its own settings over those of the whole server.
    public func host(_ domain: String) -> HostConfiguration {
        configurations[domain] ?? common
    }

    /// What an access rule says about a user. Nil, like `.deny`, denies.
    public func access(rule: String, for subject: AccessSubject, on host: String) -> AccessValue? {
        self.host(host).accessControl.value(rule: rule, for: subject, on: host)
    }

    /// The shaper that an access rule names for a user; nil: no limit. Also for a rule or shaper that is not defined.
    public func shaper(rule: String, for subject: AccessSubject, on host: String) -> Shaper? {
        guard rule != "none" else { return nil }
        // The releases after 6.3 name the shaper itself.
        guard self.host(host).accessControl.hasRule(rule) else { return shapers[rule] }
        guard case .name(let name)? = access(rule: rule, for: subject, on: host) else { return nil }
        return shapers[name]
    }

    /// Where an option stands in the file, by its TOML path (`listen.c2s[1].tls.mode`); nil for a default.
    public func position(of path: String) -> Position? { tree.position(of: path) }

    /// Where an option of a host's `auth` stands, with dots into inner tables: in the section of the host's own or in the
    /// common one.
    public func place(ofAuthentication option: String, on host: String) -> (path: String, position: Position?) {
        let hosts = tree.tables("host_config")
        if let index = hosts.firstIndex(where: { $0.string("host") == host }), let auth = hosts[index].table("auth") {
            return ("host_config[\(index + 1)].auth.\(option)", auth[option]?.position ?? auth.position)
        }
        let auth = tree.table("auth")
        return ("auth.\(option)", auth?[option]?.position ?? auth?.position)
    }

    /// Where a pool's table stands in the file.
    public func position(of pool: OutgoingPoolConfiguration) -> Position? {
        tree.table("outgoing_pools.\(pool.kind.rawValue)")?.table(pool.tag)?.position
    }
}

/// A limit on a rate.
public struct Shaper: Sendable, Equatable {
    /// Bytes a second for streams, operations a second for archives.
    public let maxRate: Int

    init?(_ setting: Setting) {
        guard case .table(let table) = setting.value, let rate = table.integer("max_rate") else { return nil }
        maxRate = rate
    }
}

/// What holds for one host.
public struct HostConfiguration: Sendable {
    public let domain: String
    public let replacedWaitTimeout: Duration
    public let authentication: AuthenticationConfiguration
    /// Exactly the modules that are loaded, by name.
    public let modules: [String: ModuleSettings]
    public let accessControl: AccessControl
    public let federation: FederationConfiguration
    /// Whether other servers are asked for what is below the host's domain and not served here.
    public let routesSubdomains: Bool

    /// The settings of the whole server, for no domain in particular.
    init(server: SettingTable, general: GeneralConfiguration) {
        domain = general.defaultServerDomain
        replacedWaitTimeout = general.replacedWaitTimeout
        authentication = AuthenticationConfiguration(
            server.table("auth") ?? SettingTable(position: server.position))
        modules = Self.modules(server.table("modules"), host: general.defaultServerDomain)
        accessControl = AccessControl(
            layers: [(server.table("acl"), server.table("access"))], hosted: Set(general.hosts))
        federation = FederationConfiguration(server.table("s2s") ?? SettingTable(position: server.position))
        routesSubdomains = server.string("general.route_subdomains") == "s2s"
    }

    /// `auth` and `modules` of its own replace those of the server as a whole, classes and rules are added.
    init(
        domain: String, own: SettingTable, over common: HostConfiguration, server: SettingTable, hosted: Set<String>
    ) {
        self.domain = domain
        replacedWaitTimeout =
            own.integer("general.replaced_wait_timeout").map { .milliseconds($0) }
            ?? common.replacedWaitTimeout
        authentication = own.table("auth").map(AuthenticationConfiguration.init) ?? common.authentication
        modules = Self.modules(own.table("modules") ?? server.table("modules"), host: domain)
        federation = own.table("s2s").map(FederationConfiguration.init) ?? common.federation
        routesSubdomains =
            own.string("general.route_subdomains").map { $0 == "s2s" } ?? common.routesSubdomains
        if own.table("acl") == nil && own.table("access") == nil {
            accessControl = common.accessControl
        } else {
            accessControl = AccessControl(
                layers: [
                    (own.table("acl"), own.table("access")), (server.table("acl"), server.table("access")),
                ], hosted: hosted)
        }
    }

    private static func modules(_ tables: SettingTable?, host: String) -> [String: ModuleSettings] {
        var modules: [String: ModuleSettings] = [:]
        for (name, setting) in tables?.entries ?? [:] {
            guard case .table(let table) = setting.value else { continue }
            modules[name] = ModuleSettings(module: name, host: host, table: table)
        }
        return modules
    }
}
