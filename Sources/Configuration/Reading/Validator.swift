/// Compares a file's tree with the option rows: what is legal becomes settings, what is not becomes problems,
/// and what is legal without an effect becomes notes. Nothing stops at the first problem.
struct Validator {
    let file: String
    let files: any FileSource
    private(set) var problems: [Problem] = []
    private(set) var notes: [Note] = []

    init(file: String, files: any FileSource) {
        self.file = file
        self.files = files
    }

    /// Checks one table. `isSilent`: an outer table said already that nothing here is in effect.
    mutating func table(
        _ entries: [Entry], at position: Position, schema: OptionSchema, path: String, isSilent: Bool = false
    ) -> SettingTable {
        var table = SettingTable(position: position)
        for entry in entries {
            let place = TOMLPath.appending(entry.key, to: path)
            guard let child = schema.child(entry.key), let row = child.row else {
                reportUnexpected(entry, schema: schema, path: place)
                table.broken.insert(entry.key)
                continue
            }
            if case .refused(let reason) = row.state {
                problems.append(
                    Problem(
                        .removed, file: file, at: entry.position, path: place, expected: reason))
                table.broken.insert(entry.key)
                continue
            }
            let said = isSilent || note(row, at: entry.position, path: place)
            let keyed = Node(value: entry.node.value, position: valuePosition(entry))
            if let setting = value(keyed, schema: child, row: row, path: place, isSilent: said) {
                table.entries[entry.key] = setting
            } else {
                table.broken.insert(entry.key)
            }
        }
        resolveAliases(in: &table, schema: schema, path: path)
        fillDefaults(of: &table, schema: schema, path: path)
        return table
    }

    /// A dotted or implied table begins where its key stands.
    private func valuePosition(_ entry: Entry) -> Position { max(entry.node.position, entry.position) }

    /// Notes a row without an effect. True if nothing needs to be said about what is inside.
    private mutating func note(_ row: OptionRow, at position: Position, path: String) -> Bool {
        switch row.state {
        case .inEffect, .refused: return false
        case .notYet: notes.append(Note(.notYet, file: file, at: position, path: path))
        case .accepted(let text): notes.append(Note(.accepted, file: file, at: position, path: path, text: text))
        }
        return true
    }

    private mutating func reportUnexpected(_ entry: Entry, schema: OptionSchema, path: String) {
        let known = schema.children.filter { $0.value.row != nil }.keys.sorted()
        let nearest = NearestName.to(entry.key, among: known)
        let isModule = known.contains("mod_roster")
        let expected =
            isModule
            ? "no module of that name; a module written in Erlang cannot be loaded"
            : "known here: " + (known.isEmpty ? "nothing" : known.joined(separator: ", "))
        problems.append(
            Problem(
                .unexpectedKey, file: file, at: entry.position, path: path, expected: expected,
                hint: nearest.map { "nearest known key: \($0)" }))
    }

    private mutating func value(
        _ node: Node, schema: OptionSchema, row: OptionRow, path: String, isSilent: Bool
    ) -> Setting? {
        switch (row.kind, node.value) {
        case (.section, .table(let entries)), (.sectionOr, .table(let entries)):
            let inner = table(entries, at: node.position, schema: schema, path: path, isSilent: isSilent)
            return Setting(value: .table(inner), position: node.position)
        case (.sections, .array(let elements)):
            return sections(elements, node, schema: schema, path: path, isSilent: isSilent)
        default:
            return scalar(node, row: row, path: path)
        }
    }

    private mutating func scalar(_ node: Node, row: OptionRow, path: String) -> Setting? {
        var check = ScalarCheck(files: files)
        let value = check.value(of: node, kind: row.kind, path: path)
        for warning in check.warnings { warn(warning, at: node.position, path: path) }
        for failure in check.failures {
            problems.append(
                Problem(
                    failure.rejection.kind, file: file, at: failure.node.position, path: failure.path,
                    found: row.kind.isSecret ? failure.node.foundKind : failure.node.found,
                    expected: failure.rejection.expected, hint: failure.rejection.hint))
        }
        return value.map { Setting(value: $0, position: node.position) }
    }

