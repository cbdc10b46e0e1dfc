internal import CPlatform

/// Where everything lies in the segment: follows from its sizes alone.
///
/// Almost all of it is a reservation of address space. Memory is used only by pages that were written to.
struct SegmentLayout: Equatable, Sendable {
    let workers: Int
    let listeners: Int
    /// Power of two, at most 65,536.
    let shards: Int
    /// Sessions a shard can hold; power of two.
    let entriesPerShard: Int
    /// 64-byte units for texts that do not fit into their entry; multiple of 64.
    let overflowUnitsPerShard: Int
    /// Places in each table of address timers and of failures; multiple of `placesOfSet`.
    let addressTimers: Int

    static let page = 4096
    /// Places of a table of timers or failures that one text may take.
    static let placesOfSet = 16
    /// Bytes before the places of such a table: its lock has a cache line to itself.
    static let lockBytes = 64
    static let overflowUnit = 64
    /// The smallest index of a shard has 64 cells.
    static let smallestIndexBits = 6
    static let shardStride = MemoryLayout<xmppd_session_shard>.stride
    static let entryStride = MemoryLayout<xmppd_session_entry>.stride
    static let cellStride = MemoryLayout<UInt64>.stride

    /// An index of this size is at most half full when all entries of a shard are in use.
    var largestIndexBits: Int { entriesPerShard.trailingZeroBitCount + 1 }

    var shardHeads: Int { Self.page }
    var entries: Int { Self.pageCeiling(shardHeads + shards * Self.shardStride) }
    var index: Int { entries + shards * Self.pageCeiling(entriesPerShard * Self.entryStride) }
    var overflowMaps: Int { Self.pageCeiling(index(bits: largestIndexBits + 1, shard: 0)) }
    var overflow: Int { Self.pageCeiling(overflowMaps + shards * overflowUnitsPerShard / 8) }
    var workerCells: Int { overflow + shards * Self.pageCeiling(overflowUnitsPerShard * Self.overflowUnit) }
    var listenerCells: Int { Self.pageCeiling(workerCells + workers * MemoryLayout<xmppd_worker_cell>.stride) }
    var timers: Int {
        Self.pageCeiling(listenerCells + workers * listeners * MemoryLayout<xmppd_listener_cell>.stride)
    }
    var timerTable: Int {
        Self.pageCeiling(Self.lockBytes + addressTimers * MemoryLayout<xmppd_address_timer>.stride)
    }
    var failures: Int { timers + AddressTimers.Purpose.allCases.count * timerTable }
    var failureTable: Int {
        Self.pageCeiling(Self.lockBytes + addressTimers * MemoryLayout<xmppd_failure_level>.stride)
    }
    var owners: Int { failures + FailureLevels.Purpose.allCases.count * failureTable }
    var components: Int { owners + Self.pageCeiling(MemoryLayout<xmppd_ownership>.stride) }
    var total: Int { components + Self.pageCeiling(ComponentTable.bytes) }

    /// Indexes of one size lie side by side, so that many small ones share a page.
    func index(bits: Int, shard: Int) -> Int {
        let smaller = shards * Self.cellStride * ((1 << bits) - (1 << Self.smallestIndexBits))
        return index + smaller + shard * Self.cellStride << bits
    }

    func entries(shard: Int) -> Int { entries + shard * Self.pageCeiling(entriesPerShard * Self.entryStride) }
    func overflow(shard: Int) -> Int { overflow + shard * Self.pageCeiling(overflowUnitsPerShard * Self.overflowUnit) }
    func overflowMap(shard: Int) -> Int { overflowMaps + shard * overflowUnitsPerShard / 8 }

    /// Where each part begins, and the end.
    var offsets: [Int] {
        [
            shardHeads, entries, index, overflowMaps, overflow, workerCells, listenerCells, timers, failures, owners, components,
            total,
        ]
    }

    /// All that two builds must agree on.
    var facts: [Int] {
        offsets + [timerTable, failureTable, workers, listeners, shards, entriesPerShard, overflowUnitsPerShard, addressTimers]
    }

    /// Whether the sizes are ones this build would have chosen itself; a header may say anything.
    var isSound: Bool {
        (1...256).contains(workers) && (1...4096).contains(listeners)
            && Self.isPowerOfTwo(shards, upTo: 1 << 16)
            && Self.isPowerOfTwo(entriesPerShard, upTo: 1 << 24) && entriesPerShard >= 64
            && (64...1 << 28).contains(overflowUnitsPerShard) && overflowUnitsPerShard % 64 == 0
            && (Self.placesOfSet...1 << 20).contains(addressTimers) && addressTimers % Self.placesOfSet == 0
    }

    static func pageCeiling(_ bytes: Int) -> Int { bytes.roundedUp(to: page) }

    private static func isPowerOfTwo(_ value: Int, upTo limit: Int) -> Bool {
        value > 0 && value <= limit && value & (value - 1) == 0
    }
}

extension SegmentLayout {
    /// - Parameter sessions: how many sessions there is room for at least, if they spread as hashes do.
    ///   A shard has room for twice its share, because one user's sessions all live in one shard.
    init(workers: Int, listeners: Int = 256, sessions: Int, shards: Int = 128) {
        var entries = 64
        while entries * shards < min(sessions, 1 << 30) * 2 { entries *= 2 }
        self.init(
            workers: workers, listeners: listeners, shards: shards, entriesPerShard: entries,
            overflowUnitsPerShard: entries * 4, addressTimers: 65_536)
    }
}

extension Int {
    /// The next multiple of a power of two.
    func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) & ~(multiple - 1) }
}
