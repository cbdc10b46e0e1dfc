internal import CPlatform

/// A contradiction within one shard of the session table.
package enum SessionFault: Equatable, Sendable {
    case locked
    case unsoundEntry(shard: Int, position: Int)
    /// Not found through the index, or another entry with the same full JID is.
    case unreachableEntry(shard: Int, position: Int)
    case indexSize(shard: Int, cells: Int, entries: Int)
    case overflowShared(shard: Int, unit: Int)
    case overflowMap(shard: Int, unit: Int)
    case overflowSums(shard: Int)
    case touched(shard: Int)
}

extension SessionTable {
    /// Everything that is wrong with the table: for tests, which demand that it is nothing.
    package func audit() -> [SessionFault] {
        (0..<area.shards).flatMap { number in area.locked(number) { $0.audit() } ?? [.locked] }
    }
}

extension SessionShard {
    func audit() -> [SessionFault] {
        var faults = auditEntries() + auditOverflow()
        let index = index
        let cells = (0...index.mask).count { index.cells[$0] != 0 }
        if cells != count || 4 * count > 3 * (index.mask + 1) {
            faults.append(.indexSize(shard: number, cells: cells, entries: count))
        }
        if Int(head.pointee.entries_touched) < count || head.pointee.overflow_touched < head.pointee.overflow_top {
            faults.append(.touched(shard: number))
        }
        return faults
    }

    private func auditEntries() -> [SessionFault] {
        withUnsafeTemporaryAllocation(byteCount: SessionRecord.longestFull, alignment: 8) { buffer in
            (0..<count).compactMap { position in
                guard let key = soundKey(of: entries + position, buffer) else {
                    return .unsoundEntry(shard: number, position: position)
                }
                return self.position(of: key) == position ? nil : .unreachableEntry(shard: number, position: position)
            }
        }
    }

    private func auditOverflow() -> [SessionFault] {
        var faults: [SessionFault] = []
        var inUse: Set<Int> = []
        for position in 0..<count {
            let first = Int(entries[position].overflow)
            for unit in first..<first + overflowUnits(of: entries + position) where !inUse.insert(unit).inserted {
                faults.append(.overflowShared(shard: number, unit: unit))
            }
        }
        for unit in 0..<min(Int(head.pointee.overflow_touched), overflow.limit)
        where overflow.isMarked(unit) != inUse.contains(unit) {
            faults.append(.overflowMap(shard: number, unit: unit))
        }
        let lowestFree = (0...inUse.count).first { !inUse.contains($0) } ?? 0
        if Int(head.pointee.overflow_used) != inUse.count || Int(head.pointee.overflow_top) != (inUse.max() ?? -1) + 1
            || Int(head.pointee.overflow_hint) > lowestFree
        {
            faults.append(.overflowSums(shard: number))
        }
        return faults
    }
}
