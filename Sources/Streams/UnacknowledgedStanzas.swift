/// What was sent and has not been acknowledged (XEP-0198 §4), in order. Counts wrap at 2³² as the XEP's do. Pure.
public struct UnacknowledgedStanzas: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        /// The stanza as it was sent.
        public let bytes: [UInt8]
        /// When, by a clock of the machine, in milliseconds.
        public let sentAt: Int64
        /// The number under which it is still stored, so that it need not be saved from here; 0 if it is not.
        public let receipt: Int64

        public init(bytes: [UInt8], sentAt: Int64, receipt: Int64) {
            self.bytes = bytes
            self.sentAt = sentAt
            self.receipt = receipt
        }
    }

    /// More was acknowledged than was sent.
    public struct TooHigh: Error, Equatable {
        public let sent: UInt32
    }

    /// What the other side has said to have handled.
    public private(set) var acknowledged: UInt32
    /// The highest receipt of all that was ever sent.
    public private(set) var lastReceipt: Int64
    /// Bytes that wait.
    public private(set) var byteCount = 0
    /// Those that wait without being stored elsewhere.
    public private(set) var unstoredCount = 0
    private var entries = WaitingLine<Entry>()
    private var hasWrapped = false

    public init(acknowledged: UInt32 = 0, lastReceipt: Int64 = 0) {
        self.acknowledged = acknowledged
        self.lastReceipt = lastReceipt
    }

    public var count: Int { entries.count }
    public var isEmpty: Bool { count == 0 }
    /// How many stanzas have been sent in all.
    public var sent: UInt32 { acknowledged &+ UInt32(truncatingIfNeeded: count) }
    public var waiting: ArraySlice<Entry> { entries.elements }

    public mutating func append(_ bytes: [UInt8], at now: Int64, receipt: Int64 = 0) {
        entries.append(Entry(bytes: bytes, sentAt: now, receipt: receipt))
        byteCount += bytes.count
        if receipt == 0 { unstoredCount += 1 } else { lastReceipt = max(lastReceipt, receipt) }
    }

    /// The other side has handled so many in all.
    /// - Returns: the highest receipt of those that were acknowledged now; 0 if none has one.
    public mutating func acknowledge(_ handled: UInt32) throws(TooHigh) -> Int64 {
        let news = Int(handled &- acknowledged)
        guard news <= count else {
            // An answer that says less than is known tells nothing new; behind the wrap, near and far cannot be told apart.
            if hasWrapped ? news > Int(UInt32.max / 2) : handled < acknowledged { return 0 }
            throw TooHigh(sent: sent)
        }
        if handled < acknowledged { hasWrapped = true }
        var receipt: Int64 = 0
        for entry in entries.elements.prefix(news) {
            byteCount -= entry.bytes.count
            if entry.receipt == 0 { unstoredCount -= 1 } else { receipt = max(receipt, entry.receipt) }
        }
        entries.removeFirst(news)
        acknowledged = handled
        return receipt
    }
}
