/// What no single value shows: names that must be defined elsewhere, keys that exclude or need one another.
/// A key whose own value was refused is left alone, so that one mistake is reported once.
struct CrossChecks {
    let tree: SettingTable
    var validator: Validator

    mutating func run() {
        checkGeneral()
        checkHosts()
        checkFederation()
        checkAuthentication()
        checkModules()
        checkListeners()
        checkAccess()
        checkPools()
        checkNative()
    }

    mutating func report(
        _ kind: Problem.Kind, at position: Position, _ path: String, found: String? = nil, _ expected: String,
        hint: String? = nil
    ) {
        validator.report(
            Problem(
                kind, file: validator.file, at: position, path: path, found: found, expected: expected, hint: hint))
    }

    private mutating func checkGeneral() {
        guard let general = tree.table("general") else { return }
        let hosts = general.strings("hosts") ?? []
        let types = general.strings("host_types") ?? []
        if hosts.isEmpty, types.isEmpty, !general.isBroken("hosts"), !general.isBroken("host_types") {
            let position = general["hosts"]?.position ?? general.position
            report(
                .missingKey, at: position, "general.hosts", "it must name at least one domain, or general.host_types a host type")
        }
        if hosts.isEmpty, !types.isEmpty, !general.isGiven("default_server_domain"), !general.isBroken("default_server_domain"),
            !general.isBroken("hosts")
        {
            report(
                .missingKey, at: general.position, "general.default_server_domain",
                "it must be a domain name, since general.hosts has none that could stand for it")
        }
        for (index, setting) in general.elements("host_types").enumerated() {
            guard case .string(let type) = setting.value, hosts.contains(type) else { continue }
            report(
                .conflict, at: setting.position ?? general.position, "general.host_types[\(index + 1)]",
                found: Node.quoted(type), "a name that is not in general.hosts")
        }
        checkDomainCertificates(general.tables("domain_certfile"), path: "general.domain_certfile")
    }

    mutating func checkDomainCertificates(_ tables: [SettingTable], path: String) {
        var seen: [String: String] = [:]
        for (index, table) in tables.enumerated() {
            let place = "\(path)[\(index + 1)]"
            checkKey(in: table, "certfile", path: "\(place).certfile")
            checkOnce(table, "domain", &seen, path: place, "one certificate for each domain")
        }
    }

    /// The file at `key` must hold a private key beside the certificates.
    mutating func checkKey(in table: SettingTable, _ key: String, path: String) {
        guard let file = table.file(key), !PEM.hasPrivateKey(file.contents) else { return }
        report(
            .file, at: table[key]?.position ?? table.position, path, found: Node.quoted(file.path),
            "the path of a readable file with PEM certificates and their private key",
            hint: "the file holds no private key")
    }

    private mutating func checkHosts() {
        let hosts = tree.strings("general.hosts") ?? []
        let types = tree.strings("general.host_types") ?? []
        var seen: [String: String] = [:]
        for (index, table) in tree.tables("host_config").enumerated() {
            let path = "host_config[\(index + 1)]"
            guard !table.isBroken("host"), !table.isBroken("host_type") else { continue }
            switch (table.string("host"), table.string("host_type")) {
            case (nil, nil):
                report(.missingKey, at: table.position, "\(path).host", "it, or host_type, must say what the table is for")
            case (.some, .some):
                report(
                    .conflict, at: table["host_type"]?.position ?? table.position, "\(path).host_type",
                    "host and host_type exclude each other")
            case (let host?, nil):
                checkName(host, in: hosts, seen: &seen, table, "host", path, of: "general.hosts")
            case (nil, let type?):
                checkName(type, in: types + hosts, seen: &seen, table, "host_type", path, of: "general.host_types")
            }
        }
    }

    /// A host of the file is a type of its own, as the original has it.
    private mutating func checkName(
        _ name: String, in known: [String], seen: inout [String: String], _ table: SettingTable, _ key: String,
        _ path: String, of list: String
    ) {
        let position = table[key]?.position ?? table.position
        if !known.contains(name) {
            let nearest = NearestName.to(name, among: known)
            report(
                .badValue, at: position, "\(path).\(key)", found: Node.quoted(name), "one of \(list)",
                hint: nearest.map { "nearest: \"\($0)\"" })
        } else if let first = seen[name] {
            report(
                .conflict, at: position, "\(path).\(key)", found: Node.quoted(name), "one host_config for each",
                hint: first)
        } else {
            seen[name] = ScalarCheck.sameAs("\(path).\(key)", position)
        }
    }

    private mutating func checkNative() {
        guard let native = tree.table("xmppd"), let setting = native["control_socket"],
            case .string(let path) = setting.value, path.utf8.count > Self.longestSocketPath
        else { return }
        report(
            .badValue, at: setting.position ?? native.position, "xmppd.control_socket", found: Node.quoted(path),
            "a path of at most \(Self.longestSocketPath) bytes, which is all that unix(7) allows")
    }

    private static let longestSocketPath = 107
}

extension SettingTable {
    /// The elements of an array, whatever they are.
    func elements(_ key: String) -> [Setting] {
        guard case .list(let elements)? = self[key]?.value else { return [] }
        return elements
    }
}
