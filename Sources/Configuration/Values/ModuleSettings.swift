/// The section of one module on one host as it was checked, each key with its default from the table. The module reads it
/// once, into the type that it declares beside its code (`ModuleOptionSet`).
public struct ModuleSettings: Sendable, Equatable {
    public let module: String
    private let host: String
    private let table: SettingTable
    /// Where the rows of its keys stand: `modules.mod_ping`, `modules.mod_register.ip_access[]`.
    private let place: String

    init(module: String, host: String, table: SettingTable) {
        self.init(module: module, host: host, table: table, place: "modules.\(module)")
    }

    private init(module: String, host: String, table: SettingTable, place: String) {
        self.module = module
        self.host = host
        self.table = table
        self.place = place
    }

    /// The section of a module that is loaded without being named in the file: the defaults of its type hold.
    public static func unnamed(_ module: String, host: String) -> ModuleSettings {
        ModuleSettings(module: module, host: host, table: SettingTable(position: Position(line: 0, column: 0)))
    }

    public func options<Options: ModuleOptionSet>(_ type: Options.Type = Options.self) -> Options {
        var options = Options()
        for option in Options.keys { option.read(&options, self) }
        return options
    }

    /// The value at a key; dots lead into inner tables. Nil where neither the file nor the row has one.
    /// `@HOST@` is filled in where the option is a domain of the host's.
    func value(_ key: String) -> PlainValue? {
        guard let row = OptionTable.row("\(place).\(key)") else { return nil }
        switch table[key]?.value {
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value, row.kind.unit)
        case .infinity: return .infinity
        case .string(let text): return .text(row.kind == .text(.hostPattern) ? HostPattern.fill(text, with: host) : text)
        case .list: return .list(table.strings(key) ?? [])
        case .secret, .file, .table, nil: return nil
        }
    }

    /// Whether the file has such a table.
    func hasTable(_ key: String) -> Bool { table.table(key) != nil }

    /// The elements of an array of tables (`ip_access`, `server_info`).
    func tables(_ key: String) -> [ModuleSettings] {
        table.tables(key).map { ModuleSettings(module: module, host: host, table: $0, place: "\(place).\(key)[]") }
    }
}
