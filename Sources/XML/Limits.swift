/// What one element may cost at most. Every bound is checked before more than it is buffered.
public struct Limits: Sendable, Equatable {
    /// Bytes of one top-level element, from its `<` to its last `>`; `Int.max` is no limit but that of the format, 1 GiB.
    public var bytes: Int {
        didSet { bytes = min(bytes, Limits.largest) }
    }
    /// Elements inside one another, the top-level one counted; never more than `deepest`.
    public var depth: Int {
        didSet { depth = min(depth, Limits.deepest) }
    }
    /// Attributes of one element, namespace declarations among them.
    public var attributes: Int
    /// Elements in one top-level element: whoever looks at its children takes time for each of them, however small they are.
    public var elements: Int

    public init(bytes: Int, depth: Int = 128, attributes: Int = 128, elements: Int = .max) {
        self.bytes = min(bytes, Limits.largest)
        self.depth = min(depth, Limits.deepest)
        self.attributes = attributes
        self.elements = elements
    }

    /// Elements in what a client sends, at most; no stanza in use has as many.
    public static let mostElements = 1 << 14

    /// Offsets in an element are 30 bits wide.
    public static let largest = 1 << 30
    /// Elements are compared and written by functions that call themselves.
    public static let deepest = 1024
    /// Bytes of one start tag. A reader of namespaces copies their names into those of the attributes, so that a
    /// long tag could cost memory as the square of its length.
    public static let longestTag = 1 << 16
}

/// Why bytes were not taken as an element.
public enum Malformed: Error, Sendable, Equatable {
    /// Not XML, or not namespace-well-formed (RFC 6120 §4.9.3.13).
    case notWellFormed
    /// A comment, processing instruction, DTD or entity reference (RFC 6120 §11.1).
    case restricted
    /// Bytes that are no UTF-8, or an XML declaration that names another encoding (RFC 6120 §4.9.3.22).
    case unsupportedEncoding
    /// Over `Limits.bytes`, `Limits.elements` or `Limits.longestTag`, or more than twice as large as it was sent once it is written again.
    case tooBig
    /// Over `Limits.depth`.
    case tooDeep
    /// Over `Limits.attributes`, or a name too long to store.
    case tooManyAttributes
}
