extension CrossChecks {
    mutating func checkPools() {
        for type in tree.table("outgoing_pools")?.entries.keys.sorted() ?? [] {
            guard let pools = tree.table("outgoing_pools")?.table(type) else { continue }
            for tag in pools.entries.keys.sorted() {
                guard let pool = pools.table(tag) else { continue }
                checkPool(pool, type, path: TOMLPath.appending(tag, to: "outgoing_pools.\(type)"))
            }
        }
        if let auth = tree.table("auth") {
            let hosts = (tree.strings("general.hosts") ?? []).filter { host in
                !tree.tables("host_config").contains { $0.string("host") == host && $0.table("auth") != nil }
            }
            checkPools(of: auth, hosts, path: "auth")
        }
        for (index, host) in tree.tables("host_config").enumerated() {
            guard let auth = host.table("auth") else { continue }
            checkPools(of: auth, host.string("host").map { [$0] } ?? [], path: "host_config[\(index + 1)].auth")
        }
    }

    private mutating func checkPool(_ pool: SettingTable, _ type: String, path: String) {
        if pool.string("scope") == "single_host", pool.string("host") == nil, !pool.isBroken("host") {
            report(.missingKey, at: pool.position, "\(path).host", "scope \"single_host\" needs it to be a domain name")
        }
        guard let connection = pool.table("connection") else { return }
        let place = "\(path).connection"
        switch OutgoingPoolConfiguration.Kind(rawValue: type) {
        case .http: checkURL(connection, path: place)
        case .rdbms: checkDatabase(connection, path: place)
        case .ldap: checkDirectory(connection, path: place)
        case nil: break
        }
        if let tls = connection.table("tls") { checkTLS(tls, type, path: "\(place).tls") }
    }

    private mutating func checkURL(_ connection: SettingTable, path: String) {
        guard let text = connection.string("host"), WebConnectionConfiguration.base(text) == nil else { return }
        report(
            .badValue, at: connection["host"]?.position ?? connection.position, "\(path).host", found: Node.quoted(text),
            "http:// or https://, a name, and perhaps a port (\"https://service.example.org:8443\")")
    }

    /// The library takes that name for another one.
    private mutating func checkDirectory(_ connection: SettingTable, path: String) {
        guard DirectoryConnectionConfiguration(connection).tls?.verifiesPeer == true else { return }
        for (index, setting) in connection.elements("servers").enumerated() where setting.value == .string("localhost") {
            validator.warn(
                "the certificate must be for this machine's own name; 127.0.0.1 may be in it as an address",
                at: setting.position ?? connection.position, path: "\(path).servers[\(index + 1)]")
        }
    }

    private mutating func checkDatabase(_ connection: SettingTable, path: String) {
        let driver = connection.string("driver")
        if let driver, driver != "pgsql" {
            validator.warn(
                "the pool is not opened: PostgreSQL (\"pgsql\") is the only database this server has a driver for",
                at: connection["driver"]?.position ?? connection.position, path: "\(path).driver")
        }
        guard driver == "pgsql" else { return }
        for key in ["host", "database", "username", "password"] where connection[key] == nil && !connection.isBroken(key) {
            report(.missingKey, at: connection.position, "\(path).\(key)", "driver \"pgsql\" needs it to be a non-empty string")
        }
    }

