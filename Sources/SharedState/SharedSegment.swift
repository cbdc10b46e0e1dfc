internal import CPlatform
internal import Glibc

/// Why a segment could not be made or used.
public enum SegmentError: Error, Equatable {
    /// The system refused; `errno` says why.
    case system(call: String, errno: Int32)
    /// There is no segment with such sizes.
    case sizes
    /// The file is too short, or is not a segment.
    case notASegment
    /// Another build laid it out.
    case version(found: UInt32, expected: UInt32)
    /// The header contradicts itself, or the size of the file.
    case damaged
    /// The size of the file could change under its readers.
    case notSealed
}

/// The memory that all processes of one server share.
///
/// The master creates it and hands its descriptor to every worker. It is a sparse memory file of fixed size: room for
/// millions of sessions is reserved, memory is used by what was written. Who dies leaves it usable for the others.
public final class SharedSegment: @unchecked Sendable {  // the contents are guarded by process-shared locks and atomics
    /// The memory file; open as long as this object lives, close-on-exec.
    public let descriptor: Int32
    let base: UnsafeMutableRawPointer
    let layout: SegmentLayout

    private init(descriptor: Int32, base: UnsafeMutableRawPointer, layout: SegmentLayout) {
        self.descriptor = descriptor
        self.base = base
        self.layout = layout
    }

    deinit {
        munmap(base, layout.total)
        close(descriptor)
    }

    /// Makes a segment for `workers` slots (1…256), with room for at least `sessions` sessions.
    public static func create(workers: Int, sessions: Int = 4_194_304) throws(SegmentError) -> SharedSegment {
        guard sessions > 0 else { throw .sizes }
        return try create(SegmentLayout(workers: workers, sessions: sessions))
    }

    static func create(_ layout: SegmentLayout) throws(SegmentError) -> SharedSegment {
        guard layout.isSound else { throw .sizes }
        let descriptor = xmppd_memory_file("xmppd", UInt64(layout.total))
        guard descriptor >= 0 else { throw .system(call: "memfd_create", errno: -descriptor) }
        guard let base = xmppd_memory_map(descriptor, UInt64(layout.total)) else {
            let problem = errno
            close(descriptor)
            throw .system(call: "mmap", errno: problem)
        }
        let segment = SharedSegment(descriptor: descriptor, base: base, layout: layout)
        try segment.prepareLocks()
        segment.writeHeader()
        return segment
    }

    /// Maps the segment behind an inherited or received descriptor, after a check of all that its header says.
    ///
    /// On success the descriptor belongs to the new object; on failure it remains the caller's.
    public convenience init(attach descriptor: Int32) throws(SegmentError) {
        let layout = try Self.checkedLayout(of: descriptor)
        guard let base = xmppd_memory_map(descriptor, UInt64(layout.total)) else {
            throw .system(call: "mmap", errno: errno)
        }
        self.init(descriptor: descriptor, base: base, layout: layout)
    }

    /// Bytes of memory the segment occupies now, in all processes together.
    public var residentBytes: Int {
        var facts = stat()
        return fstat(descriptor, &facts) == 0 ? Int(facts.st_blocks) * 512 : 0
    }

    /// The key of all hashes in the segment: 16 secret bytes.
    var seed: UnsafePointer<UInt64> { xmppd_segment_seed(base) }

    /// Gives the whole pages between two addresses of the segment back to the system.
    static func release(from start: UnsafeMutableRawPointer, to end: UnsafeMutableRawPointer) {
        let first = start.alignedUp(toMultipleOf: SegmentLayout.page)
        let last = end.alignedDown(toMultipleOf: SegmentLayout.page)
        if first < last { xmppd_memory_release(first, last - first) }
    }

    private func prepareLocks() throws(SegmentError) {
        for shard in 0..<layout.shards {
            let head = (base + layout.shardHeads + shard * SegmentLayout.shardStride)
                .assumingMemoryBound(to: xmppd_session_shard.self)
            head.pointee.index_bits = UInt32(SegmentLayout.smallestIndexBits)
            try Self.prepare(&head.pointee.lock)
        }
        for table in AddressTimers.Purpose.allCases {
            let lock = base + layout.timers + table.rawValue * layout.timerTable
            try Self.prepare(lock.assumingMemoryBound(to: pthread_mutex_t.self))
        }
        for table in FailureLevels.Purpose.allCases {
            let lock = base + layout.failures + table.rawValue * layout.failureTable
            try Self.prepare(lock.assumingMemoryBound(to: pthread_mutex_t.self))
        }
        try Self.prepare((base + layout.components).assumingMemoryBound(to: pthread_mutex_t.self))
    }

    private static func prepare(_ lock: UnsafeMutablePointer<pthread_mutex_t>) throws(SegmentError) {
        let problem = xmppd_mutex_prepare(lock)
        guard problem == 0 else { throw .system(call: "pthread_mutex_init", errno: problem) }
    }
}

// MARK: - Header

extension SharedSegment {
    private func writeHeader() {
        var header = xmppd_segment_header()
        header.magic = Self.magic
        header.version = Self.version
        header.header_bytes = UInt32(MemoryLayout<xmppd_segment_header>.size)
        header.total_bytes = UInt64(layout.total)
        header.workers = UInt32(layout.workers)
        header.listeners = UInt32(layout.listeners)
        header.shards = UInt32(layout.shards)
        header.entries_per_shard = UInt32(layout.entriesPerShard)
        header.overflow_units_per_shard = UInt32(layout.overflowUnitsPerShard)
        header.address_timers = UInt32(layout.addressTimers)
        header.seed = (.random(in: .min ... .max), .random(in: .min ... .max))
        header.layout_check = Self.check(layout, seed: header.seed)
        base.storeBytes(of: header, as: xmppd_segment_header.self)
    }

    private static func checkedLayout(of descriptor: Int32) throws(SegmentError) -> SegmentLayout {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw .system(call: "fstat", errno: errno) }
        var header = xmppd_segment_header()
        let size = MemoryLayout<xmppd_segment_header>.size
        guard pread(descriptor, &header, size, 0) == size, header.magic == magic else { throw .notASegment }
        guard header.version == version else { throw .version(found: header.version, expected: version) }
        let layout = SegmentLayout(
            workers: Int(header.workers), listeners: Int(header.listeners), shards: Int(header.shards),
            entriesPerShard: Int(header.entries_per_shard),
            overflowUnitsPerShard: Int(header.overflow_units_per_shard), addressTimers: Int(header.address_timers))
        guard header.header_bytes == size, layout.isSound, header.total_bytes == layout.total,
            facts.st_size == layout.total, header.layout_check == check(layout, seed: header.seed)
        else { throw .damaged }
        guard xmppd_memory_file_is_sealed(descriptor) == 1 else { throw .notSealed }
        return layout
    }

    private static func check(_ layout: SegmentLayout, seed: (UInt64, UInt64)) -> UInt64 {
        layout.facts.withUnsafeBytes { xmppd_siphash([seed.0, seed.1], $0.baseAddress, $0.count) }
    }

    private static let magic = UInt64(XMPPD_SEGMENT_MAGIC)
    private static let version = UInt32(XMPPD_SEGMENT_VERSION)
}
