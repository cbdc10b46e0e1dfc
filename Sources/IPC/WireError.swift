/// Why bytes are not what the contract says.
///
/// Between processes of the server it means a bug or a break-in (the receiver ends the peer or itself, H28 of the
/// house); on the control socket it is an error reply.
public enum WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end before the field does.
    case truncated
    /// This many bytes follow the last field.
    case trailingBytes(Int)
    /// A text is not UTF-8.
    case invalidText
    /// A length, count or frame exceeds its bound.
    case oversize(Int, limit: Int)
    /// A tag that no value of this field has.
    case unknownTag(UInt8)
    /// A kind that no message to this receiver has.
    case unknownKind(UInt16)
    /// Values are nested deeper than `Value.depthLimit`.
    case tooDeep
    /// A frame that must bring a descriptor came without one.
    case missingDescriptor

    public var description: String {
        switch self {
        case .truncated: "the message ends within a field"
        case .trailingBytes(let count): "\(count) bytes follow the last field"
        case .invalidText: "a text is not UTF-8"
        case .oversize(let size, let limit): "a length of \(size) exceeds the limit of \(limit)"
        case .unknownTag(let tag): "unknown tag \(tag)"
        case .unknownKind(let kind): "unknown kind of message \(kind)"
        case .tooDeep: "values are nested deeper than \(Value.depthLimit)"
        case .missingDescriptor: "the descriptor of the message is missing"
        }
    }
}
