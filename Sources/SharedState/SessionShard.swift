internal import CPlatform

/// One shard of the session table, to be touched under its lock.
///
/// The entries 0..<count are the truth, dense and without order; index and overflow bitmap are derived from them.
/// An entry is written while nobody counts it, then published by its state, then by the count. Removing moves the last
/// entry into the gap, invisible by its state until it is complete. So whenever a process dies, each entry is whole,
/// or recognizable as a gap, or there twice; `repair` removes what is too much and derives the rest again.
struct SessionShard {
    let head: UnsafeMutablePointer<xmppd_session_shard>
    let entries: UnsafeMutablePointer<xmppd_session_entry>
    let overflow: OverflowStore
    let area: SessionArea
    let number: Int

    typealias Entry = UnsafeMutablePointer<xmppd_session_entry>

    /// Entries in use; never more than there is room for, whatever the memory says.
    var count: Int { min(Int(head.pointee.count), area.entriesPerShard) }

    var index: SessionIndex { index(bits: indexBits) }

    var indexBits: Int {
        max(SegmentLayout.smallestIndexBits, min(Int(head.pointee.index_bits), area.largestIndexBits))
    }

    func index(bits: Int) -> SessionIndex {
        SessionIndex(cells: area.indexCells(shard: number, bits: bits), bits: bits)
    }

    // MARK: Finding

    /// Calls `visit` with every entry of the bare JID until it returns true.
    @inline(__always)
    func forEach(of key: EntryKey, _ visit: (Int, Entry) -> Bool) {
        let count = count
        index.search(tag: key.tag) { position in
            guard position >= 0, position < count else { return false }
            let entry = entries + position
            guard Int(entry.pointee.bare_length) == key.bareLength,
                matches(entry, from: 0, key.text.baseAddress, key.bareLength)
            else { return false }
            return visit(position, entry)
        }
    }

    /// The position of the entry with this full JID.
    func position(of key: EntryKey) -> Int? {
        var found: Int?
        forEach(of: key) { position, entry in
            guard isFull(entry, key) else { return false }
            found = position
            return true
        }
        return found
    }

    /// Whether an entry of the bare JID has the resource, too.
    @inline(__always)
    func isFull(_ entry: Entry, _ key: EntryKey) -> Bool {
        Int(entry.pointee.resource_length) == key.resourceLength
            && matches(entry, from: key.bareLength, key.text.baseAddress.map { $0 + key.bareLength }, key.resourceLength)
    }

    // MARK: Changing

    /// Comes before every change of an entry: what anybody knows of this shard without its lock holds no longer.
    func beginChange() { xmppd_publish_u32(&head.pointee.changes, head.pointee.changes &+ 1) }

    /// Adds an entry for a full JID that is not there, or that `remove` follows for. False if there is no room.
    func append(_ record: SessionRecord, _ key: EntryKey, mayTakeLast: Bool) -> Bool {
        let position = count
        guard position + (mayTakeLast ? 0 : 1) < area.entriesPerShard else { return false }
        growIndex(for: position + 1)
        let units = OverflowStore.units(forTextOf: key.text.count)
        var first: UInt32 = 0
        if units > 0 {
            guard let free = overflow.allocate(units) else { return false }
            first = free
        }
        beginChange()
        if position >= Int(head.pointee.entries_touched) { head.pointee.entries_touched = UInt32(position + 1) }
        write(record, key, at: entries + position, overflow: first)
        xmppd_publish_state(entries + position, UInt8(XMPPD_ENTRY_USED))
        CrashPoint.pass()
        xmppd_publish_u32(&head.pointee.count, UInt32(position + 1))
        CrashPoint.pass()
        index.insert(SessionIndex.cell(tag: key.tag, position: position))
        CrashPoint.pass()
        return true
    }

    func remove(at position: Int) {
        beginChange()
        let entry = entries + position
        let units = overflowUnits(of: entry)
        let first = entry.pointee.overflow
        index.remove(SessionIndex.cell(tag: entry.pointee.tag, position: position))
        CrashPoint.pass()
        takeOut(position)
        if units > 0, overflow.bytes(first, units: units) != nil { overflow.free(first, units: units) }
        CrashPoint.pass()
        releaseEntries(slack: 128 + count / 8)
        shrinkIndex()
    }

