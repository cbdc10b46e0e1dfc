/// Base 64 of RFC 4648 §4, strict: no white space, no missing padding, no spare bits.
///
/// RFC 6120 §6.4.2 forbids white space in SASL data, and a coder that accepts two spellings of the same bytes
/// would make two different SCRAM messages compare equal.
public enum Base64 {
    /// The text of `bytes`; empty for no bytes.
    public static func encode(_ bytes: [UInt8]) -> String {
        let length = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: length) { out in
            var position = 0
            var index = 0
            while index < bytes.count {
                let rest = bytes.count - index
                let first = UInt32(bytes[index]) << 16
                let second = rest > 1 ? UInt32(bytes[index + 1]) << 8 : 0
                let third = rest > 2 ? UInt32(bytes[index + 2]) : 0
                let group = first | second | third
                out[position] = digit(group >> 18)
                out[position + 1] = digit(group >> 12)
                out[position + 2] = rest > 1 ? digit(group >> 6) : padding
                out[position + 3] = rest > 2 ? digit(group) : padding
                position += 4
                index += 3
            }
            return length
        }
    }

    /// The bytes of `text`, or nil when it is not exactly what `encode` would have written.
    public static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { decode(UnsafeRawBufferPointer($0)) }
    }

    /// The bytes that the characters in `text` spell, or nil when they are not strict base 64.
    public static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        guard !text.isEmpty else { return [] }
        var missing = 0
        if text[text.count - 1] == padding { missing = text[text.count - 2] == padding ? 2 : 1 }
        var result: [UInt8] = []
        result.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0
        for (index, character) in text.dropLast(missing).enumerated() {
            guard let value = value(of: character) else { return nil }
            group = group << 6 | value
            if index % 4 == 3 {
                result.append(UInt8(truncatingIfNeeded: group >> 16))
                result.append(UInt8(truncatingIfNeeded: group >> 8))
                result.append(UInt8(truncatingIfNeeded: group))
                group = 0
            }
        }
        return finish(result, group, missing: missing)
    }

    /// Appends what the last, padded group of four holds; nil when its spare bits are not zero.
    private static func finish(_ bytes: [UInt8], _ group: UInt32, missing: Int) -> [UInt8]? {
        switch missing {
        case 0:
            return bytes
        case 1:
            guard group & 0b11 == 0 else { return nil }
            return bytes + [UInt8(truncatingIfNeeded: group >> 10), UInt8(truncatingIfNeeded: group >> 2)]
        default:
            guard group & 0b1111 == 0 else { return nil }
            return bytes + [UInt8(truncatingIfNeeded: group >> 4)]
        }
    }

    private static let padding = UInt8(ascii: "=")

    private static func digit(_ bits: UInt32) -> UInt8 {
        switch UInt8(bits & 63) {
        case let value where value < 26: UInt8(ascii: "A") + value
        case let value where value < 52: UInt8(ascii: "a") + value - 26
        case let value where value < 62: UInt8(ascii: "0") + value - 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
