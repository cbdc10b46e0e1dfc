internal import CPlatform

/// Why a session could not be entered.
public enum SessionTableError: Error, Equatable {
    /// The shard of this bare JID, or its room for long texts, is full.
    case full
    /// A part of the record is longer than an address may be, or the bare JID is empty.
    case badLength
    /// The lock was written over: the segment is of no more use.
    case damaged
}

/// All bound sessions of the machine: who is here, with which resources, on which worker.
///
/// Every operation is synchronous and holds the lock of one shard at a time for well under a microsecond, except when
/// that shard's index is resized. All resources of a bare JID live in one shard. The table may be used from any thread;
/// a process that dies within it is repaired by the next one that comes.
public final class SessionTable: @unchecked Sendable {  // raw pointers into the segment, guarded by its locks
    /// What became of an insertion.
    public enum Insertion: Sendable, Equatable {
        case inserted
        /// The full JID is taken (RFC 6120 §7.7.2.2); nothing was changed.
        case conflict(SessionRecord)
    }

    let segment: SharedSegment
    let area: SessionArea

    public init(_ segment: SharedSegment) {
        self.segment = segment
        self.area = SessionArea(segment)
    }

    // MARK: Looking up

    // Asked for every stanza, hence with the parts of the address: putting them together first would cost as much again.

    /// What delivery needs to know of all sessions of a bare JID. `local` is empty for a server.
    public func routes(local: String, domain: String) -> CachedRoutes {
        withKey(local: local, domain: domain) { shard, key in
            var routes: [SessionRoute] = []
            shard.forEach(of: key) { _, entry in
                routes.append(shard.route(of: entry))
                return false
            }
            return CachedRoutes(routes: routes, shard: shard.number, changes: shard.head.pointee.changes)
        } ?? CachedRoutes(routes: [], shard: -1, changes: 0)
    }

    /// Whether nothing has changed since; takes no lock.
    @inline(__always)
    func holds(_ known: CachedRoutes) -> Bool {
        known.shard >= 0 && xmppd_load_u32(&area.head(known.shard).pointee.changes) == known.changes
    }

    public func hasSession(of bare: String) -> Bool {
        withKey(bare) { shard, key in
            var found = false
            shard.forEach(of: key) { _, _ in
                found = true
                return true
            }
            return found
        } ?? false
    }

    /// All sessions of a bare JID, in no particular order.
    public func sessions(of bare: String) -> [SessionRecord] {
        withKey(bare) { shard, key in
            var records: [SessionRecord] = []
            shard.forEach(of: key) { _, entry in
                records.append(shard.record(of: entry))
                return false
            }
            return records
        } ?? []
    }

    public func session(_ bare: String, resource: String) -> SessionRecord? {
        withKey(bare, resource) { shard, key in
            shard.position(of: key).map { shard.record(of: shard.entries + $0) }
        } ?? nil
    }

    // MARK: Changing

    /// Enters a session, unless its full JID is taken.
    public func insert(_ record: SessionRecord) throws(SessionTableError) -> Insertion {
        try enter(record) { shard, key in
            if let position = shard.position(of: key) {
                return .success(.conflict(shard.record(of: shard.entries + position)))
            }
            return shard.append(record, key, mayTakeLast: false) ? .success(.inserted) : .failure(.full)
        }
    }

    /// Enters a session in place of the one with its full JID, which is returned. There is no moment without either.
    @discardableResult
    public func replace(_ record: SessionRecord) throws(SessionTableError) -> SessionRecord? {
        try enter(record) { shard, key in
            let old = shard.position(of: key)
            let replaced = old.map { shard.record(of: shard.entries + $0) }
            guard shard.append(record, key, mayTakeLast: old != nil) else { return .failure(.full) }
            if let old { shard.remove(at: old) }
            return .success(replaced)
        }
    }

    /// Sets priority and flags, both at once. False if the session is not there or belongs to another connection.
    @discardableResult
    public func update(
        _ bare: String, resource: String, owner: SessionOwner, priority: Int8, flags: SessionFlags
    ) -> Bool {
        withKey(bare, resource) { shard, key in
            guard let position = shard.position(of: key), shard.owner(of: shard.entries + position) == owner else {
                return false
            }
            shard.beginChange()
            xmppd_publish_u32(&shard.entries[position].standing, SessionShard.standing(priority, flags))
            return true
        } ?? false
    }

    /// Removes a session. False if it is not there or belongs to another connection.
    @discardableResult
    public func remove(_ bare: String, resource: String, owner: SessionOwner) -> Bool {
        withKey(bare, resource) { shard, key in
            guard let position = shard.position(of: key), shard.owner(of: shard.entries + position) == owner else {
                return false
            }
            shard.remove(at: position)
            return true
        } ?? false
    }

    // MARK: Keys

