public import XML

/// What an element must be like: an element written down, of which the attributes and children named must be there.
///
/// The value `*` stands for any, `-` for none; `$name` stands for the value it had where it was first met.
public struct ElementPattern: CustomStringConvertible {
    private let element: Element
    public let description: String

    public init(_ text: String) throws {
        description = text
        element = try Array(text.utf8).withUnsafeBytes {
            try ElementParser().element($0, in: .client, limits: Limits(bytes: 1 << 20))
        }
    }

    public func matches(_ other: Element, _ values: inout [String: String]) -> Bool { Self.matches(element, other, &values) }

    private static func matches(_ pattern: Element, _ element: Element, _ values: inout [String: String]) -> Bool {
        guard element.is(pattern.name, pattern.namespace) else { return false }
        for (name, wanted) in pattern.attributes where !matches(wanted, element[name], &values) { return false }
        if pattern.firstChild == nil, !pattern.text.isEmpty, pattern.text != element.text { return false }
        for wanted in pattern.children {
            var found = false
            for child in element.children where !found { found = matches(wanted, child, &values) }
            if !found { return false }
        }
        return true
    }

    private static func matches(_ wanted: String, _ value: String?, _ values: inout [String: String]) -> Bool {
        guard wanted != "-" else { return value == nil }
        guard let value else { return false }
        guard wanted != "*" else { return true }
        guard wanted.hasPrefix("$") else { return wanted == value }
        let known = values[wanted, default: value]
        values[wanted] = known
        return known == value
    }
}
