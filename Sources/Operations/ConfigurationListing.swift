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
        return
            ([file]
            + lines.map { text, origin in
                text + String(repeating: " ", count: max(0, width - text.count)) + "  # \(origin)"
            }).joined(separator: "\n")
    }

    /// The settings of a file in groups: what is refused, not in effect, different, works; and how many of each there are.
    public static func review(_ report: Value) -> String {
        let rows = report["rows"]?.array ?? []
        let file = report.text("configuration")
        var parts: [String] = []
        for (verdict, title) in verdicts {
            let own = rows.filter { $0["verdict"]?.string == verdict }
            guard !own.isEmpty else { continue }
            let lines =
                switch verdict {
                case "refused": own.map { $0.text("text") }
                case "works": tables(own, file)
                default:
                    own.map { "\(place($0, file)): \($0.text("path"))" + ($0.text("text").isEmpty ? "" : ": \($0.text("text"))") }
                }
            parts.append(([title] + lines.map { "  \($0)" }).joined(separator: "\n"))
        }
        let numbers = zip(verdicts, ["work", "mean something else", "without effect", "refused"]).map { group, words in
            "\(report["counts"]?[group.verdict]?.int ?? 0) \(words)"
        }
        let count = report["counts"]?["refused"]?.int ?? 0
        let end = count == 0 ? "xmppd would start with it." : "xmppd would not start with it."
        parts.append("\(file): settings: \(numbers.joined(separator: ", ")). \(end)")
        return parts.joined(separator: "\n\n")
    }

    /// What has to be seen to comes last, where a terminal shows it.
    private static let verdicts: [(verdict: String, title: String)] = [
        ("works", "Works:"), ("differs", "Means something else here, or nothing:"),
        ("not yet", "Accepted, without effect in this version:"), ("refused", "Refused:"),
    ]

    private static func place(_ row: Value, _ file: String) -> String { "\(file):\(row["line"]?.int ?? 0)" }

    /// The settings of one table in one line.
    private static func tables(_ rows: [Value], _ file: String) -> [String] {
        var lines: [(table: String, place: String, keys: [String])] = []
        for row in rows {
            let path = row.text("path"), remark = row.text("text")
            let end = path.lastIndex(of: ".") ?? path.startIndex
            let key = path[end...].drop { $0 == "." } + (remark.isEmpty ? "" : " (\(remark))")
            if let index = lines.firstIndex(where: { $0.table == path[..<end] }) {
                lines[index].keys.append(String(key))
            } else {
                lines.append((String(path[..<end]), place(row, file), [String(key)]))
            }
        }
        return lines.map { "\($0.place): " + ($0.table.isEmpty ? "" : "\($0.table): ") + $0.keys.joined(separator: ", ") }
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
        String(
            String.UnicodeScalarView(
                (self[name]?.string ?? "").unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