    /// Removes one entry from 0..<count and moves the last one into its place, with its cell in the index.
    func takeOut(_ position: Int) {
        let last = count - 1
        if position != last {
            let gap = entries + position
            xmppd_publish_state(gap, UInt8(XMPPD_ENTRY_EMPTY))
            CrashPoint.pass()
            xmppd_entry_copy_facts(gap, entries + last)
            CrashPoint.pass()
            xmppd_entry_copy_text(gap, entries + last)
            CrashPoint.pass()
            xmppd_publish_state(gap, entries[last].state)
            CrashPoint.pass()
            let tag = gap.pointee.tag
            index.replace(
                SessionIndex.cell(tag: tag, position: last), with: SessionIndex.cell(tag: tag, position: position))
            CrashPoint.pass()
        }
        xmppd_publish_state(entries + last, UInt8(XMPPD_ENTRY_EMPTY))
        CrashPoint.pass()
        xmppd_publish_u32(&head.pointee.count, UInt32(last))
        CrashPoint.pass()
    }

    // MARK: Size

    /// Doubles the index before it is more than three quarters full. The new one is complete before it is in force.
    private func growIndex(for count: Int) {
        let bits = indexBits
        guard count > 3 << (bits - 2), bits < area.largestIndexBits else { return }
        resizeIndex(from: bits, to: bits + 1)
    }

    private func shrinkIndex() {
        let bits = indexBits
        guard bits > SegmentLayout.smallestIndexBits, count < 1 << (bits - 3) else { return }
        resizeIndex(from: bits, to: bits - 1)
    }

    private func resizeIndex(from bits: Int, to newBits: Int) {
        let old = index(bits: bits)
        let new = index(bits: newBits)
        new.clear()
        CrashPoint.pass()
        new.adopt(old)
        CrashPoint.pass()
        xmppd_publish_u32(&head.pointee.index_bits, UInt32(newBits))
        CrashPoint.pass()
        SharedSegment.release(from: old.cells, to: old.cells + old.mask + 1)
        CrashPoint.pass()
    }

    /// Gives memory back, by whole pages, once more than `slack` entries above the last one are unused.
    func releaseEntries(slack: Int) {
        let perPage = SegmentLayout.page / SegmentLayout.entryStride
        let touched = min(Int(head.pointee.entries_touched).roundedUp(to: perPage), area.entriesPerShard)
        let keep = (count + slack / 2).roundedUp(to: perPage)
        guard touched > max(count + slack, keep) else { return }
        SharedSegment.release(from: entries + keep, to: entries + touched)
        CrashPoint.pass()
        head.pointee.entries_touched = UInt32(keep)
    }

    // MARK: Entries

    private func write(_ record: SessionRecord, _ key: EntryKey, at entry: Entry, overflow first: UInt32) {
        xmppd_publish_state(entry, UInt8(XMPPD_ENTRY_EMPTY))
        entry.pointee.tag = key.tag
        entry.pointee.standing = Self.standing(record.priority, record.flags)
        entry.pointee.slot = record.slot
        entry.pointee.incarnation = record.incarnation
        entry.pointee.connection = record.connection
        entry.pointee.since = record.since
        entry.pointee.bare_length = UInt16(key.bareLength)
        entry.pointee.resource_length = UInt16(key.resourceLength)
        entry.pointee.address_length = UInt8(key.text.count - key.bareLength - key.resourceLength)
        entry.pointee.overflow = first
        CrashPoint.pass()
        SessionText(of: entry, overflow).fill(with: key.text)
        CrashPoint.pass()
    }

    static func standing(_ priority: Int8, _ flags: SessionFlags) -> UInt32 {
        UInt32(UInt8(bitPattern: priority)) | UInt32(flags.rawValue) << 16
    }

    func overflowUnits(of entry: Entry) -> Int {
        OverflowStore.units(forTextOf: SessionText(of: entry, overflow).count)
    }

    @inline(__always)
    func matches(_ entry: Entry, from offset: Int, _ bytes: UnsafeRawPointer?, _ count: Int) -> Bool {
        SessionText(of: entry, overflow).matches(from: offset, bytes, count)
    }
}
