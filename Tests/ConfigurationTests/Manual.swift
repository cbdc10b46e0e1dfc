@testable import Configuration

/// The list of options in xmppd.toml(5), made from the rows.
enum Manual {
    static let begin = ".\\\" Options: begin of what the option table says"
    static let end = ".\\\" Options: end of what the option table says"

    /// The list in mdoc, from the first mark to the last, each with its line's end.
    static var optionList: String {
        var lines = [begin]
        var section = ""
        for row in OptionTable.rows {
            let own = heading(of: row.path)
            if own != section {
                if !section.isEmpty { lines.append(".El") }
                section = own
                lines += [".Ss \(own)", ".Bl -tag -width Ds"]
            }
            lines += item(row)
        }
        lines += [".El", end]
        return lines.joined(separator: "\n") + "\n"
    }

    static let beginListenKeys = ".\\\" Keys of listeners: begin of what the option table says"
    static let endListenKeys = ".\\\" Keys of listeners: end of what the option table says"

    /// What holds of each key of listeners, by number; in mdoc like the list of options.
    static var listenKeyTable: String {
        var lines = [beginListenKeys, ".Bl -tag -width 4n -compact"]
        for (index, name) in ListenKeys.names.enumerated() {
            lines.append(".It \(index + 1)")
            lines.append(".Ic \(escaped(name)) :")
            lines += wrapped(ListenKeys.state(of: name) + ".")
        }
        return (lines + [".El", endListenKeys]).joined(separator: "\n") + "\n"
    }

    /// The section a path belongs to: `general`, `listen.c2s`, `modules.mod_ping`.
    private static func heading(of path: String) -> String {
        let parts = path.split(separator: ".").map { $0.hasSuffix("[]") ? $0.dropLast(2) : $0 }
        let isDeep = ["listen", "modules", "outgoing_pools"].contains(String(parts[0]))
        guard isDeep, parts.count > 1, parts[1] != "*" else { return String(parts[0]) }
        return "\(parts[0]).\(parts[1])"
    }

    private static func item(_ row: OptionRow) -> [String] {
        var lines = [".It Ic \(name(row.path))"]
        lines += sentences(row.sentence).flatMap(wrapped)
        lines += wrapped(capitalised(row.kind.expectation) + ".")
        if let text = defaultText(row) { lines += wrapped(text) }
        if let state = stateText(row) { lines.append(state) } else { lines += wrapped("On a reload: \(row.effect).") }
        if row.editions == .release5 { lines.append("In files for MongooseIM 5.") }
        return lines
    }

    private static func sentences(_ text: String) -> [String] {
        var sentences: [String] = []
        var current: [Substring] = []
        for word in text.split(separator: " ") {
            current.append(word)
            guard word.hasSuffix(".") else { continue }
            sentences.append(current.joined(separator: " "))
            current = []
        }
        return current.isEmpty ? sentences : sentences + [current.joined(separator: " ")]
    }

    /// Lines of at most 78 characters where the words allow it.
    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < 78 {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.map(escaped)
    }

    private static func defaultText(_ row: OptionRow) -> String? {
        switch row.default {
        case .required: "Mandatory."
        case .unset, .present: nil
        case .computed(let text): "Default: \(text)."
        case .boolean(let value): "Default: \(value)."
        case .integer(let value): "Default: \(value)."
        case .infinity: "Default: \"infinity\"."
        case .text(let text): "Default: \"\(text)\"."
        case .list(let values): "Default: [" + values.map { "\"\($0)\"" }.joined(separator: ", ") + "]."
        }
    }

    private static func stateText(_ row: OptionRow) -> String? {
        switch row.state {
        case .inEffect: nil
        case .notYet: ".Em Accepted, not yet in effect ."
        case .accepted(let text): ".Em Accepted : \(escaped(text)) ."
        case .refused(let text): ".Em Refused : \(escaped(text)) ."
        }
    }

    /// A line may end within a long path, where a table of it ends.
    private static func name(_ path: String) -> String {
        path.count < 60 ? escaped(path) : escaped(path).split(separator: ".").joined(separator: ".\\:")
    }

    private static func capitalised(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst()
    }

    /// What roff would read as its own is written so that it does not.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "'" where result.isEmpty, "." where result.isEmpty: result += "\\&\(character)"
            default: result.append(character)
            }
        }
        return result
    }
}
