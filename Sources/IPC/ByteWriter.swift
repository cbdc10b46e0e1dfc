/// Appends fields to a byte array: integers little-endian, texts and byte strings after their length (u32).
public struct ByteWriter: Sendable {
    public private(set) var bytes: [UInt8]

    public init(reservingCapacity capacity: Int = 64) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    public mutating func uint8(_ value: UInt8) { bytes.append(value) }

    public mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }

    public mutating func uint16(_ value: UInt16) { integer(value) }

    public mutating func uint32(_ value: UInt32) { integer(value) }

    public mutating func uint64(_ value: UInt64) { integer(value) }

    public mutating func int8(_ value: Int8) { uint8(UInt8(bitPattern: value)) }

    public mutating func int32(_ value: Int32) { integer(UInt32(bitPattern: value)) }

    public mutating func int64(_ value: Int64) { integer(UInt64(bitPattern: value)) }

    public mutating func double(_ value: Double) { integer(value.bitPattern) }

    /// A number of things that follow; a number beyond u32 is written as its maximum, which no reader accepts.
    public mutating func count(_ value: Int) { integer(UInt32(clamping: value)) }

    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { text in
            count(text.count)
            bytes.append(contentsOf: text)
        }
    }

    public mutating func data(_ value: some Collection<UInt8>) {
        count(value.count)
        bytes.append(contentsOf: value)
    }

    /// Bytes without a length: the rest of the message.
    public mutating func rest(_ value: some Collection<UInt8>) { bytes.append(contentsOf: value) }

    private mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
