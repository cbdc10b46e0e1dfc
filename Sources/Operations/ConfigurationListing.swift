public import IPC

/// Reports about configurations, for people.
public enum ConfigurationListing {
    /// One line for each option: `path = value`, and where it comes from.
    public static func settings(_ report: Value) -> String {
        let rows = report["rows"]?.array ?? []
        let lines = rows.map { row in (text: "\(row.text("path")) = \(row.text("value"))", origin: origin(of: row)) }
        // Long values do not push the others aside.
        let width = min(60, lines.map(\.text.count).max() ?? 0)
        let file = "# \(report.text("configuration"))"
        return ([file] + lines.map { text, origin in
            text + String(repeating: " ", count: max(0, width - text.count)) + "  # \(origin)"
        }).joined(separator: "\n")
    }

    private static func origin(of row: Value) -> String {
        guard let line = row["line"]?.int else { return row.text("origin") }
        let spelling = row["spelling"]?.string.map { ", as \($0)" } ?? ""
        return "line \(line)\(spelling)"
    }

    /// A few lines for each option.
    public static func options(_ report: Value) -> String {
        (report["rows"]?.array ?? []).map { row in
            let facts = ["default", "editions", "state"].map(row.text).filter { !$0.isEmpty }
            return """
                \(row.text("name"))
                    \(row.text("sentence"))
                    takes:   \(row.text("type"))
                    reload:  \(row.text("effect"))
                    \(facts.joined(separator: "; "))
                """
        }.joined(separator: "\n")
    }
}

extension Value {
    /// A text member without what would move a terminal's cursor.
    fileprivate func text(_ name: String) -> String {
        String(String.UnicodeScalarView((self[name]?.string ?? "").unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
