internal import CPlatform

/// Which processes serve the worker indices, and with that who owns what no session owns (`Kernel/Ownership`).
public struct WorkerOwners: Sendable, Equatable {
    /// A process that serves an index.
    public struct Process: Sendable, Hashable {
        public var slot: UInt8
        public var incarnation: UInt32

        public init(slot: UInt8, incarnation: UInt32) {
            self.slot = slot
            self.incarnation = incarnation
        }

        init?(word: UInt64) {
            guard word != 0 else { return nil }
            self.init(slot: UInt8(truncatingIfNeeded: (word >> 32) &- 1), incarnation: UInt32(truncatingIfNeeded: word))
        }

        var word: UInt64 { (UInt64(slot) + 1) << 32 | UInt64(incarnation) }
    }

    /// Counts the changes; 0: nobody has served yet.
    public var epoch: UInt64
    /// By worker index. Nil: nobody serves the index now, and what it owns waits for the process that will.
    public var workers: [Process?]

    public init(epoch: UInt64 = 0, workers: [Process?] = []) {
        self.epoch = epoch
        self.workers = workers
    }
}

/// The ownership table of the segment: the master writes it, all workers read it.
///
/// There are two copies. The master fills the one that is not in force and puts it in force with the epoch, so that no reader
/// waits for the master: one that dies or is stopped while it writes leaves the former table in force, where a lock, or a
/// sequence lock, would leave the workers waiting.
public struct OwnershipTable: @unchecked Sendable {  // a raw pointer into the segment, touched with atomics only
    /// Worker indices that the table has room for.
    public static let indices = Int(XMPPD_WORKER_INDICES)

    private let segment: SharedSegment
    private let table: UnsafeMutablePointer<xmppd_ownership>

    public init(_ segment: SharedSegment) {
        self.segment = segment
        table = (segment.base + segment.layout.owners).assumingMemoryBound(to: xmppd_ownership.self)
    }

    /// The epoch in force: one load, for whoever has read the table before.
    public var epoch: UInt64 { xmppd_acquire_u64(&table.pointee.epoch) }

    public func read() -> WorkerOwners {
        while true {
            let epoch = epoch
            let owners = copy(epoch)
            xmppd_fence_acquire()
            // Only the epoch after the next writes over what was read.
            if xmppd_load_u64(&table.pointee.epoch) == epoch { return owners }
        }
    }

    /// Puts other owners in force, unless they are the same. From the master alone.
    /// - Parameter workers: by worker index, at most `indices`.
    /// - Returns: false if nothing has changed.
    @discardableResult
    public func write(_ workers: [WorkerOwners.Process?]) -> Bool {
        let epoch = epoch
        guard workers.count <= Self.indices, copy(epoch).workers != workers else { return false }
        xmppd_fence_release()
        let copy = xmppd_owner_copy(table, epoch &+ 1)
        guard let copy, let cells = xmppd_owner_cells(copy) else { return false }
        xmppd_store_u64(&copy.pointee.workers, UInt64(workers.count))
        for (index, worker) in workers.enumerated() { xmppd_store_u64(cells + index, worker?.word ?? 0) }
        xmppd_release_u64(&table.pointee.epoch, epoch &+ 1)
        return true
    }

    private func copy(_ epoch: UInt64) -> WorkerOwners {
        guard let copy = xmppd_owner_copy(table, epoch), let cells = xmppd_owner_cells(copy) else { return WorkerOwners() }
        let count = min(Int(clamping: xmppd_load_u64(&copy.pointee.workers)), Self.indices)
        return WorkerOwners(
            epoch: epoch, workers: (0..<count).map { WorkerOwners.Process(word: xmppd_load_u64(cells + $0)) })
    }
}