    private mutating func checkTLS(_ tls: SettingTable, _ type: String, path: String) {
        if tls.string("verify_mode") == "selfsigned_peer" {
            validator.warn(
                "a certificate that has signed itself is good if it is in cacertfile, and only then",
                at: tls["verify_mode"]?.position ?? tls.position, path: "\(path).verify_mode")
        }
        if tls.isGiven("verify_mode"), tls.string("verify_mode") == "peer", tls["cacertfile"] == nil, !tls.isBroken("cacertfile") {
            report(
                .missingKey, at: tls["verify_mode"]?.position ?? tls.position, "\(path).cacertfile",
                "verify_mode \"peer\" needs it to be the path of a file with PEM certificates",
                hint: "leave verify_mode out to trust the system's authorities")
        }
        if tls["keyfile"] == nil, !tls.isBroken("keyfile") { checkKey(in: tls, "certfile", path: "\(path).certfile") }
        if tls["certfile"] == nil, !tls.isBroken("certfile"), tls["keyfile"] != nil {
            report(
                .missingKey, at: tls["keyfile"]?.position ?? tls.position, "\(path).certfile",
                "a key needs its certificate: the path of a file with PEM certificates")
        }
        checkServerName(tls, path: "\(path).server_name_indication")
        if type != "http", let name = tls["server_name_indication.host"] {
            validator.warn(
                "the name that is asked for is that of the server's address", at: name.position ?? tls.position,
                path: "\(path).server_name_indication.host")
        }
        if type == "ldap" { checkDirectoryTLS(tls, path: path) }
        if type == "rdbms" { noteUnused(["ciphers"], of: tls, "the PostgreSQL library chooses", path: path) }
    }

    /// A boolean in files of release 5, a table in later ones.
    private mutating func checkServerName(_ tls: SettingTable, path: String) {
        guard let setting = tls["server_name_indication"] else { return }
        let position = setting.position ?? tls.position
        switch setting.value {
        case .boolean: return
        case .table(let table):
            for key in table.entries.keys.sorted() {
                let value = table[key]?.value
                switch (key, value) {
                case ("enabled", .boolean), ("host", .string), ("protocol", .string("default")), ("protocol", .string("https")):
                    continue
                case ("enabled", _), ("host", _), ("protocol", _):
                    report(
                        .badValue, at: table[key]?.position ?? position, "\(path).\(key)",
                        ["enabled": "true or false", "host": "a domain name"][key] ?? "one of \"default\", \"https\"")
                default:
                    report(
                        .unexpectedKey, at: table[key]?.position ?? position, "\(path).\(key)",
                        "known here: enabled, host, protocol")
                }
            }
        default: report(.malformedNode, at: position, path, "true, false, or a table with enabled, host and protocol")
        }
    }

    /// The library of directories is built with another TLS library, which knows none of these.
    private mutating func checkDirectoryTLS(_ tls: SettingTable, path: String) {
        noteUnused(["ciphers"], of: tls, "the LDAP library chooses", path: path)
        guard tls["password"] != nil else { return }
        report(
            .conflict, at: tls["password"]?.position ?? tls.position, "\(path).password",
            "the LDAP library opens no encrypted key: name a keyfile that is not encrypted")
    }

    private mutating func noteUnused(_ keys: [String], of table: SettingTable, _ text: String, path: String) {
        for key in keys {
            guard let position = table[key]?.position else { continue }
            validator.note(.accepted, at: position, path: "\(path).\(key)", text)
        }
    }

    // MARK: Pools that authentication needs

    private mutating func checkPools(of auth: SettingTable, _ hosts: [String], path: String) {
        let methods = AuthenticationConfiguration(auth).methods
        if methods.contains(.http) { require(.http, "auth", hosts, at: auth["http"]?.position, "\(path).http") }
        if methods.contains(.rdbms) {
            require(.rdbms, "default", hosts, at: auth["rdbms"]?.position, "\(path).rdbms")
            requireDriver(at: auth["rdbms"]?.position, "\(path).rdbms")
        }
        guard methods.contains(.ldap), let ldap = auth.table("ldap") else { return }
        checkUserNames(ldap, path: "\(path).ldap")
        for (key, standard) in [("pool_tag", "default"), ("bind_pool_tag", "bind")] where !ldap.isBroken(key) {
            require(
                .ldap, ldap.string(key) ?? standard, hosts, at: ldap[key]?.position ?? auth["ldap"]?.position,
                "\(path).ldap.\(key)")
        }
        if let search = ldap.string("pool_tag"), search == ldap.string("bind_pool_tag") {
            report(
                .conflict, at: ldap["bind_pool_tag"]?.position ?? ldap.position, "\(path).ldap.bind_pool_tag",
                found: Node.quoted(search), "a pool of its own: checking a password changes who its connection is")
        }
    }

