internal import CPlatform

/// The parts of the segment that the session table consists of, as mapped into this process.
struct SessionArea {
    let shards: Int
    let entriesPerShard: Int
    let largestIndexBits: Int
    let seed: UnsafePointer<UInt64>
    private let heads: UnsafeMutablePointer<xmppd_session_shard>
    private let entries: UnsafeMutableRawPointer
    private let entriesStride: Int
    private let indexes: UnsafeMutableRawPointer
    private let overflow: UnsafeMutableRawPointer
    private let overflowStride: Int
    private let overflowMaps: UnsafeMutableRawPointer
    private let overflowUnits: Int

    init(_ segment: SharedSegment) {
        let layout = segment.layout
        shards = layout.shards
        entriesPerShard = layout.entriesPerShard
        largestIndexBits = layout.largestIndexBits
        seed = segment.seed
        heads = (segment.base + layout.shardHeads).assumingMemoryBound(to: xmppd_session_shard.self)
        entries = segment.base + layout.entries
        entriesStride = layout.entries(shard: 1) - layout.entries
        indexes = segment.base + layout.index
        overflow = segment.base + layout.overflow
        overflowStride = layout.overflow(shard: 1) - layout.overflow
        overflowMaps = segment.base + layout.overflowMaps
        overflowUnits = layout.overflowUnitsPerShard
    }

    @inline(__always)
    func head(_ number: Int) -> UnsafeMutablePointer<xmppd_session_shard> { heads + number }

    @inline(__always)
    func shard(_ number: Int) -> SessionShard {
        let head = heads + number
        let overflow = OverflowStore(
            head: head,
            map: (overflowMaps + number &* (overflowUnits / 8)).assumingMemoryBound(to: UInt64.self),
            area: (overflow + number &* overflowStride).assumingMemoryBound(to: UInt8.self),
            limit: overflowUnits)
        return SessionShard(
            head: head, entries: (entries + number &* entriesStride).assumingMemoryBound(to: xmppd_session_entry.self),
            overflow: overflow, area: self, number: number)
    }

    /// Indexes of one size lie side by side, the smaller sizes before them.
    @inline(__always)
    func indexCells(shard: Int, bits: Int) -> UnsafeMutablePointer<UInt64> {
        let smaller = shards &* ((1 << bits) &- (1 << SegmentLayout.smallestIndexBits))
        return indexes.assumingMemoryBound(to: UInt64.self) + (smaller &+ shard << bits)
    }

    /// Runs `body` on one shard under its lock, repaired if need be; nil only if the lock is destroyed.
    @inline(__always)
    func locked<Result>(_ number: Int, _ body: (SessionShard) -> Result) -> Result? {
        let shard = shard(number)
        let mutex = UnsafeMutableRawPointer(shard.head).assumingMemoryBound(to: pthread_mutex_t.self)
        return RobustLock(mutex: mutex).whileHeld(repair: shard.repair) { body(shard) }
    }
}
