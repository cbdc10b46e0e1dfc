extension CrossChecks {
    mutating func checkListeners() {
        checkAddresses()
        for (index, table) in tree.tables("listen.c2s").enumerated() {
            let path = "listen.c2s[\(index + 1)]"
            checkMethods(of: table, path: path)
            if let tls = table.table("tls") { checkTLS(tls, path: "\(path).tls") }
        }
        for (index, table) in tree.tables("listen.s2s").enumerated() {
            let path = "listen.s2s[\(index + 1)]"
            if let position = table["max_fsm_queue"]?.position {
                validator.warn("general.max_fsm_queue counts for other servers", at: position, path: "\(path).max_fsm_queue")
            }
            guard let tls = table.table("tls") else { continue }
            if tls["keyfile"] == nil, !tls.isBroken("keyfile") { checkKey(in: tls, "certfile", path: "\(path).tls.certfile") }
            checkProtocolOptions(tls, path: "\(path).tls")
        }
        for section in ["service", "component"] {
            for (index, table) in tree.tables("listen.\(section)").enumerated() {
                if let tls = table.table("tls") { checkComponentTLS(tls, path: "listen.\(section)[\(index + 1)].tls") }
            }
        }
        for (index, table) in tree.tables("listen.http").enumerated() {
            guard let tls = table.table("tls") else { continue }
            let path = "listen.http[\(index + 1)].tls"
            checkVerification(tls, path: path)
            if tls["keyfile"] == nil, !tls.isBroken("keyfile") { checkKey(in: tls, "certfile", path: "\(path).certfile") }
        }
        checkHandlers()
    }

    private mutating func checkMethods(of table: SettingTable, path: String) {
        let layers = [tree.table("auth")] + tree.tables("host_config").map { $0.table("auth") }
        let enabled = Set(layers.compactMap { $0 }.flatMap { AuthenticationConfiguration($0).methods.map(\.rawValue) })
        for (index, setting) in table.elements("allowed_auth_methods").enumerated() {
            guard case .string(let method) = setting.value, !enabled.contains(method) else { continue }
            validator.warn(
                "no host has this method", at: setting.position ?? table.position,
                path: "\(path).allowed_auth_methods[\(index + 1)]")
        }
    }

    private mutating func checkTLS(_ tls: SettingTable, path: String) {
        let certificates = tree.tables("general.domain_certfile")
        if tls["certfile"] == nil, !tls.isBroken("certfile"), certificates.isEmpty {
            let mode = tls.string("mode") ?? "starttls"
            report(
                .missingKey, at: tls["mode"]?.position ?? tls.position, "\(path).certfile",
                "\(path).mode \"\(mode)\" needs it to be the path of a certificate, or general.domain_certfile")
        }
        guard !tls.isBroken("module") else { return }
        checkProfile(of: tls, path: path)
        checkProtocolOptions(tls, path: path)
        checkVerification(tls, path: path)
        if tls["keyfile"] == nil, !tls.isBroken("keyfile") {
            checkKey(in: tls, "certfile", path: "\(path).certfile")
        }
    }

    private mutating func checkComponentTLS(_ tls: SettingTable, path: String) {
        if let mode = tls.string("mode"), mode != "tls", let position = tls["mode"]?.position {
            validator.warn(
                "a component's stream has no STARTTLS (XEP-0114): TLS begins with the first byte", at: position,
                path: "\(path).mode")
        }
        checkVerification(tls, path: path)
        if tls["keyfile"] == nil, !tls.isBroken("keyfile") { checkKey(in: tls, "certfile", path: "\(path).certfile") }
    }

    /// Each of the two modules has keys that the other does not know; without `module` such a key says which is meant.
    private mutating func checkProfile(of tls: SettingTable, path: String) {
        guard let given = tls.string("module").flatMap(TLSListenerConfiguration.Module.init(rawValue:)) else {
            return checkImpliedProfile(of: tls, path: path)
        }
        let other: TLSListenerConfiguration.Module = given == .fastTLS ? .justTLS : .fastTLS
        for key in other.ownKeys(in: tls) {
            let position = tls[key]?.position ?? tls.position
            if key == "verify_mode" {
                report(
                    .conflict, at: position, "\(path).verify_mode", found: "\"selfsigned_peer\"",
                    "one of \"peer\", \"none\" with module \"fast_tls\"", hint: "it belongs to module \"just_tls\"")
            } else {
                report(
                    .conflict, at: position, "\(path).\(key)", "module \"\(given.rawValue)\" does not have the key \(key)",
                    hint: "it belongs to module \"\(other.rawValue)\"")
            }
        }
    }

    /// Files of later releases have no `module` any more, since there only just_tls is left.
    private mutating func checkImpliedProfile(of tls: SettingTable, path: String) {
        let (just, fast) = (
            TLSListenerConfiguration.Module.justTLS.ownKeys(in: tls), TLSListenerConfiguration.Module.fastTLS.ownKeys(in: tls)
        )
        guard let key = just.first else { return }
        if let other = fast.first {
            report(
                .conflict, at: tls[other]?.position ?? tls.position, "\(path).\(other)",
                "keys of one module: \(other) belongs to \"fast_tls\", \(key) to \"just_tls\"", hint: "remove one of them")
        } else {
            validator.note(
                .accepted, at: tls[key]?.position ?? tls.position, path: "\(path).\(key)",
                "module \"just_tls\" holds, since \(key) belongs to it")
        }
    }

    private mutating func checkProtocolOptions(_ tls: SettingTable, path: String) {
        for (index, setting) in tls.elements("protocol_options").enumerated() {
            guard case .string(let name) = setting.value, !ProtocolOptionNames.all.contains(name) else { continue }
            let nearest = NearestName.to(name, among: ProtocolOptionNames.all).map { "; the nearest is \"\($0)\"" } ?? ""
            validator.warn(
                "OpenSSL has no option \(Node.quoted(name)), which has no effect\(nearest)",
                at: setting.position ?? tls.position, path: "\(path).protocol_options[\(index + 1)]")
        }
    }

    private mutating func checkVerification(_ tls: SettingTable, path: String) {
        if tls.string("verify_mode") == "selfsigned_peer" {
            validator.warn(
                "a certificate that has signed itself proves nothing: the mechanism EXTERNAL is not offered with it",
                at: tls["verify_mode"]?.position ?? tls.position, path: "\(path).verify_mode")
        }
        guard let mode = tls.string("verify_mode"), mode != "none", tls["cacertfile"] == nil, !tls.isBroken("cacertfile")
        else { return }
        report(
            .missingKey, at: tls["verify_mode"]?.position ?? tls.position, "\(path).cacertfile",
            "verify_mode \"\(mode)\" needs it to be the path of a file with PEM certificates")
    }

    /// Of a user name and a password for a handler there are both or none.
    private mutating func checkHandlers() {
        let guarded = ["mongoose_graphql_handler", "mongoose_admin_api", "mongoose_api_admin", "mongoose_domain_handler"]
        for (index, listener) in tree.tables("listen.http").enumerated() {
            for name in guarded {
                for (place, handler) in listener.tables("handlers.\(name)").enumerated() {
                    checkCredentials(handler, path: "listen.http[\(index + 1)].handlers.\(name)[\(place + 1)]")
                }
            }
        }
    }

    private mutating func checkCredentials(_ handler: SettingTable, path: String) {
        let hasName = handler["username"] != nil, hasPassword = handler["password"] != nil
        guard hasName != hasPassword, !handler.isBroken("username"), !handler.isBroken("password") else { return }
        let missing = hasName ? "password" : "username"
        report(.missingKey, at: handler.position, "\(path).\(missing)", "username and password go together")
    }
}
