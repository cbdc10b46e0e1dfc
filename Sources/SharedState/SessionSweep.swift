internal import CPlatform

/// A place in a walk over the whole session table.
public struct SessionCursor: Sendable, Equatable {
    /// Nothing is left.
    public var isAtEnd: Bool { shard == .max }

    fileprivate var shard = 0
    /// Entries of this shard at and above it were seen; .max before the first.
    fileprivate var position = Int.max

    public init() {}

    fileprivate mutating func moveToNextShard(of shards: Int) {
        shard = shard + 1 < shards ? shard + 1 : .max
        position = .max
    }
}

extension SessionTable {
    /// Entries examined under one hold of a lock: some ten microseconds.
    private static let entriesPerHold = 1024
    private static let entriesPerCall = 8192

    /// How many sessions there are. Takes no lock, so that a hung worker cannot hide it.
    public var count: Int {
        (0..<area.shards).reduce(0) { $0 + Int(xmppd_load_u32(&area.head($1).pointee.count)) }
    }

    /// How often a shard was repaired because its owner had died in the middle of a change.
    public var repairs: Int {
        (0..<area.shards).reduce(0) { $0 + Int(xmppd_load_u32(&area.head($1).pointee.repairs)) }
    }

    /// How many sessions a host has. Looks at every entry, shard by shard: for administrators.
    public func count(host: String) -> Int {
        var host = host
        return host.withUTF8 { host in
            (0..<area.shards).reduce(0) { sum, number in
                sum
                    + (area.locked(number) { shard in
                        (0..<shard.count).count { shard.belongs(shard.entries + $0, to: UnsafeRawBufferPointer(host)) }
                    } ?? 0)
            }
        }
    }

    /// Up to `limit` sessions of a host (of all hosts if nil) from the cursor on, which moves past them.
    ///
    /// May return fewer, even none, before the end: one call examines a bounded number of entries. Over a whole walk,
    /// a session that exists throughout is returned at least once; it may come twice if others leave meanwhile.
    public func page(host: String? = nil, from cursor: inout SessionCursor, limit: Int) -> [SessionRecord] {
        var host = host ?? ""
        return host.withUTF8 { host in
            let host = UnsafeRawBufferPointer(host)
            return walk(&cursor, limit: limit) { shard, position, records in
                let entry = shard.entries + position
                if host.isEmpty || shard.belongs(entry, to: host) { records.append(shard.record(of: entry)) }
            }
        }
    }

    /// Takes sessions of dead processes out of the table and returns them: those of `slot` whose incarnation is lower
    /// than `incarnation`. Up to `limit` in a call, which examines a bounded number of entries: call until the cursor
    /// is at its end. Sessions that others enter or remove meanwhile do not hide one.
    public func takeOrphans(
        slot: UInt8, before incarnation: UInt32, from cursor: inout SessionCursor, limit: Int = 256
    ) -> [SessionRecord] {
        walk(&cursor, limit: limit) { shard, position, records in
            let entry = shard.entries + position
            guard entry.pointee.slot == slot, entry.pointee.incarnation < incarnation else { return }
            records.append(shard.record(of: entry))
            shard.remove(at: position)
        }
    }

    /// Visits entries from the last to the first of each shard. Whatever is removed, by the visitor or by others
    /// between two calls, an entry only moves to a lower position, so none is missed.
    private func walk(
        _ cursor: inout SessionCursor, limit: Int, _ visit: (SessionShard, Int, inout [SessionRecord]) -> Void
    ) -> [SessionRecord] {
        var records: [SessionRecord] = []
        var left = Self.entriesPerCall
        while !cursor.isAtEnd, records.count < limit, left > 0 {
            let from = cursor.position
            let reached =
                area.locked(cursor.shard) { shard in
                    var position = min(from, shard.count)
                    let last = max(0, position - Self.entriesPerHold)
                    while position > last, records.count < limit {
                        position -= 1
                        left -= 1
                        visit(shard, position, &records)
                    }
                    return position
                } ?? 0
            if reached == 0 { cursor.moveToNextShard(of: area.shards) } else { cursor.position = reached }
        }
        return records
    }
}

extension SessionShard {
    /// Whether the bare JID is of this domain: `domain` or `local@domain` (RFC 7622 §3.1).
    func belongs(_ entry: Entry, to host: UnsafeRawBufferPointer) -> Bool {
        let length = Int(entry.pointee.bare_length)
        guard length >= host.count, SessionText(of: entry, overflow).isSound else { return false }
        let start = length - host.count
        guard matches(entry, from: start, host.baseAddress, host.count) else { return false }
        if start == 0 { return true }
        return withUnsafeBytes(of: UInt8(ascii: "@")) { matches(entry, from: start - 1, $0.baseAddress, 1) }
    }
}
