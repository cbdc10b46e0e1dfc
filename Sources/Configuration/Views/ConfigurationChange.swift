/// One difference between two configurations, and what it means for a server that runs.
public struct ConfigurationChange: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case changed, added, removed
    }

    /// Elements of arrays count from 1, as in the new file; for what was removed as in the old one.
    public let path: String
    public let kind: Kind
    /// As a file would have it, never a secret; nil for a table, and for a default that is no value.
    public let old: String?
    public let new: String?
    /// A clause about the option, from its row.
    public let effect: String
    /// Where it stands in the new file; nil for what was removed and for a default.
    public let position: Position?
}

extension ServerConfiguration {
    /// What is different from an older configuration, option by option, in the order of the manual. A file that is
    /// named, a certificate, counts with its contents.
    public func changes(from older: ServerConfiguration) -> [ConfigurationChange] {
        var walk = ChangeWalk()
        walk.visit(older.tree, tree, OptionTable.tree().schema, nil, "")
        return walk.changes
    }
}

/// Goes through two trees of settings beside the option rows.
private struct ChangeWalk {
    private(set) var changes: [ConfigurationChange] = []

    /// - Parameter row: that of the table, for keys that have none of their own.
    mutating func visit(_ old: SettingTable, _ new: SettingTable, _ schema: OptionSchema, _ row: OptionRow?, _ path: String) {
        let keys = Set(old.entries.keys).union(new.entries.keys)
        let ordered = path.isEmpty ? SettingWalk.sections.filter(keys.contains) : keys.sorted()
        for key in ordered {
            let child = schema.child(key) ?? OptionSchema()
            let place = TOMLPath.appending(key, to: path)
            compare(old.entries[key], new.entries[key], child, child.row ?? row, place)
        }
    }

    private mutating func compare(_ old: Setting?, _ new: Setting?, _ schema: OptionSchema, _ row: OptionRow?, _ path: String) {
        switch (old?.value, new?.value) {
        case (.table(let old)?, .table(let new)?): visit(old, new, schema, row, path)
        case (.list(let old)?, .list(let new)?) where (old + new).allSatisfy(\.isTable):
            compare(old.compactMap(\.table), new.compactMap(\.table), schema, row, path)
        default: if old != new { add(path, old, new, row) }
        }
    }

    /// Elements of an array of tables, of which each is the one it was or not.
    private mutating func compare(
        _ old: [SettingTable], _ new: [SettingTable], _ schema: OptionSchema, _ row: OptionRow?, _ path: String
    ) {
        let partners = ElementPairs.partners(of: new, before: old, at: path)
        for place in old.indices where !partners.contains(place) {
            add("\(path)[\(place + 1)]", .removed, row, position: nil)
        }
        for (place, partner) in partners.enumerated() {
            let element = "\(path)[\(place + 1)]"
            if let partner {
                visit(old[partner], new[place], schema, row, element)
            } else {
                add(element, .added, row, position: new[place].position)
            }
        }
    }

    private mutating func add(_ path: String, _ old: Setting?, _ new: Setting?, _ row: OptionRow?) {
        let kind: ConfigurationChange.Kind = old == nil ? .added : new == nil ? .removed : .changed
        changes.append(
            ConfigurationChange(
                path: path, kind: kind, old: old?.plainText, new: new?.plainText, effect: row?.effect ?? ReloadEffect.atOnce,
                position: new?.position))
    }

    private mutating func add(_ path: String, _ kind: ConfigurationChange.Kind, _ row: OptionRow?, position: Position?) {
        changes.append(
            ConfigurationChange(
                path: path, kind: kind, old: nil, new: nil, effect: row?.effect ?? ReloadEffect.atOnce, position: position))
    }
}

/// Which element of an array of tables was which before.
private enum ElementPairs {
    /// For each new element, the place of the old one that it is.
    static func partners(of new: [SettingTable], before old: [SettingTable], at path: String) -> [Int?] {
        if path.hasPrefix("listen.") {
            return ListenerFate.all(of: identities(new), before: identities(old)).map(\.predecessor)
        }
        let names = ["domain", "host", "host_type"]
        let isNamed = (old + new).allSatisfy { table in names.contains { table.string($0) != nil } }
        guard isNamed else { return new.indices.map { old.indices.contains($0) ? $0 : nil } }
        func name(_ table: SettingTable) -> String? { names.lazy.compactMap { table.string($0) }.first }
        var free = Set(old.indices)
        return new.map { element in
            let match = old.indices.first { free.contains($0) && name(old[$0]) == name(element) }
            return match.flatMap { free.remove($0) }
        }
    }

    private static func identities(_ tables: [SettingTable]) -> [ListenerIdentity] {
        tables.enumerated().map { position, table in
            let place = ListenerAddress(table)
            return ListenerIdentity(
                kind: "", position: position, address: place.address, port: place.port, transport: place.transport)
        }
    }
}

extension Setting {
    fileprivate var table: SettingTable? {
        guard case .table(let table) = value else { return nil }
        return table
    }

    /// The value in words; nil for what has several lines in a file.
    fileprivate var plainText: String? {
        switch value {
        case .table: nil
        case .list(let elements) where elements.contains(where: \.isTable): nil
        default: text
        }
    }
}
