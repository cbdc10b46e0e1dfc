extension CrossChecks {
    mutating func checkAuthentication() {
        if let auth = tree.table("auth") { checkAuthentication(auth, path: "auth") }
        for (index, host) in tree.tables("host_config").enumerated() {
            guard let auth = host.table("auth") else { continue }
            checkAuthentication(auth, path: "host_config[\(index + 1)].auth")
        }
    }

    private mutating func checkAuthentication(_ auth: SettingTable, path: String) {
        for (index, setting) in auth.elements("methods").enumerated() {
            guard case .string(let method) = setting.value, auth.table(method) == nil, !auth.isBroken(method)
            else { continue }
            // The files that release 5 comes with name it so; its table has no keys.
            if method == AuthenticationMethod.internal.rawValue {
                validator.warn(
                    "there is no [\(path).internal]; the method is used all the same", at: setting.position ?? auth.position,
                    path: "\(path).methods[\(index + 1)]")
                continue
            }
            report(
                .conflict, at: setting.position ?? auth.position, "\(path).methods[\(index + 1)]",
                found: Node.quoted(method), "a method that has its table", hint: "add [\(path).\(method)]")
        }
        if AuthenticationConfiguration(auth).methods.isEmpty, !auth.isBroken("methods") {
            validator.warn("there is no method: nobody can log in", at: auth.position, path: path)
        }
        if let index = auth.strings("sasl_mechanisms")?.firstIndex(of: "digest") {
            validator.warn(
                "DIGEST-MD5 is not offered: RFC 6331 has declared it historic",
                at: auth.elements("sasl_mechanisms")[index].position ?? auth.position,
                path: "\(path).sasl_mechanisms[\(index + 1)]")
        }
        checkToken(auth, path: path)
        checkAnonymous(auth, path: path)
    }

    /// Who logs in under any name must not be taken for somebody else.
    private mutating func checkAnonymous(_ auth: SettingTable, path: String) {
        guard let anonymous = auth.table("anonymous"), AnonymousOptions(anonymous).allowsLogin else { return }
        let others = AuthenticationConfiguration(auth).methods.filter { [.pki, .jwt, .dummy].contains($0) }
        guard let other = others.first else { return }
        validator.warn(
            "nobody can log in so: \(other.rawValue) has every user name",
            at: anonymous["protocol"]?.position ?? anonymous.position, path: "\(path).anonymous.protocol")
    }

    private mutating func checkToken(_ auth: SettingTable, path: String) {
        guard let secret = auth.table("jwt")?.table("secret"), secret.broken.isEmpty, secret.entries.count != 1
        else { return }
        report(
            .conflict, at: secret.position, "\(path).jwt.secret", "it must have exactly one of file, env and value")
    }

    /// Rules, classes and shapers that are used without being there. Nothing is wrong with the file; it only
    /// means something else than it seems to.
    mutating func checkAccess() {
        let layers =
            [("", tree)]
            + tree.tables("host_config").enumerated().map { index, host in
                ("host_config[\(index + 1)].", host)
            }
        let rules = names("access", in: layers.map(\.1))
        let classes = names("acl", in: layers.map(\.1)).union(["all", "none"])
        let shapers = names("shaper", in: [tree]).union(["none"])
        var limiting: Set<String> = []
        for (index, table) in tree.tables("listen.c2s").enumerated() {
            for (key, builtIn) in [("access", ["all", "none"]), ("shaper", ["none"])] {
                guard let rule = table.string(key) else { continue }
                if key == "shaper" { limiting.insert(rule) }
                if key == "shaper", shapers.contains(rule) { continue }
                guard !rules.contains(rule), !builtIn.contains(rule), let position = table[key]?.position
                else { continue }
                let effect = key == "access" ? "it denies everybody" : "there is no limit"
                validator.warnOfDangling(
                    "there is no access rule \"\(rule)\": \(effect)", at: position,
                    path: "listen.c2s[\(index + 1)].\(key)")
            }
        }
        for (prefix, table) in layers {
            for rule in table.table("access")?.entries.keys.sorted() ?? [] {
                let path = TOMLPath.appending(rule, to: "\(prefix)access")
                let clauses = table.table("access")?.tables(rule) ?? []
                checkClauses(clauses, path: path, classes: classes, shapers: limiting.contains(rule) ? shapers : nil)
            }
        }
    }

    private func names(_ section: String, in layers: [SettingTable]) -> Set<String> {
        Set(
            layers.flatMap { layer in
                layer.table(section).map { Array($0.entries.keys) + Array($0.broken) } ?? []
            })
    }

    private mutating func checkClauses(
        _ clauses: [SettingTable], path: String, classes: Set<String>, shapers: Set<String>?
    ) {
        for (index, clause) in clauses.enumerated() {
            if let acl = clause.string("acl"), !classes.contains(acl) {
                validator.warnOfDangling(
                    "there is no class \"\(acl)\": nobody is in it", at: clause["acl"]?.position ?? clause.position,
                    path: "\(path)[\(index + 1)].acl")
            }
            if let shaper = clause.string("value"), let shapers, !shapers.contains(shaper) {
                validator.warnOfDangling(
                    "there is no shaper \"\(shaper)\": there is no limit",
                    at: clause["value"]?.position ?? clause.position, path: "\(path)[\(index + 1)].value")
            }
        }
    }
}