    private func withKey<Result>(
        _ bare: String, _ resource: String? = nil, _ body: (SessionShard, EntryKey) -> Result
    ) -> Result? {
        var bare = bare
        guard var resource else {
            return bare.withUTF8 { locked(UnsafeRawBufferPointer($0), bareLength: $0.count, resourceLength: 0, body) }
        }
        return bare.withUTF8 { bare in
            resource.withUTF8 { resource in
                withUnsafeTemporaryAllocation(byteCount: bare.count + resource.count, alignment: 1) { buffer in
                    buffer.copyBytes(from: bare)
                    UnsafeMutableRawBufferPointer(rebasing: buffer[bare.count...]).copyBytes(from: resource)
                    return locked(
                        UnsafeRawBufferPointer(buffer), bareLength: bare.count, resourceLength: resource.count, body)
                }
            }
        }
    }

    private func withKey<Result>(
        local: String, domain: String, _ body: (SessionShard, EntryKey) -> Result
    ) -> Result? {
        let separator = local.isEmpty ? 0 : 1
        let first = local.utf8.count
        let bare = first + separator + domain.utf8.count
        return withUnsafeTemporaryAllocation(byteCount: bare, alignment: 1) { buffer in
            Self.copy(local, to: buffer[0...])
            if separator > 0 { buffer[first] = UInt8(ascii: "@") }
            Self.copy(domain, to: buffer[(first + separator)...])
            return locked(UnsafeRawBufferPointer(buffer), bareLength: bare, resourceLength: 0, body)
        }
    }

    private func enter<Value>(
        _ record: SessionRecord, _ body: (SessionShard, EntryKey) -> Result<Value, SessionTableError>
    ) throws(SessionTableError) -> Value {
        guard record.fits else { throw .badLength }
        let lengths = (record.bare.utf8.count, record.resource.utf8.count, record.address.utf8.count)
        let outcome = withUnsafeTemporaryAllocation(byteCount: lengths.0 + lengths.1 + lengths.2, alignment: 1) {
            buffer in
            Self.copy(record.bare, to: buffer[0...])
            Self.copy(record.resource, to: buffer[lengths.0...])
            Self.copy(record.address, to: buffer[(lengths.0 + lengths.1)...])
            return locked(UnsafeRawBufferPointer(buffer), bareLength: lengths.0, resourceLength: lengths.1, body)
        }
        guard let outcome else { throw .damaged }
        return try outcome.get()
    }

    private static func copy(_ part: String, to target: Slice<UnsafeMutableRawBufferPointer>) {
        var part = part
        part.withUTF8 { UnsafeMutableRawBufferPointer(rebasing: target).copyBytes(from: $0) }
    }

    @inline(__always)
    private func locked<Result>(
        _ text: UnsafeRawBufferPointer, bareLength: Int, resourceLength: Int,
        _ body: (SessionShard, EntryKey) -> Result
    ) -> Result? {
        let key = EntryKey(text: text, bareLength: bareLength, resourceLength: resourceLength, seed: area.seed)
        return area.locked(key.shard(of: area.shards)) { body($0, key) }
    }
}

// MARK: - Reading entries

extension SessionShard {
    func owner(of entry: Entry) -> SessionOwner {
        SessionOwner(
            slot: entry.pointee.slot, incarnation: entry.pointee.incarnation, connection: entry.pointee.connection)
    }

    func route(of entry: Entry) -> SessionRoute {
        let standing = entry.pointee.standing
        let text = SessionText(of: entry, overflow)
        return SessionRoute(
            resource: text.string(from: Int(entry.pointee.bare_length), count: Int(entry.pointee.resource_length)),
            slot: entry.pointee.slot, incarnation: entry.pointee.incarnation, connection: entry.pointee.connection,
            priority: Self.priority(standing), flags: Self.flags(standing))
    }

    func record(of entry: Entry) -> SessionRecord {
        let standing = entry.pointee.standing
        let text = SessionText(of: entry, overflow)
        let bare = Int(entry.pointee.bare_length)
        let resource = Int(entry.pointee.resource_length)
        return SessionRecord(
            bare: text.string(from: 0, count: bare), resource: text.string(from: bare, count: resource),
            slot: entry.pointee.slot, incarnation: entry.pointee.incarnation, connection: entry.pointee.connection,
            priority: Self.priority(standing), flags: Self.flags(standing), since: entry.pointee.since,
            address: text.string(from: bare + resource, count: Int(entry.pointee.address_length)))
    }

    private static func priority(_ standing: UInt32) -> Int8 { Int8(bitPattern: UInt8(truncatingIfNeeded: standing)) }

    static func flags(_ standing: UInt32) -> SessionFlags {
        SessionFlags(rawValue: UInt16(truncatingIfNeeded: standing >> 16))
    }
}