    private mutating func sections(
        _ elements: [Node], _ node: Node, schema: OptionSchema, path: String, isSilent: Bool
    ) -> Setting? {
        var settings: [Setting] = []
        for (index, element) in elements.enumerated() {
            let place = "\(path)[\(index + 1)]"
            guard case .table(let entries) = element.value else {
                problems.append(
                    Problem(
                        .malformedNode, file: file, at: element.position, path: place,
                        found: element.found, expected: "a table"))
                continue
            }
            let inner = table(entries, at: element.position, schema: schema, path: place, isSilent: isSilent)
            settings.append(Setting(value: .table(inner), position: element.position))
        }
        return Setting(value: .list(settings), position: node.position)
    }

    mutating func warn(_ text: String, at position: Position, path: String) {
        note(.warning, at: position, path: path, text)
    }

    /// The same of a name that is used and not defined.
    mutating func warnOfDangling(_ text: String, at position: Position, path: String) {
        notes.append(Note(.warning, file: file, at: position, path: path, text: text, isDangling: true))
    }

    mutating func note(_ kind: Note.Kind, at position: Position, path: String, _ text: String) {
        notes.append(Note(kind, file: file, at: position, path: path, text: text))
    }

    mutating func report(_ problem: Problem) { problems.append(problem) }
}

extension Validator {
    /// Puts what was written under another spelling under the name that counts; that name wins if both are there.
    private mutating func resolveAliases(in table: inout SettingTable, schema: OptionSchema, path: String) {
        for (key, child) in schema.children {
            guard let alias = child.row?.alias else { continue }
            if table.isBroken(key) { table.broken.insert(alias.target) }
            guard let given = table.entries.removeValue(forKey: key) else { continue }
            let meant = Setting(value: alias.convert(given.value), position: given.position, spelling: key)
            if let other = table[alias.target], other.position != nil {
                guard other != meant, let position = given.position else { continue }
                warn("\(alias.target) is there too and wins", at: position, path: TOMLPath.appending(key, to: path))
            } else if !table.isBroken(alias.target) {
                table.set(alias.target, to: meant)
            }
        }
    }

    private mutating func fillDefaults(of table: inout SettingTable, schema: OptionSchema, path: String) {
        for (key, child) in schema.children.sorted(by: { $0.key < $1.key }) {
            guard let row = child.row, row.alias == nil, table.entries[key] == nil, !table.isBroken(key)
            else { continue }
            switch row.default {
            case .unset, .computed: break
            case .required:
                problems.append(
                    Problem(
                        .missingKey, file: file, at: table.position, path: TOMLPath.appending(key, to: path),
                        expected: "it must be \(row.kind.expectation)"))
            case .present:
                let place = TOMLPath.appending(key, to: path)
                let inner = self.table([], at: table.position, schema: child, path: place, isSilent: true)
                table.entries[key] = Setting(value: .table(inner), position: nil)
            case .boolean, .integer, .infinity, .text, .list:
                table.entries[key] = row.default.value.map { Setting(value: $0, position: nil) }
            }
        }
    }
}

extension OptionAlias {
    fileprivate func convert(_ value: Setting.Value) -> Setting.Value {
        switch (conversion, value) {
        case (.verifyPeer, .boolean(let verify)): .string(verify ? "peer" : "none")
        case (.verifyPeer, _), (.none, _): value
        }
    }
}

extension OptionDefault {
    /// The value, where there is one that a file could have.
    fileprivate var value: Setting.Value? {
        switch self {
        case .required, .unset, .computed, .present: nil
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value)
        case .infinity: .infinity
        case .text(let value): .string(value)
        case .list(let values): .list(values.map { Setting(value: .string($0), position: nil) })
        }
    }
}
