/// Eight bytes looked at together. What is found is the high bit of each byte; only the first is certain, those
/// after it may be there by a borrow.
struct EightBytes {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    private let word: UInt64

    @inline(__always)
    init(at start: UnsafePointer<UInt8>) {
        word = UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
    }

    private init(_ word: UInt64) { self.word = word }

    /// The bytes that are equal to one.
    @inline(__always)
    func equal(to byte: UInt8) -> UInt64 {
        let difference = word ^ Self.ones &* UInt64(byte)
        return (difference &- Self.ones) & ~difference & Self.highs
    }

    /// The bytes below a bound, which is at most 128.
    @inline(__always)
    func below(_ bound: UInt8) -> UInt64 { (word &- Self.ones &* UInt64(bound)) & ~word & Self.highs }

    /// With some bits set in each byte.
    @inline(__always)
    func setting(_ bits: UInt8) -> EightBytes { EightBytes(word | Self.ones &* UInt64(bits)) }

    /// Where the first of what was found lies.
    @inline(__always)
    static func first(_ found: UInt64) -> Int { found.trailingZeroBitCount / 8 }
}
