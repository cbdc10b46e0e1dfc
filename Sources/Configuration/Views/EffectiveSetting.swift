/// One option of a checked configuration: what holds, and why.
public struct EffectiveSetting: Sendable, Equatable {
    public enum Origin: Sendable, Equatable {
        /// `spelling`: the key that stands there, if it is another one.
        case file(Position, spelling: String?)
        case standard
        /// The value says how it is found.
        case computed
    }

    /// Elements of arrays count from 1: `listen.c2s[1].tls.mode`.
    public let path: String
    /// As the file would have it; never a secret.
    public let value: String
    public let origin: Origin
}

extension ServerConfiguration {
    /// Every option that has a value, those of the file and those with a default, table by table.
    public var effectiveSettings: [EffectiveSetting] {
        var walk = SettingWalk()
        walk.visit(tree, schema: OptionTable.tree().schema, path: "")
        return walk.settings
    }
}

/// Goes through the settings beside the option rows.
struct SettingWalk {
    private(set) var settings: [EffectiveSetting] = []

    static let sections = [
        "general", "listen", "auth", "acl", "access", "shaper", "modules", "host_config", "s2s", "outgoing_pools", "services",
        "internal_databases", "instrumentation", "xmppd",
    ]

    /// Values first, then the tables; at the top in the order of the manual.
    mutating func visit(_ table: SettingTable, schema: OptionSchema, path: String) {
        let computed = schema.children.filter { key, child in
            guard case .computed? = child.row?.default else { return false }
            return table.entries[key] == nil
        }.keys
        let keys = path.isEmpty ? Self.sections : Set(table.entries.keys).union(computed).sorted()
        for isTable in [false, true] {
            for key in keys { visit(key, in: table, schema: schema, path: path, tables: isTable) }
        }
    }

    private mutating func visit(_ key: String, in table: SettingTable, schema: OptionSchema, path: String, tables: Bool) {
        let place = TOMLPath.appending(key, to: path)
        let child = schema.child(key) ?? OptionSchema()
        guard let setting = table.entries[key] else {
            if !tables, case .computed(let text)? = child.row?.default {
                settings.append(EffectiveSetting(path: place, value: "(\(text))", origin: .computed))
            }
            return
        }
        switch setting.value {
        case .table(let inner):
            guard tables else { return }
            if inner.entries.isEmpty, setting.position != nil { add(setting, place, "{}") }
            visit(inner, schema: child, path: place)
        case .list(let elements) where elements.contains(where: \.isTable):
            guard tables else { return }
            for (index, element) in elements.enumerated() {
                guard case .table(let inner) = element.value else { continue }
                visit(inner, schema: child, path: "\(place)[\(index + 1)]")
            }
        default:
            if !tables { add(setting, place, setting.text) }
        }
    }

    private mutating func add(_ setting: Setting, _ path: String, _ value: String) {
        let origin = setting.position.map { EffectiveSetting.Origin.file($0, spelling: setting.spelling) } ?? .standard
        settings.append(EffectiveSetting(path: path, value: value, origin: origin))
    }
}

extension Setting {
    var isTable: Bool {
        guard case .table = value else { return false }
        return true
    }

    /// As TOML has it, except for what must not be shown.
    var text: String {
        switch value {
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .infinity: "\"infinity\""
        case .string(let text): Node.quoted(text, limit: .max)
        case .secret: Secret("").description
        case .file(let file): Node.quoted(file.path, limit: .max)
        case .list(let elements): "[\(elements.map(\.text).joined(separator: ", "))]"
        case .table(let table):
            "{ \(table.entries.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value.text)" }.joined(separator: ", ")) }"
        }
    }
}

extension OptionRow {
    /// What the option takes.
    public var typeText: String { kind.expectation }

    /// What holds without it, in words; nil where nothing does.
    public var defaultText: String? {
        switch `default` {
        case .required: "mandatory"
        case .unset, .present: nil
        case .computed(let text): "default: \(text)"
        case .boolean(let value): "default: \(value)"
        case .integer(let value): "default: \(value)"
        case .infinity: "default: \"infinity\""
        case .text(let text): "default: \"\(text)\""
        case .list(let values): "default: [" + values.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
        }
    }

    /// The releases that have it.
    public var editionsText: String {
        if editions.contains(.xmppd) { return "xmppd" }
        let names = [(Editions.release5, "5"), (.release62, "6.2"), (.release63, "6.3"), (.later, "after 6.3")].filter {
            editions.contains($0.0)
        }
        return "MongooseIM " + names.map(\.1).joined(separator: ", ")
    }

    /// What a reload that changes it does to a server that runs; a clause.
    public var effect: String {
        switch state {
        case .notYet: ReloadEffect.nothingYet
        case .accepted(let text), .refused(let text): "nothing changes: \(text)"
        case .inEffect: declaredEffect ?? ReloadEffect.atOnce
        }
    }

    /// How far this version has come with it.
    public var stateText: String {
        switch state {
        case .inEffect: "in effect"
        case .notYet: "accepted, not yet in effect"
        case .accepted(let text): "accepted: \(text)"
        case .refused(let text): "refused: \(text)"
        }
    }
}
