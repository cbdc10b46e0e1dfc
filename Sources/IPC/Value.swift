/// A value of a verb's arguments or result: what JSON can say, in a binary form.
public enum Value: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([Value])
    /// Pairs in their order; of two with one name the first counts.
    case object([Member])

    public struct Member: Sendable, Equatable {
        public var name: String
        public var value: Value

        public init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// How deep arrays and objects may be nested.
    public static let depthLimit = 32
}

extension Value {
    /// The member of an object; nil for any other value.
    public subscript(_ name: String) -> Value? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    public var isNull: Bool { self == .null }

    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    public var int: Int64? {
        if case .int(let value) = self { value } else { nil }
    }

    /// A number, whole or not.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    public var array: [Value]? {
        if case .array(let value) = self { value } else { nil }
    }

    public var members: [Member]? {
        if case .object(let value) = self { value } else { nil }
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, Value)...) { self = .object(elements.map { Member($0.0, $0.1) }) }
    public init(nilLiteral: ()) { self = .null }
}

extension ByteWriter {
    /// Values nested beyond `Value.depthLimit` are written as null, so that what is written can be read.
    public mutating func value(_ value: Value) { self.value(value, depth: 0) }

    private mutating func value(_ value: Value, depth: Int) {
        switch value {
        case .null: uint8(Tag.null)
        case .bool(let value): uint8(value ? Tag.yes : Tag.no)
        case .int(let value):
            uint8(Tag.int)
            int64(value)
        case .double(let value):
            uint8(Tag.double)
            double(value)
        case .string(let value):
            uint8(Tag.string)
            string(value)
        case .array where depth == Value.depthLimit, .object where depth == Value.depthLimit: uint8(Tag.null)
        case .array(let elements):
            uint8(Tag.array)
            count(elements.count)
            for element in elements { self.value(element, depth: depth + 1) }
        case .object(let members):
            uint8(Tag.object)
            count(members.count)
            for member in members {
                string(member.name)
                self.value(member.value, depth: depth + 1)
            }
        }
    }
}

extension ByteReader {
    public mutating func value() throws(WireError) -> Value { try value(depth: 0) }

    private mutating func value(depth: Int) throws(WireError) -> Value {
        switch try uint8() {
        case Tag.null: return .null
        case Tag.no: return .bool(false)
        case Tag.yes: return .bool(true)
        case Tag.int: return .int(try int64())
        case Tag.double: return .double(try double())
        case Tag.string: return .string(try string())
        case Tag.array:
            guard depth < Value.depthLimit else { throw .tooDeep }
            var elements: [Value] = []
            for _ in 0..<(try count(ofSize: 1)) { elements.append(try value(depth: depth + 1)) }
            return .array(elements)
        case Tag.object:
            guard depth < Value.depthLimit else { throw .tooDeep }
            var members: [Value.Member] = []
            for _ in 0..<(try count(ofSize: 5)) {
                let name = try string()
                members.append(Value.Member(name, try value(depth: depth + 1)))
            }
            return .object(members)
        case let tag: throw .unknownTag(tag)
        }
    }
}

private enum Tag {
    static let null: UInt8 = 0, no: UInt8 = 1, yes: UInt8 = 2, int: UInt8 = 3
    static let double: UInt8 = 4, string: UInt8 = 5, array: UInt8 = 6, object: UInt8 = 7
}
