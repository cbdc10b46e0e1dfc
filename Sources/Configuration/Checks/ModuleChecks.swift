/// What the keys of one module say about each other, and which modules go with which hosts.
extension CrossChecks {
    mutating func checkModules() {
        let common = [("modules", tree.table("modules"))]
        let own = tree.tables("host_config").enumerated().map { index, host in
            ("host_config[\(index + 1)].modules", host.table("modules"))
        }
        for (path, modules) in common + own {
            guard let modules else { continue }
            checkPresence(modules, path: path)
            checkOldNames(modules, path: path)
            for name in modules.entries.keys.sorted() {
                guard let module = modules.table(name) else { continue }
                check(module, name, path: "\(path).\(name)")
            }
        }
        checkDynamicDomains()
    }

    /// Files of old releases have contacts without presence, which was no module then.
    private mutating func checkPresence(_ modules: SettingTable, path: String) {
        guard modules.table("mod_roster") != nil, modules["mod_presence"] == nil, !modules.isBroken("mod_presence")
        else { return }
        validator.warn(
            "mod_roster is loaded without mod_presence: nobody is seen as available",
            at: modules["mod_roster"]?.position ?? modules.position, path: path)
    }

    private mutating func check(_ module: SettingTable, _ name: String, path: String) {
        checkScheduling(module, path: path)
        switch name {
        case "mod_auth_token": checkPeriods(module, path: path)
        case "mod_disco": checkServerInfo(module, path: path)
        case "mod_event_pusher": if let push = module.table("push") { checkScheduling(push, path: "\(path).push") }
        case "mod_inbox": checkBoxes(module, path: path)
        case "mod_keystore": checkKeys(module, path: path)
        case "mod_mam", "mod_mam_meta": checkArchive(module, path: path)
        case "mod_muc_light": checkSchema(module, path: path)
        default: break
        }
    }

    /// Both names of one module.
    private mutating func checkOldNames(_ modules: SettingTable, path: String) {
        guard modules.table("mod_mam") != nil, let old = modules["mod_mam_meta"] else { return }
        report(
            .conflict, at: old.position ?? modules.position, "\(path).mod_mam_meta",
            "it is the old name of mod_mam, which is there, too")
    }

    private mutating func checkScheduling(_ module: SettingTable, path: String) {
        guard let queries = module.table("iqdisc"), let workers = queries["workers"]?.position,
            !queries.isBroken("type"), queries.string("type") != "queues"
        else { return }
        report(
            .conflict, at: workers, "\(path).iqdisc.workers", "only \(path).iqdisc.type \"queues\" has workers")
    }

    /// The array of release 5; later releases have a table, whose keys have rows.
    private mutating func checkPeriods(_ module: SettingTable, path: String) {
        for (index, setting) in module.elements("validity_period").enumerated() {
            let place = "\(path).validity_period[\(index + 1)]"
            guard case .table(let period) = setting.value else {
                report(
                    .malformedNode, at: setting.position ?? module.position, place,
                    "it must be a table with token, value and unit")
                continue
            }
            checkWord(period, "token", ["access", "refresh"], path: place)
            checkWord(period, "unit", CoreModuleOptions.periodUnits, path: place)
            guard period.integer("value").map({ $0 < 0 }) ?? true else { continue }
            report(
                period["value"] == nil ? .missingKey : .badValue, at: period["value"]?.position ?? period.position,
                "\(place).value", "it must be an integer of 0 or more")
        }
    }

    private mutating func checkWord(_ table: SettingTable, _ key: String, _ known: [String], path: String) {
        guard table.string(key).map(known.contains) != true else { return }
        report(
            table[key] == nil ? .missingKey : .badValue, at: table[key]?.position ?? table.position, "\(path).\(key)",
            "it must be one of " + known.map(Node.quoted).joined(separator: ", "))
    }

