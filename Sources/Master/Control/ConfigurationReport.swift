internal import Configuration
internal import IPC

/// The results of `config show`, `config options` and `config import`.
enum ConfigurationReport {
    static func settings(of configuration: ServerConfiguration, file: String) -> Value {
        let rows = configuration.effectiveSettings.map { setting -> Value in
            var members: [Value.Member] = [.init("path", .string(setting.path)), .init("value", .string(setting.value))]
            switch setting.origin {
            case .file(let position, let spelling):
                members += [.init("origin", "file"), .init("line", .int(Int64(position.line)))]
                if let spelling { members.append(.init("spelling", .string(spelling))) }
            case .standard: members.append(.init("origin", "default"))
            case .computed: members.append(.init("origin", "computed"))
            }
            return .object(members)
        }
        return ["configuration": .string(file), "rows": .array(rows)]
    }

    /// The reason why there is no result; a sentence.
    struct Objection: Error, CustomStringConvertible {
        let description: String
    }

    /// The options with this name and those below it; if there are none, those whose names contain it.
    static func options(_ name: String?) -> Result<Value, Objection> {
        let all = OptionTable.rows
        let wanted = name?.filter { $0 != "[" && $0 != "]" } ?? ""
        var rows = all.filter { row in
            let path = row.path.filter { $0 != "[" && $0 != "]" }
            return wanted.isEmpty || path == wanted || path.hasPrefix(wanted + ".")
        }
        if rows.isEmpty { rows = all.filter { $0.path.filter { $0 != "[" && $0 != "]" }.firstRange(of: wanted) != nil } }
        if rows.isEmpty { return .failure(Objection(description: "no option has \"\(wanted)\" in its name")) }
        return .success(["rows": .array(rows.map(value))])
    }

    private static func value(_ row: OptionRow) -> Value {
        [
            "name": .string(row.path), "type": .string(row.typeText), "default": .string(row.defaultText ?? ""),
            "editions": .string(row.editionsText), "state": .string(row.stateText), "sentence": .string(row.sentence),
            "effect": .string(row.effect),
        ]
    }
}
