internal import CPlatform

extension SessionShard {
    /// Makes the shard whole after its owner died in the middle of a change.
    ///
    /// Drops what is not a complete entry and the older of two with the same full JID, then derives index and overflow
    /// bitmap from what remains. It may be cut short and repeated at any point.
    func repair() {
        beginChange()
        head.pointee.count = UInt32(count)
        head.pointee.repairs &+= 1
        var bits = SegmentLayout.smallestIndexBits
        while count > 1 << (bits - 1), bits < area.largestIndexBits { bits += 1 }
        let former = indexBits
        index(bits: bits).clear()
        xmppd_publish_u32(&head.pointee.index_bits, UInt32(bits))
        CrashPoint.pass()
        keepSoundEntries()
        deriveOverflow()
        for other in SegmentLayout.smallestIndexBits...area.largestIndexBits where other == former && other != bits {
            let cells = index(bits: other)
            SharedSegment.release(from: cells.cells, to: cells.cells + cells.mask + 1)
        }
        head.pointee.entries_touched = UInt32(area.entriesPerShard)
        releaseEntries(slack: 0)
        CrashPoint.pass()
    }

    /// From the last to the first: of two entries with the same full JID the later position is the newer one.
    private func keepSoundEntries() {
        withUnsafeTemporaryAllocation(byteCount: SessionRecord.longestFull, alignment: 8) { buffer in
            var position = count - 1
            while position >= 0 {
                let entry = entries + position
                if let key = soundKey(of: entry, buffer), self.position(of: key) == nil {
                    index.insert(SessionIndex.cell(tag: key.tag, position: position))
                } else {
                    takeOut(position)
                }
                CrashPoint.pass()
                position -= 1
            }
        }
    }

    private func deriveOverflow() {
        overflow.beginRebuild()
        CrashPoint.pass()
        for position in 0..<count {
            let units = overflowUnits(of: entries + position)
            if units > 0 { overflow.adopt(entries[position].overflow, units: units) }
        }
        CrashPoint.pass()
        overflow.endRebuild()
    }

    /// The full JID of an entry that is complete, belongs here and says nothing impossible; else nil.
    func soundKey(of entry: Entry, _ buffer: UnsafeMutableRawBufferPointer) -> EntryKey? {
        let text = SessionText(of: entry, overflow)
        let bare = Int(entry.pointee.bare_length)
        let resource = Int(entry.pointee.resource_length)
        guard entry.pointee.state == UInt8(XMPPD_ENTRY_USED), text.isSound,
            (1...SessionRecord.longestBare).contains(bare), resource <= SessionRecord.longestResource,
            let start = buffer.baseAddress, bare + resource <= buffer.count
        else { return nil }
        text.copy(from: 0, count: bare + resource, to: start)
        let key = EntryKey(
            text: UnsafeRawBufferPointer(start: start, count: bare + resource), bareLength: bare,
            resourceLength: resource, seed: area.seed)
        return key.tag == entry.pointee.tag && key.shard(of: area.shards) == number ? key : nil
    }
}
