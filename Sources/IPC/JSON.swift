/// Values as JSON (RFC 8259), two spaces to a level.
public enum JSON {
    public static func text(of value: Value) -> String {
        var text = ""
        append(value, to: &text, indent: "")
        return text
    }

    private static func append(_ value: Value, to text: inout String, indent: String) {
        switch value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let number): text += "\(number)"
        case .double(let number): text += number.isFinite ? "\(number)" : "null"
        case .string(let string): append(string, to: &text)
        case .array(let elements):
            append(elements, "[", "]", to: &text, indent: indent) { element, text, indent in
                append(element, to: &text, indent: indent)
            }
        case .object(let members):
            append(members, "{", "}", to: &text, indent: indent) { member, text, indent in
                append(member.name, to: &text)
                text += ": "
                append(member.value, to: &text, indent: indent)
            }
        }
    }

    private static func append<Part>(
        _ parts: [Part], _ opening: String, _ closing: String, to text: inout String, indent: String,
        each: (Part, inout String, String) -> Void
    ) {
        text += opening
        for (index, part) in parts.enumerated() {
            text += (index == 0 ? "\n" : ",\n") + indent + "  "
            each(part, &text, indent + "  ")
        }
        if !parts.isEmpty { text += "\n" + indent }
        text += closing
    }

    private static func append(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