    private mutating func checkServerInfo(_ module: SettingTable, path: String) {
        let known = OptionTable.moduleNames
        for (place, info) in module.tables("server_info").enumerated() {
            for (index, setting) in info.elements("modules").enumerated() {
                guard case .string(let name) = setting.value, !known.contains(name) else { continue }
                report(
                    .badValue, at: setting.position ?? info.position,
                    "\(path).server_info[\(place + 1)].modules[\(index + 1)]", found: Node.quoted(name),
                    "the name of a module", hint: NearestName.to(name, among: known).map { "nearest: \"\($0)\"" })
            }
        }
    }

    private mutating func checkBoxes(_ module: SettingTable, path: String) {
        let taken = ["all", "inbox", "archive", "bin"]
        for (index, setting) in module.elements("boxes").enumerated() {
            guard case .string(let name) = setting.value, taken.contains(name) else { continue }
            report(
                .conflict, at: setting.position ?? module.position, "\(path).boxes[\(index + 1)]", found: Node.quoted(name),
                "a name of its own, none of " + taken.map(Node.quoted).joined(separator: ", "))
        }
    }

    private mutating func checkKeys(_ module: SettingTable, path: String) {
        var seen: [String: String] = [:]
        for (index, key) in module.tables("keys").enumerated() {
            let place = "\(path).keys[\(index + 1)]"
            if key.string("type") == "file", key["path"] == nil, !key.isBroken("path") {
                report(.missingKey, at: key.position, "\(place).path", "type \"file\" needs it to be the path of a readable file")
            }
            checkOnce(key, "name", &seen, path: place, "one key of each name")
        }
    }

    private mutating func checkArchive(_ module: SettingTable, path: String) {
        for part in ["pm", "muc"] where module.table(part) != nil || module.isBroken(part) { return }
        validator.warn("nothing is archived: users need the table \(path).pm", at: module.position, path: path)
    }

    private mutating func checkSchema(_ module: SettingTable, path: String) {
        let values = ["string_value", "integer_value", "float_value"]
        for (index, item) in module.tables("config_schema").enumerated() {
            let given = values.filter { item[$0] != nil || item.isBroken($0) }
            guard given.count != 1 else { continue }
            report(
                given.isEmpty ? .missingKey : .conflict, at: item.position, "\(path).config_schema[\(index + 1)]",
                "it must have exactly one of " + values.joined(separator: ", "))
        }
    }

    /// Reports a value that an earlier element of the same array has, too.
    mutating func checkOnce(
        _ table: SettingTable, _ key: String, _ seen: inout [String: String], path: String, _ expected: String
    ) {
        guard let text = table.string(key) else { return }
        let position = table[key]?.position ?? table.position
        if let first = seen[text] {
            report(
                .conflict, at: position, "\(path).\(key)", found: Node.quoted(text), expected, hint: first)
        } else {
            seen[text] = ScalarCheck.sameAs("\(path).\(key)", position)
        }
    }

    /// Modules that know the hosts of the file only.
    private static let staticModules = [
        "mod_event_pusher", "mod_global_distrib", "mod_jingle_sip", "mod_pubsub", "mod_push_service_mongoosepush",
        "mod_shared_roster_ldap",
    ]

    private mutating func checkDynamicDomains() {
        let types = tree.strings("general.host_types") ?? []
        let own = tree.tables("host_config").enumerated().filter { $1.table("modules") != nil }
        let isCommonUsed = types.contains { type in !own.contains { $1.string("host_type") == type } }
        if isCommonUsed, let modules = tree.table("modules") { refuseStatic(modules, path: "modules") }
        for (index, host) in own {
            guard let type = host.string("host_type"), types.contains(type), let modules = host.table("modules") else { continue }
            refuseStatic(modules, path: "host_config[\(index + 1)].modules")
        }
    }

    private mutating func refuseStatic(_ modules: SettingTable, path: String) {
        for name in Self.staticModules {
            guard let setting = modules[name] else { continue }
            report(
                .conflict, at: setting.position ?? modules.position, "\(path).\(name)",
                "it does not know domains that are added later, which general.host_types are for",
                hint: "give the hosts of general.hosts a host_config with it")
        }
    }
}
