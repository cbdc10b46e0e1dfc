internal import CPlatform

/// The units of one shard that hold what of a text does not fit into its entry.
///
/// First fit over a bitmap, so freed units are used again and the area stays dense. The bitmap is derived from the
/// entries: after a death it is built anew.
struct OverflowStore {
    let head: UnsafeMutablePointer<xmppd_session_shard>
    let map: UnsafeMutablePointer<UInt64>
    let area: UnsafeMutablePointer<UInt8>
    let limit: Int

    static func units(forTextOf bytes: Int) -> Int {
        let rest = bytes - Int(XMPPD_ENTRY_TEXT)
        return rest <= 0 ? 0 : (rest + SegmentLayout.overflowUnit - 1) / SegmentLayout.overflowUnit
    }

    /// The first byte of a run of units, or nil if no such run exists: an entry may say anything.
    @inline(__always)
    func bytes(_ first: UInt32, units: Int) -> UnsafeMutablePointer<UInt8>? {
        guard Int(first) &+ units <= limit else { return nil }
        return area + Int(first) &* SegmentLayout.overflowUnit
    }

    /// Takes `units` units in a row; nil if there is no such gap.
    func allocate(_ units: Int) -> UInt32? {
        let top = min(Int(head.pointee.overflow_top), limit)
        let first = gap(units, below: top)
        guard first + units <= limit else { return nil }
        if first + units > top {
            xmppd_publish_u32(&head.pointee.overflow_touched, max(head.pointee.overflow_touched, UInt32(first + units)))
            head.pointee.overflow_top = UInt32(first + units)
        }
        CrashPoint.pass()
        mark(first, units)
        head.pointee.overflow_used &+= UInt32(units)
        if first == Int(head.pointee.overflow_hint) { head.pointee.overflow_hint = UInt32(first + units) }
        CrashPoint.pass()
        return UInt32(first)
    }

    func free(_ first: UInt32, units: Int) {
        let start = Int(first)
        for unit in start..<start + units { map[unit >> 6] &= ~(1 << UInt64(unit & 63)) }
        CrashPoint.pass()
        head.pointee.overflow_used &-= UInt32(units)
        head.pointee.overflow_hint = min(head.pointee.overflow_hint, first)
        if start + units == Int(head.pointee.overflow_top) { lowerTop(to: start) }
    }

    /// Forgets what is allocated; `mark` follows for everything that is in use.
    func beginRebuild() {
        let touched = min(Int(head.pointee.overflow_touched), limit)
        map.update(repeating: 0, count: (touched + 63) / 64)
        head.pointee.overflow_top = 0
        head.pointee.overflow_used = 0
        head.pointee.overflow_hint = 0
    }

    func adopt(_ first: UInt32, units: Int) {
        mark(Int(first), units)
        head.pointee.overflow_used &+= UInt32(units)
        head.pointee.overflow_top = max(head.pointee.overflow_top, first + UInt32(units))
    }

    func endRebuild() {
        head.pointee.overflow_touched = max(head.pointee.overflow_touched, head.pointee.overflow_top)
        releaseUnused(slack: 0)
    }

    func isMarked(_ unit: Int) -> Bool { map[unit >> 6] & 1 << UInt64(unit & 63) != 0 }

    private func mark(_ first: Int, _ units: Int) {
        for unit in first..<first + units { map[unit >> 6] |= 1 << UInt64(unit & 63) }
    }

    /// Where the lowest gap of this size begins. The last one begins at or before `top` and has no end.
    private func gap(_ units: Int, below top: Int) -> Int {
        var unit = min(Int(head.pointee.overflow_hint), top)
        var run = 0
        while unit < top {
            let bits = map[unit >> 6] >> UInt64(unit & 63)
            let left = min(64 - unit & 63, top - unit)
            if bits & 1 == 1 {
                run = 0
                unit += min(left, (~bits).trailingZeroBitCount)
            } else {
                let free = min(left, bits.trailingZeroBitCount)
                run += free
                unit += free
                if run >= units { break }
            }
        }
        return unit - run
    }

    private func lowerTop(to start: Int) {
        var top = start
        while top > 0, !isMarked(top - 1) {
            top -= top & 63 == 0 && map[top >> 6 - 1] == 0 ? 64 : 1
        }
        head.pointee.overflow_top = UInt32(top)
        head.pointee.overflow_hint = min(head.pointee.overflow_hint, UInt32(top))
        releaseUnused(slack: 1024)
    }

    /// Gives memory back, by whole pages, once more than `slack` units above the top are unused.
    private func releaseUnused(slack: Int) {
        let perPage = SegmentLayout.page / SegmentLayout.overflowUnit
        let top = Int(head.pointee.overflow_top)
        let touched = min(Int(head.pointee.overflow_touched).roundedUp(to: perPage), limit)
        let keep = (top + slack / 2).roundedUp(to: perPage)
        guard touched > max(top + slack, keep) else { return }
        SharedSegment.release(
            from: area + keep * SegmentLayout.overflowUnit, to: area + touched * SegmentLayout.overflowUnit)
        CrashPoint.pass()
        head.pointee.overflow_touched = UInt32(keep)
    }
}
