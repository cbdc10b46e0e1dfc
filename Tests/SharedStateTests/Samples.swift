@testable import SharedState

/// A segment of one or few shards, so that collisions, growth and fullness come early.
func smallSegment(shards: Int = 1, entriesPerShard: Int = 4096, overflowUnits: Int = 4096) throws -> SharedSegment {
    let segment = try SharedSegment.create(
        SegmentLayout(
            workers: 4, listeners: 8, shards: shards, entriesPerShard: entriesPerShard,
            overflowUnitsPerShard: overflowUnits, addressTimers: 64))
    for slot in 0..<4 { segment.use(slot) }
    return segment
}

func sample(
    _ bare: String, _ resource: String, slot: UInt8 = 1, incarnation: UInt32 = 1, connection: UInt64 = 1,
    priority: Int8 = 0, flags: SessionFlags = [], address: String = "192.0.2.7"
) -> SessionRecord {
    SessionRecord(
        bare: bare, resource: resource, slot: slot, incarnation: incarnation, connection: connection,
        priority: priority, flags: flags, since: 1_700_000_000, address: address)
}

/// Random numbers that are the same in every run.
struct Lottery: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

extension SessionTable {
    /// All sessions, by full JID; a session that a walk returns twice is there once.
    func everything() -> [String: SessionRecord] {
        var all: [String: SessionRecord] = [:]
        var cursor = SessionCursor()
        while !cursor.isAtEnd {
            for record in page(from: &cursor, limit: 100) { all[record.bare + "/" + record.resource] = record }
        }
        return all
    }
}

extension RouteCache {
    /// The sessions of `local@domain`, by resource.
    func sessions(of bare: String) -> [String: SessionRoute] {
        let parts = bare.split(separator: "@")
        let routes = routes(local: String(parts[0]), domain: String(parts[1]))
        return Dictionary(routes.map { ($0.resource, $0) }) { first, _ in first }
    }
}

extension [String: SessionRecord] {
    /// What delivery would have to know of a bare JID if these were all sessions, by resource.
    func routes(of bare: String) -> [String: SessionRoute] {
        var routes: [String: SessionRoute] = [:]
        for record in values where record.bare == bare {
            routes[record.resource] = SessionRoute(
                resource: record.resource, slot: record.slot, incarnation: record.incarnation,
                connection: record.connection, priority: record.priority, flags: record.flags)
        }
        return routes
    }
}
