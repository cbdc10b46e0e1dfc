/// The options of a module as its code has them: a property for each key that it reads, with the same default as the row.
// The rows stay in this room: the master checks files by them, and must not be linked with every module.
public protocol ModuleOptionSet: Sendable {
    /// The defaults.
    init()
    /// Read in this order: where two keys are for one property, the later one counts.
    static var keys: [ModuleOption<Self>] { get }
}

/// The options of a module that has none.
public struct NoModuleOptions: ModuleOptionSet {
    public static let keys: [ModuleOption<Self>] = []

    public init() {}
}

/// A key of a module's section and the property that it is for.
public struct ModuleOption<Options: ModuleOptionSet>: Sendable {
    /// Where the rows of what it reads stand, relative to the module's: `ping_interval`, `ip_access[].address`.
    let paths: [String]
    let read: @Sendable (inout Options, ModuleSettings) -> Void
    /// What is wrong with it, given where the rows of the section stand (`modules.mod_ping`).
    let misfits: @Sendable (_ place: String) -> [String]

    private init(
        paths: [String], read: @escaping @Sendable (inout Options, ModuleSettings) -> Void,
        misfits: @escaping @Sendable (String) -> [String]
    ) {
        self.paths = paths
        self.read = read
        self.misfits = misfits
    }

    public init<Value: OptionValue>(_ key: String, _ property: any WritableKeyPath<Options, Value> & Sendable) {
        self.init(key, property, hasDefault: true)
    }

    /// A key for a property that another key has set: without a value it changes nothing.
    public init<Value: OptionValue>(_ key: String, over property: any WritableKeyPath<Options, Value> & Sendable) {
        self.init(key, property, hasDefault: false)
    }

    private init<Value: OptionValue>(
        _ key: String, _ property: any WritableKeyPath<Options, Value> & Sendable, hasDefault: Bool
    ) {
        self.init(paths: [key]) { options, settings in
            if let value = settings.value(key).flatMap(Value.init(option:)) { options[keyPath: property] = value }
        } misfits: { place in
            guard let row = OptionTable.row("\(place).\(key)") else { return ["\(place).\(key): there is no such option"] }
            guard Value.fits(row.kind) else { return ["\(row.path): \(Value.self) is no type for \(row.kind)"] }
            guard let plain = hasDefault ? PlainValue(row) : nil else { return [] }
            let own = Options()[keyPath: property]
            return Value(option: plain) == own ? [] : ["\(row.path): the default is \(row.default), not \(own)"]
        }
    }

    /// Whether the file has this table.
    public init(table key: String, _ property: any WritableKeyPath<Options, Bool> & Sendable) {
        self.init(paths: [key]) { options, settings in
            options[keyPath: property] = settings.hasTable(key)
        } misfits: { place in
            OptionTable.row("\(place).\(key)")?.kind == .section ? [] : ["\(place).\(key): there is no such table"]
        }
    }

    /// An array of tables.
    public init<Inner: ModuleOptionSet>(tables key: String, _ property: any WritableKeyPath<Options, [Inner]> & Sendable) {
        self.init(paths: [key] + Inner.keys.flatMap(\.paths).map { "\(key)[].\($0)" }) { options, settings in
            options[keyPath: property] = settings.tables(key).map { $0.options() }
        } misfits: { place in
            guard OptionTable.row("\(place).\(key)")?.kind == .sections else {
                return ["\(place).\(key): there are no such tables"]
            }
            return Inner.keys.flatMap { $0.misfits("\(place).\(key)[]") }
        }
    }
}
