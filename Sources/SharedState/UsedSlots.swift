internal import CPlatform

/// Which slots have ever had a worker. There are cells for many more slots than are used: whoever adds over all of them
/// looks at these only, so that neither time nor memory is spent on the others.
extension SharedSegment {
    /// Says that a worker is about to run in this slot. From any process.
    public func use(_ slot: Int) {
        guard (0..<layout.workers).contains(slot) else { return }
        xmppd_set_bits_u64(xmppd_segment_slots_used(base) + slot / 64, 1 << UInt64(slot % 64))
    }

    /// The version of the layout, which all processes of a server must share.
    public static var layoutVersion: UInt32 { XMPPD_SEGMENT_VERSION }

    var usedSlots: UsedSlots { UsedSlots(words: xmppd_segment_slots_used(base), count: (layout.workers + 63) / 64) }
}

struct UsedSlots: Sequence {
    fileprivate let words: UnsafeMutablePointer<UInt64>
    fileprivate let count: Int

    struct Iterator: IteratorProtocol {
        fileprivate let slots: UsedSlots
        private var word = -1
        private var bits: UInt64 = 0

        fileprivate init(_ slots: UsedSlots) { self.slots = slots }

        mutating func next() -> Int? {
            while bits == 0 {
                word += 1
                guard word < slots.count else { return nil }
                bits = xmppd_load_u64(slots.words + word)
            }
            defer { bits &= bits - 1 }
            return word * 64 + bits.trailingZeroBitCount
        }
    }

    func makeIterator() -> Iterator { Iterator(self) }
}
