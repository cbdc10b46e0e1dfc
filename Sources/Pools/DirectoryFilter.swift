/// Parts of LDAP filters, with what comes from users escaped.
public enum DirectoryFilter {
    /// A value as it stands in a filter (RFC 4515 §3): `*`, `(`, `)`, `\` and zero as `\` and two digits, all other
    /// bytes of UTF-8 as they are.
    public static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "*": result += "\\2a"
            case "(": result += "\\28"
            case ")": result += "\\29"
            case "\\": result += "\\5c"
            case "\0": result += "\\00"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A pattern with its variables replaced, from left to right: what has been put in is not looked at again.
    /// - Parameter values: by the letter after `%`. Of a letter with several the first is used first, the last for all
    ///   the rest; a letter without any stays as it is.
    public static func fill(_ pattern: String, _ values: [Character: [String]]) -> String {
        var result = "", values = values
        var rest = Substring(pattern)
        while let percent = rest.firstIndex(of: "%") {
            result += rest[..<percent]
            let after = rest.index(after: percent)
            guard after < rest.endIndex, let list = values[rest[after]], let first = list.first else {
                result += "%"
                rest = rest[after...]
                continue
            }
            result += first
            if list.count > 1 { values[rest[after]] = Array(list.dropFirst()) }
            rest = rest[rest.index(after: after)...]
        }
        return result + rest
    }

    /// All conditions together.
    public static func all(_ filters: [String]) -> String { filters.count == 1 ? filters[0] : "(&\(filters.joined()))" }

    /// One of the conditions.
    public static func any(_ filters: [String]) -> String { filters.count == 1 ? filters[0] : "(|\(filters.joined()))" }
}
