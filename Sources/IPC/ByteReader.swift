/// Reads the fields that `ByteWriter` writes, one by one, each checked against what is left. Ask `end()` last.
///
/// No length is believed before the bytes for it are there, so a hostile count costs no memory.
public struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// How many bytes have not been read.
    public var remaining: Int { bytes.endIndex - position }

    public mutating func uint8() throws(WireError) -> UInt8 {
        guard position < bytes.endIndex else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    public mutating func bool() throws(WireError) -> Bool {
        switch try uint8() {
        case 0: false
        case 1: true
        case let tag: throw .unknownTag(tag)
        }
    }

    public mutating func uint16() throws(WireError) -> UInt16 { try integer(UInt16.self) }

    public mutating func uint32() throws(WireError) -> UInt32 { try integer(UInt32.self) }

    public mutating func uint64() throws(WireError) -> UInt64 { try integer(UInt64.self) }

    public mutating func int8() throws(WireError) -> Int8 { Int8(bitPattern: try uint8()) }

    public mutating func int32() throws(WireError) -> Int32 { Int32(bitPattern: try uint32()) }

    public mutating func int64() throws(WireError) -> Int64 { Int64(bitPattern: try uint64()) }

    public mutating func double() throws(WireError) -> Double { Double(bitPattern: try uint64()) }

    /// A number of things that follow, each of at least `size` bytes.
    public mutating func count(ofSize size: Int) throws(WireError) -> Int {
        let count = Int(try uint32())
        guard count <= remaining / max(1, size) else { throw .truncated }
        return count
    }

    public mutating func string() throws(WireError) -> String {
        let slice = try take(count(ofSize: 1))
        guard let text = String(validating: slice, as: UTF8.self) else { throw .invalidText }
        return text
    }

    public mutating func data() throws(WireError) -> ArraySlice<UInt8> { try take(count(ofSize: 1)) }

    /// Everything that is left.
    public mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    /// The message must be over.
    public func end() throws(WireError) {
        guard remaining == 0 else { throw .trailingBytes(remaining) }
    }

    private mutating func take(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count <= remaining else { throw .truncated }
        defer { position += count }
        return bytes[position..<position + count]
    }

    private mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(WireError) -> T {
        let size = MemoryLayout<T>.size
        guard size <= remaining else { throw .truncated }
        var value: T = 0
        for offset in stride(from: size - 1, through: 0, by: -1) {
            value = value << 8 | T(truncatingIfNeeded: bytes[position + offset])
        }
        position += size
        return value
    }
}