    private mutating func requireDriver(at position: Position?, _ path: String) {
        guard let driver = tree.string("outgoing_pools.rdbms.default.connection.driver"), driver != "pgsql" else { return }
        report(
            .conflict, at: position ?? tree.position, path, found: Node.quoted(driver),
            "the driver \"pgsql\" in outgoing_pools.rdbms.default: PostgreSQL is the only database users can be asked of")
    }

    private mutating func require(
        _ kind: OutgoingPoolConfiguration.Kind, _ tag: String, _ hosts: [String], at position: Position?, _ path: String
    ) {
        let place = TOMLPath.appending(tag, to: "outgoing_pools.\(kind.rawValue)")
        let pools = tree.table("outgoing_pools.\(kind.rawValue)")
        guard let pool = pools?.table(tag) else {
            if pools?.isBroken(tag) == true || tree.isBroken("outgoing_pools") { return }
            return report(.conflict, at: position ?? tree.position, path, "it needs a pool of connections", hint: "add [\(place)]")
        }
        guard pool.string("scope") == "single_host", let own = pool.string("host") else { return }
        for host in hosts where host != own {
            report(
                .conflict, at: position ?? tree.position, path,
                "\(host) needs a pool of connections, and \(place) is for \(own) alone",
                hint: "scope \"global\" serves all hosts, \"host\" each")
        }
    }

    /// Each format has its place for the user name; filters are written as RFC 4515 says.
    private mutating func checkUserNames(_ ldap: SettingTable, path: String) {
        for (index, table) in ldap.tables("uids").enumerated() {
            guard let format = table.string("format"), format.ranges(of: "%u").count != 1 else { continue }
            report(
                .badValue, at: table["format"]?.position ?? table.position, "\(path).uids[\(index + 1)].format",
                found: Node.quoted(format), "a text with %u in it, once")
        }
        for key in ["filter", "dn_filter.filter"] {
            guard let text = ldap.string(key), !DirectoryFilterSyntax.accepts(text) else { continue }
            report(
                .badValue, at: ldap[key]?.position ?? ldap.position, "\(path).\(key)", found: Node.quoted(text),
                "a filter in parentheses, as RFC 4515 writes them: \"(objectClass=person)\"")
        }
    }
}

/// Whether a text is an LDAP filter (RFC 4515 §3) in its outer form: what is compared with what, the directory knows.
enum DirectoryFilterSyntax {
    static func accepts(_ text: String) -> Bool {
        var rest = Substring(text)
        return takeFilter(&rest, depth: 0) && rest.isEmpty
    }

    private static func takeFilter(_ rest: inout Substring, depth: Int) -> Bool {
        guard depth < 32, take("(", &rest) else { return false }
        let isList = take("&", &rest) || take("|", &rest)
        if isList {
            while rest.first == "(" {
                guard takeFilter(&rest, depth: depth + 1) else { return false }
            }
        } else if take("!", &rest) {
            guard takeFilter(&rest, depth: depth + 1) else { return false }
        } else {
            guard takeItem(&rest) else { return false }
        }
        return take(")", &rest)
    }

    /// `attribute=value` and its like: the comparison has a left side, and no parenthesis stands in it.
    private static func takeItem(_ rest: inout Substring) -> Bool {
        let item = rest.prefix { $0 != "(" && $0 != ")" }
        rest = rest[item.endIndex...]
        guard let equals = item.firstIndex(of: "=") else { return false }
        return equals > item.startIndex
    }

    private static func take(_ character: Character, _ rest: inout Substring) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }
}
