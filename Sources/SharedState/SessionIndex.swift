/// The hash index of one shard: from the tag of a bare JID to the positions of its entries.
///
/// Open addressing with linear probing; a cell is the tag in its upper half and position + 1 in its lower half, 0 is
/// free. Cells of one bare JID have the same home, so they follow one another. Removing shifts back what follows:
/// there are no tombstones. The index is derived from the entries: after a death it is built anew, so its own stores
/// need no order. All loops are bounded, whatever the cells say.
struct SessionIndex {
    let cells: UnsafeMutablePointer<UInt64>
    let mask: Int

    init(cells: UnsafeMutablePointer<UInt64>, bits: Int) {
        self.cells = cells
        self.mask = 1 << bits - 1
    }

    static func cell(tag: UInt32, position: Int) -> UInt64 {
        UInt64(tag) << 32 | UInt64(truncatingIfNeeded: position + 1)
    }

    func clear() {
        UnsafeMutableRawPointer(cells).initializeMemory(as: UInt64.self, repeating: 0, count: mask + 1)
    }

    /// Calls `visit` with the position in each cell of this tag until it returns true.
    @inline(__always)
    func search(tag: UInt32, _ visit: (Int) -> Bool) {
        var cell = Int(tag) & mask
        var left = mask
        while left >= 0 {
            let value = cells[cell]
            if value == 0 { return }
            if UInt32(truncatingIfNeeded: value >> 32) == tag,
                visit(Int(UInt32(truncatingIfNeeded: value)) &- 1)
            {
                return
            }
            cell = (cell &+ 1) & mask
            left &-= 1
        }
    }

    /// There is always a free cell: the caller keeps the index at most three quarters full.
    func insert(_ value: UInt64) {
        var cell = Int(value >> 32) & mask
        var left = mask
        while cells[cell] != 0, left >= 0 {
            cell = (cell &+ 1) & mask
            left &-= 1
        }
        cells[cell] = value
    }

    /// Points a cell to another position of the same tag.
    func replace(_ value: UInt64, with other: UInt64) {
        guard let cell = place(of: value) else { return }
        cells[cell] = other
    }

    func remove(_ value: UInt64) {
        guard var hole = place(of: value) else { return }
        var cell = (hole &+ 1) & mask
        var left = mask
        while cells[cell] != 0, left > 0 {
            let home = Int(cells[cell] >> 32) & mask
            let displacement = (cell &- home) & mask
            if displacement >= (cell &- hole) & mask {
                cells[hole] = cells[cell]
                CrashPoint.pass()
                hole = cell
            }
            cell = (cell &+ 1) & mask
            left &-= 1
        }
        cells[hole] = 0
    }

    /// Takes over the cells of another index.
    func adopt(_ other: SessionIndex) {
        var cell = 0
        while cell <= other.mask {
            if other.cells[cell] != 0 { insert(other.cells[cell]) }
            cell &+= 1
        }
    }

    func place(of value: UInt64) -> Int? {
        var cell = Int(value >> 32) & mask
        var left = mask
        while left >= 0, cells[cell] != 0 {
            if cells[cell] == value { return cell }
            cell = (cell &+ 1) & mask
            left &-= 1
        }
        return nil
    }
}
