/// The names of the open elements, as 16-bit sums: enough to see most wrong end tags when they come.
///
/// Two names may have one sum, and elements deeper than `capacity` are not watched; such a mistake is found by the
/// parser at the end of the whole element. A right end tag is never taken for a wrong one.
struct OpenNames: Sendable {
    static let capacity = 8

    private var sum: UInt32 = 0
    private var open = SIMD8<UInt16>()

    /// A name begins.
    mutating func begin() { sum = 0 }

    /// Reads on in a name; answers whether its end was found, at which `at` then stands.
    mutating func read(_ base: UnsafePointer<UInt8>, _ at: inout Int, _ end: Int) -> Bool {
        var sum = sum
        defer { self.sum = sum }
        while at < end {
            switch base[at] {
            case 0x20, 0x09, 0x0a, 0x0d, UInt8(ascii: ">"), UInt8(ascii: "/"), UInt8(ascii: "<"): return true
            case let byte: sum = (sum &<< 5 | sum &>> 27) ^ UInt32(byte)
            }
            at += 1
        }
        return false
    }

    /// The name is that of a start tag inside `depth` others.
    mutating func push(at depth: Int32) {
        if depth < Self.capacity { open[Int(depth)] = folded }
    }

    /// Whether the name may end the element that stands inside `depth` others; a footer (-1) has any name.
    func matches(at depth: Int32) -> Bool {
        depth < 0 || depth >= Self.capacity || open[Int(depth)] == folded
    }

    private var folded: UInt16 { UInt16(truncatingIfNeeded: sum ^ sum &>> 16) }
}
