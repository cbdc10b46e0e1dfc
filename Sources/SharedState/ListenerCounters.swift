internal import CPlatform

/// Connections of each listener in each worker, so that `max_connections` holds over all of them.
///
/// A listener is known by its index (0..<256), which the master gives out. Atomic; from any thread.
public struct ListenerCounters: @unchecked Sendable {  // raw pointers into the segment, touched with atomics only
    private let segment: SharedSegment
    private let cells: UnsafeMutablePointer<xmppd_listener_cell>

    public init(_ segment: SharedSegment) {
        self.segment = segment
        self.cells = (segment.base + segment.layout.listenerCells).assumingMemoryBound(to: xmppd_listener_cell.self)
    }

    /// How many listeners can be counted.
    public var capacity: Int { segment.layout.listeners }

    /// Counts a connection in, unless the listener then had more than `limit` open ones over all workers.
    ///
    /// Each asks after having counted itself, so two workers never admit one too many; near the limit both may refuse.
    public func admit(_ listener: Int, slot: Int, limit: Int = .max) -> Bool {
        let cell = cell(listener, slot)
        _ = xmppd_add_i64(&cell.pointee.open, 1)
        guard limit == .max || open(listener) <= limit else {
            _ = xmppd_add_i64(&cell.pointee.open, -1)
            refuse(listener, slot: slot)
            return false
        }
        _ = xmppd_add_u64(&cell.pointee.accepted, 1)
        return true
    }

    /// Counts a connection that was refused for another reason.
    public func refuse(_ listener: Int, slot: Int) { _ = xmppd_add_u64(&cell(listener, slot).pointee.refused, 1) }

    /// Counts out a connection that was admitted.
    public func close(_ listener: Int, slot: Int) { _ = xmppd_add_i64(&cell(listener, slot).pointee.open, -1) }

    /// Counts connections whose beginning is awaited.
    public func addPending(_ listener: Int, slot: Int, _ amount: Int64) {
        _ = xmppd_add_i64(&cell(listener, slot).pointee.pending, amount)
    }

    /// Connections whose beginning is awaited, over all workers.
    public func pending(_ listener: Int) -> Int {
        segment.usedSlots.reduce(0) { $0 + max(0, Int(xmppd_load_i64(&cell(listener, $1).pointee.pending))) }
    }

    /// Open connections over all workers.
    public func open(_ listener: Int) -> Int {
        segment.usedSlots.reduce(0) { $0 + open(listener, slot: $1) }
    }

    public func open(_ listener: Int, slot: Int) -> Int {
        max(0, Int(xmppd_load_i64(&cell(listener, slot).pointee.open)))
    }

    /// Connections ever accepted, over all workers.
    public func accepted(_ listener: Int) -> UInt64 {
        segment.usedSlots.reduce(0) { $0 &+ xmppd_load_u64(&cell(listener, $1).pointee.accepted) }
    }

    /// Connections ever refused, over all workers.
    public func refused(_ listener: Int) -> UInt64 {
        segment.usedSlots.reduce(0) { $0 &+ xmppd_load_u64(&cell(listener, $1).pointee.refused) }
    }

    /// Forgets what a dead worker had open. Its successor must not have begun.
    public func forgetOpen(slot: Int) {
        for listener in 0..<segment.layout.listeners {
            xmppd_store_i64(&cell(listener, slot).pointee.open, 0)
            xmppd_store_i64(&cell(listener, slot).pointee.pending, 0)
        }
    }

    /// Starts from zero: the index is given to another listener, and nobody has the former one any more.
    public func reset(_ listener: Int) {
        for slot in 0..<segment.layout.workers { cell(listener, slot).pointee = xmppd_listener_cell() }
    }

    private func cell(_ listener: Int, _ slot: Int) -> UnsafeMutablePointer<xmppd_listener_cell> {
        precondition((0..<segment.layout.listeners).contains(listener), "a listener without cells")
        precondition((0..<segment.layout.workers).contains(slot), "a slot without cells")
        return cells + (slot * segment.layout.listeners + listener)
    }
}
