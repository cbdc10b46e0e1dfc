extension OptionKind {
    /// What a value must be, as error messages and the manual say it.
    var expectation: String {
        switch self {
        case .boolean: "true or false"
        case .booleanOrSpelling: "true or false"
        case .integer(let range, let unit): Self.integer(range, unit)
        case .integerOrInfinity(let range, let unit): Self.integer(range, unit) + " or \"infinity\""
        case .float: "a number with a fraction, such as 1.0"
        case .integers(let values): values.map(String.init).joined(separator: " or ")
        case .text(let rule): rule.expectation
        case .choice(let values) where values.count == 1: "\"\(values[0])\""
        case .choice(let values): "one of " + values.map { "\"\($0)\"" }.joined(separator: ", ")
        case .secret: "a non-empty string"
        case .file(.any): "the path of a readable file"
        case .file(let use): "the path of a readable file with \(use.rawValue)"
        case .variable: "the name of a variable of the server's environment"
        case .list(let element, let atLeastOne):
            (atLeastOne ? "a non-empty array" : "an array") + " without repetitions, each element \(element.expectation)"
        case .either(let kinds): kinds.map(\.expectation).joined(separator: ", or ")
        case .section: "a table"
        case .sections: "an array of tables"
        case .sectionOr(let kind): "a table, or \(kind.expectation)"
        case .free: "any value"
        }
    }

    private static func integer(_ range: ClosedRange<Int64>, _ unit: OptionUnit) -> String {
        let isOpen = range.upperBound >= Int64(Int32.max)
        let bounds =
            isOpen
            ? "an integer of \(range.lowerBound) or more"
            : "an integer from \(range.lowerBound) to \(range.upperBound)"
        return unit == .none ? bounds : "\(bounds) (\(unit.rawValue))"
    }
}

extension Node {
    /// The value as TOML would write it, shortened; containers by their kind.
    var found: String {
        switch value {
        case .table: "a table"
        case .array(let elements):
            elements.isEmpty ? "an empty array" : "an array of \(elements.count)"
        case .string(let text): Self.quoted(text)
        case .integer(let value): String(value)
        case .float(let value): String(value)
        case .boolean(let value): String(value)
        case .date: "a date or time"
        }
    }

    /// The kind alone, for what must not be shown.
    var foundKind: String {
        switch value {
        case .string(let text): text.isEmpty ? "an empty string" : "a string"
        case .integer: "an integer"
        case .float: "a float"
        case .boolean: "a boolean"
        case .table, .array, .date: found
        }
    }

    static func quoted(_ text: String) -> String { quoted(text, limit: 60) }

    /// `limit`: how many characters are shown.
    static func quoted(_ text: String, limit: Int) -> String {
        let short = text.prefix(limit)
        var result = "\""
        for scalar in short.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f: result += "?"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + (short.endIndex < text.endIndex ? "…\"" : "\"")
    }
}
