/// Numbers as bytes: seven bits in each, the lowest first; the top bit says that more follow. Small numbers are short.
struct NumberWriter {
    private(set) var bytes: [UInt8] = []

    init(reserving count: Int) { bytes.reserveCapacity(count) }

    /// A number that is seldom negative; such a one takes ten bytes.
    mutating func add(_ number: Int64) {
        var rest = UInt64(bitPattern: number)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// The step from one number to another, in either direction.
    mutating func add(from start: Int64, to end: Int64) {
        let step = end &- start
        add(step << 1 ^ step >> 63)
    }
}

/// Reads what `NumberWriter` has written.
struct NumberReader {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { at >= bytes.count }

    mutating func next() throws(StorageError) -> Int64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while at < bytes.count, shift < 64 {
            let byte = bytes[at]
            at += 1
            number |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return Int64(bitPattern: number) }
            shift += 7
        }
        throw .corrupt("packed numbers end in the middle of one")
    }

    /// The number to which a step from `start` leads.
    mutating func next(from start: Int64) throws(StorageError) -> Int64 {
        let step = try next()
        return start &+ (Int64(bitPattern: UInt64(bitPattern: step) >> 1) ^ -(step & 1))
    }
}
