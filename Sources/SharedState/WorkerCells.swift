public import CPlatform

/// What one worker is, as it says itself. A worker that hangs shows by its heartbeat.
public struct WorkerStatus: Sendable, Equatable {
    /// 0 if the slot is empty.
    public var pid: Int32
    public var incarnation: UInt32
    /// Unix time in seconds.
    public var started: Int64
    /// CLOCK_MONOTONIC in milliseconds, when the loop last turned.
    public var heartbeat: UInt64
    public var stall: WorkerStall?
}

/// What one worker says of another, or of itself: work for it waits and does not get on.
public struct WorkerStall: Sendable, Equatable {
    public var slot: UInt8
    public var milliseconds: Int64

    public init(slot: UInt8, milliseconds: Int64) {
        self.slot = slot
        self.milliseconds = milliseconds
    }

    /// As one word, so that it is never half written.
    init?(word: UInt64) {
        guard word != 0 else { return nil }
        slot = UInt8(truncatingIfNeeded: (word >> 56) &- 1)
        milliseconds = Int64(word & Self.times)
    }

    var word: UInt64 { (UInt64(slot) + 1) << 56 | min(UInt64(clamping: milliseconds), Self.times) }

    private static let times: UInt64 = 1 << 56 - 1
}

/// The cells of all workers: each writes its own, everybody reads all, nobody is asked.
public struct WorkerCells: @unchecked Sendable {  // raw pointers into the segment, touched with atomics only
    private let segment: SharedSegment
    private let cells: UnsafeMutablePointer<xmppd_worker_cell>

    public init(_ segment: SharedSegment) {
        self.segment = segment
        self.cells = (segment.base + segment.layout.workerCells).assumingMemoryBound(to: xmppd_worker_cell.self)
    }

    public var slots: Range<Int> { 0..<segment.layout.workers }

    /// The cell for its one writer.
    public func writer(_ slot: Int) -> WorkerCell { WorkerCell(segment: segment, cell: cell(slot)) }

    public func status(_ slot: Int) -> WorkerStatus {
        let cell = cell(slot)
        return WorkerStatus(
            pid: Int32(bitPattern: xmppd_load_u32(&cell.pointee.pid)),
            incarnation: xmppd_load_u32(&cell.pointee.incarnation), started: xmppd_load_i64(&cell.pointee.started),
            heartbeat: xmppd_load_u64(&cell.pointee.heartbeat),
            stall: WorkerStall(word: xmppd_load_u64(&cell.pointee.stalled)))
    }

    public func read(_ slot: Int, _ metric: Metric) -> Int64 {
        xmppd_load_i64(WorkerCell.place(of: metric, in: cell(slot)))
    }

    /// Over all slots that have had a worker: the sum, or the highest of a peak.
    public func total(_ metric: Metric) -> Int64 {
        let values = segment.usedSlots.lazy.map { read($0, metric) }
        return metric.kind == .peak ? values.max() ?? 0 : values.reduce(0, &+)
    }

    /// Sets gauges and peaks of a slot to 0, and its pid: its worker is dead. Counters go on with the next one.
    public func resetGauges(_ slot: Int) {
        let cell = cell(slot)
        xmppd_publish_u32(&cell.pointee.pid, 0)
        xmppd_store_u64(&cell.pointee.stalled, 0)
        for metric in Metric.allCases where metric.kind != .counter {
            xmppd_store_i64(WorkerCell.place(of: metric, in: cell), 0)
        }
    }

    private func cell(_ slot: Int) -> UnsafeMutablePointer<xmppd_worker_cell> {
        precondition(slots.contains(slot), "a slot without a cell")
        return cells + slot
    }
}

/// The cell of one worker, for that worker's loop alone: a single writer needs no locked instruction.
public struct WorkerCell: @unchecked Sendable {  // a raw pointer into the segment, touched with atomics only
    private let segment: SharedSegment
    private let cell: UnsafeMutablePointer<xmppd_worker_cell>
    @usableFromInline let metrics: UnsafeMutablePointer<Int64>

    fileprivate init(segment: SharedSegment, cell: UnsafeMutablePointer<xmppd_worker_cell>) {
        self.segment = segment
        self.cell = cell
        self.metrics = Self.place(of: .sessions, in: cell)
    }

    /// Says who writes from now on. Counters go on from where the predecessor left them.
    public func begin(pid: Int32, incarnation: UInt32, started: Int64, now: UInt64) {
        xmppd_publish_u32(&cell.pointee.incarnation, incarnation)
        xmppd_store_i64(&cell.pointee.started, started)
        xmppd_store_u64(&cell.pointee.heartbeat, now)
        xmppd_publish_u32(&cell.pointee.pid, UInt32(bitPattern: pid))
    }

    /// Says that the loop turns. `now` is CLOCK_MONOTONIC in milliseconds.
    public func beat(_ now: UInt64) { xmppd_store_u64(&cell.pointee.heartbeat, now) }

    /// Says who does not get on; nil: everybody does.
    public func report(_ stall: WorkerStall?) { xmppd_store_u64(&cell.pointee.stalled, stall?.word ?? 0) }

    @inlinable
    public func add(_ metric: Metric, _ amount: Int = 1) { xmppd_bump_i64(metrics + metric.rawValue, Int64(amount)) }

    @inlinable
    public func set(_ metric: Metric, _ value: Int) { xmppd_store_i64(metrics + metric.rawValue, Int64(value)) }

    /// Keeps the higher value.
    @inlinable
    public func raise(_ metric: Metric, to value: Int) {
        if Int64(value) > xmppd_load_i64(metrics + metric.rawValue) { set(metric, value) }
    }

    static func place(
        of metric: Metric, in cell: UnsafeMutablePointer<xmppd_worker_cell>
    ) -> UnsafeMutablePointer<Int64> {
        xmppd_worker_metrics(cell) + metric.rawValue
    }
}
