/// One checked value with its place; a default has none.
struct Setting: Sendable, Equatable {
    enum Value: Sendable, Equatable {
        case boolean(Bool)
        case integer(Int64)
        case infinity
        case string(String)
        case secret(Secret)
        case file(ConfiguredFile)
        case list([Setting])
        case table(SettingTable)
    }

    let value: Value
    let position: Position?
    /// The key that the file has, where it is another spelling of the one it is kept under.
    var spelling: String?

    /// Where it stands is no part of what it says.
    static func == (left: Setting, right: Setting) -> Bool { left.value == right.value }
}

/// A checked table: the file's values, with the defaults of what it leaves out.
struct SettingTable: Sendable, Equatable {
    /// Where the table stands in the file.
    let position: Position
    var entries: [String: Setting] = [:]
    /// Keys that are in the file with a value that was refused.
    var broken: Set<String> = []

    static func == (left: SettingTable, right: SettingTable) -> Bool { left.entries == right.entries }

    /// The value at a key; dots lead into inner tables.
    subscript(_ key: String) -> Setting? {
        if let direct = entries[key] { return direct }
        guard let dot = key.firstIndex(of: ".") else { return nil }
        return table(String(key[..<dot]))?[String(key[key.index(after: dot)...])]
    }

    func isBroken(_ key: String) -> Bool { broken.contains(key) }

    /// True for a key that stands in the file, not for a default.
    func isGiven(_ key: String) -> Bool { self[key]?.position != nil }

    func table(_ key: String) -> SettingTable? {
        guard case .table(let table)? = self[key]?.value else { return nil }
        return table
    }

    func tables(_ key: String) -> [SettingTable] {
        guard case .list(let elements)? = self[key]?.value else { return [] }
        return elements.compactMap { element in
            guard case .table(let table) = element.value else { return nil }
            return table
        }
    }

    func boolean(_ key: String) -> Bool? {
        guard case .boolean(let value)? = self[key]?.value else { return nil }
        return value
    }

    /// Nil where nothing is set, and for `"infinity"`.
    func integer(_ key: String) -> Int? {
        guard case .integer(let value)? = self[key]?.value else { return nil }
        return Int(value)
    }

    func string(_ key: String) -> String? {
        guard case .string(let value)? = self[key]?.value else { return nil }
        return value
    }

    func secret(_ key: String) -> Secret? {
        guard case .secret(let value)? = self[key]?.value else { return nil }
        return value
    }

    func file(_ key: String) -> ConfiguredFile? {
        guard case .file(let value)? = self[key]?.value else { return nil }
        return value
    }

    func strings(_ key: String) -> [String]? {
        guard case .list(let elements)? = self[key]?.value else { return nil }
        return elements.compactMap { element in
            guard case .string(let text) = element.value else { return nil }
            return text
        }
    }

    func integers(_ key: String) -> [Int]? {
        guard case .list(let elements)? = self[key]?.value else { return nil }
        return elements.compactMap { element in
            guard case .integer(let number) = element.value else { return nil }
            return Int(number)
        }
    }

    func files(_ key: String) -> [ConfiguredFile] {
        guard case .list(let elements)? = self[key]?.value else { return [] }
        return elements.compactMap { element in
            guard case .file(let file) = element.value else { return nil }
            return file
        }
    }

    /// Where a value stands, by its path; elements of arrays count from 1. Nil for a default.
    func position(of path: String) -> Position? {
        var table = self
        var parts = path.split(separator: ".")[...]
        while let part = parts.popFirst() {
            let key = part.prefix { $0 != "[" }
            guard let setting = table.entries[String(key)] else { return nil }
            let place = part.dropFirst(key.count + 1).prefix { $0 != "]" }
            let found: Setting
            if case .list(let elements) = setting.value, let index = Int(place), elements.indices.contains(index - 1) {
                found = elements[index - 1]
            } else {
                found = setting
            }
            guard !parts.isEmpty else { return found.position }
            guard case .table(let inner) = found.value else { return nil }
            table = inner
        }
        return nil
    }

    /// Sets a key; dots lead into inner tables, which come into being.
    mutating func set(_ key: String, to setting: Setting) {
        guard let dot = key.firstIndex(of: ".") else {
            entries[key] = setting
            return
        }
        let outer = String(key[..<dot])
        var inner = table(outer) ?? SettingTable(position: position)
        inner.set(String(key[key.index(after: dot)...]), to: setting)
        entries[outer] = Setting(value: .table(inner), position: entries[outer]?.position ?? setting.position)
    }
}

enum TOMLPath {
    /// A path and one more key, which is quoted where TOML would need it.
    static func appending(_ key: String, to path: String) -> String {
        let isBare =
            !key.isEmpty
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        let part = isBare ? key : "\"\(key)\""
        return path.isEmpty ? part : "\(path).\(part)"
    }
}
