internal import Synchronization

/// The option rows as a tree, in which the checker walks beside the file.
struct OptionSchema: Sendable {
    /// Nil for a part of a path that has no row of its own.
    var row: OptionRow?
    var children: [String: OptionSchema] = [:]
    /// What a name of the operator's own choice leads to.
    var anyName: [OptionSchema] = []

    /// The schema of a child; a name of its own goes before the operator's choice.
    func child(_ key: String) -> OptionSchema? { children[key] ?? anyName.first }

    init() {}

    init(rows: [OptionRow]) {
        for row in rows {
            let parts = row.path.split(separator: ".").map { part in
                part.hasSuffix("[]") ? String(part.dropLast(2)) : String(part)
            }
            insert(row, at: parts[...])
        }
    }

    private mutating func insert(_ row: OptionRow, at parts: ArraySlice<String>) {
        guard let first = parts.first else {
            self.row = row
            return
        }
        if first == "*" {
            var child = anyName.first ?? OptionSchema()
            child.insert(row, at: parts.dropFirst())
            anyName = [child]
        } else {
            children[first, default: OptionSchema()].insert(row, at: parts.dropFirst())
        }
    }
}

extension OptionSchema {
    /// Puts what is below another place below a child, too; the child keeps its own row.
    fileprivate mutating func graft(_ source: OptionSchema?, onto parent: String, as child: String) {
        guard var copy = source else { return }
        copy.row = children[parent]?.children[child]?.row
        children[parent]?.children[child] = copy
    }
}

/// All rows there are, and the tree made of them.
public enum OptionTable {
    /// Every option, section by section, as the manual lists them.
    public static let rows: [OptionRow] =
        GeneralOptions.rows + ListenerOptions.rows + ClientListenerOptions.rows
        + ServerListenerOptions.rows + HTTPListenerOptions.rows
        + AuthenticationOptions.rows + AccessOptions.rows + ModuleOptionRows.rows
        + HostOptions.rows + FederationOptions.rows + PoolOptions.rows + ServiceOptions.rows
        + NativeOptions.rows

    /// The names of all modules that may be configured, sorted.
    public static var moduleNames: [String] {
        let table = "modules."
        return rows.compactMap { row in
            guard row.path.hasPrefix(table) else { return nil }
            let rest = row.path.dropFirst(table.count)
            return rest == "*" || rest.utf8.contains(UInt8(ascii: ".")) ? nil : String(rest)
        }.sorted()
    }

    /// The row of a path as a row writes it (`modules.mod_ping.ping_interval`).
    public static func row(_ path: String) -> OptionRow? { places[path].map { rows[$0] } }

    private static let places = Dictionary(
        rows.enumerated().map { ($0.element.path, $0.offset) }, uniquingKeysWith: { first, _ in first })

    /// The tree: it is needed while a file is checked, and goes when nobody has it any more. Whoever checks many files keeps it.
    public static func tree() -> OptionTree {
        kept.withLock { kept in
            if let tree = kept.tree { return tree }
            let tree = OptionTree()
            kept.tree = tree
            return tree
        }
    }

    private struct Kept { weak var tree: OptionTree? }
    private static let kept = Mutex(Kept())
}

/// The tree of all rows. Those who check files at the same time share one.
public final class OptionTree: Sendable {
    let schema: OptionSchema

    /// Sections that `host_config` may override stand below it with the rows they have at the top; the keys
    /// that every module takes stand in each of them; a component may be spelled two ways.
    fileprivate init() {
        var root = OptionSchema(rows: OptionTable.rows)
        if var modules = root.children["modules"] {
            let common = modules.anyName.first?.children ?? [:]
            modules.anyName = []
            for name in modules.children.keys {
                modules.children[name]?.children.merge(common) { own, _ in own }
            }
            root.children["modules"] = modules
        }
        for section in ["auth", "modules", "acl", "access", "s2s", "outgoing_pools"] {
            root.graft(root.children[section], onto: "host_config", as: section)
        }
        root.graft(root.children["listen"]?.children["service"], onto: "listen", as: "component")
        schema = root
    }
}
