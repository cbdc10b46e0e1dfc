/// The options of one module on one host, each with its default from the table. Keys are relative to the
/// module; dots lead into inner tables (`stale_h.enabled`).
public struct ModuleOptions: Sendable, Equatable {
    public let module: String
    private let host: String
    private let table: SettingTable

    init(module: String, host: String, table: SettingTable) {
        self.module = module
        self.host = host
        self.table = table
    }

    /// False for a key that is no boolean of the module.
    public func bool(_ key: String) -> Bool {
        assert(isKnown(key), "\(module) has no option \(key)")
        return table.boolean(key) ?? false
    }

    /// Nil where nothing is set.
    public func optionalBool(_ key: String) -> Bool? {
        assert(isKnown(key), "\(module) has no option \(key)")
        return table.boolean(key)
    }

    /// Nil for `"infinity"` and where nothing is set.
    public func int(_ key: String) -> Int? {
        assert(isKnown(key), "\(module) has no option \(key)")
        return table.integer(key)
    }

    /// `@HOST@` is filled in where the option is a domain of the host's.
    public func string(_ key: String) -> String? {
        assert(isKnown(key), "\(module) has no option \(key)")
        guard let text = table.string(key) else { return nil }
        return row(key)?.kind == .text(.hostPattern) ? HostPattern.fill(text, with: host) : text
    }

    public func strings(_ key: String) -> [String] {
        assert(isKnown(key), "\(module) has no option \(key)")
        return table.strings(key) ?? []
    }

    public func secret(_ key: String) -> Secret? {
        assert(isKnown(key), "\(module) has no option \(key)")
        return table.secret(key)
    }

    /// An integer in the unit of its option; nil for `"infinity"` and where nothing is set.
    public func duration(_ key: String) -> Duration? {
        guard let value = int(key), let kind = row(key)?.kind else { return nil }
        switch kind {
        case .integer(_, let unit), .integerOrInfinity(_, let unit):
            switch unit {
            case .milliseconds: return .milliseconds(value)
            case .seconds: return .seconds(value)
            case .minutes: return .seconds(value * 60)
            case .hours: return .seconds(value * 3600)
            case .days: return .seconds(value * 86400)
            case .none, .bytes, .bytesPerSecond: return nil
            }
        default: return nil
        }
    }

    /// The elements of an array of tables (`ip_access`, `server_info`), each with the same getters.
    public func tables(_ key: String) -> [ModuleOptions] {
        assert(isKnown(key), "\(module) has no option \(key)")
        return table.tables(key).map { ModuleOptions(module: "\(module).\(key)[]", host: host, table: $0) }
    }

    /// Nil where the file has no such table.
    public func table(_ key: String) -> ModuleOptions? {
        assert(isKnown(key), "\(module) has no option \(key)")
        return table.table(key).map { ModuleOptions(module: "\(module).\(key)", host: host, table: $0) }
    }

    private func row(_ key: String) -> OptionRow? { OptionTable.row("modules.\(module).\(key)") }

    private func isKnown(_ key: String) -> Bool { row(key) != nil || OptionTable.row("modules.*.\(key)") != nil }
}
