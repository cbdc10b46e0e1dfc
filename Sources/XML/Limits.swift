/// What one element may cost at most. Every bound is checked before more than it is buffered.
public struct Limits: Sendable, Equatable {
    /// Bytes of one top-level element, from its `<` to its last `>`; `Int.max` is no limit but that of the format, 1 GiB.
    public var bytes: Int
    /// Elements inside one another, the top-level one counted.
    public var depth: Int
    /// Attributes of one element.
    public var attributes: Int

    public init(bytes: Int, depth: Int = 128, attributes: Int = 128) {
        self.bytes = min(bytes, Limits.largest)
        self.depth = depth
        self.attributes = attributes
    }

    /// Offsets in an element are 30 bits wide.
    public static let largest = 1 << 30
}

/// Why bytes were not taken as an element.
public enum Malformed: Error, Sendable, Equatable {
    /// Not XML, or not namespace-well-formed (RFC 6120 §4.9.3.13).
    case notWellFormed
    /// A comment, processing instruction, DTD or entity reference (RFC 6120 §11.1).
    case restricted
    /// The XML declaration names an encoding other than UTF-8 (RFC 6120 §4.9.3.22).
    case unsupportedEncoding
    /// Over `Limits.bytes`.
    case tooBig
    /// Over `Limits.depth`.
    case tooDeep
    /// Over `Limits.attributes`, or a name too long to store.
    case tooManyAttributes
}
