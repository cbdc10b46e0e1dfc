/// The sessions of a bare JID, in no particular order, as they were when the table was asked.
public struct CachedRoutes: Sendable {
    public let routes: [SessionRoute]
    /// Where they were found, and how often that shard had changed; -1: nowhere, and not to be remembered.
    let shard: Int
    let changes: UInt32
}

/// The session table for who asks it at every stanza: an answer that was given lately is given again, without a lock,
/// as long as nothing has changed in that shard of the table.
///
/// Never older than the table itself: each change is announced before it begins. Bounded: each bare JID has one place,
/// which it loses to any other that has the same.
public final class RouteCache {
    private struct Place {
        var local = ""
        var domain = ""
        var known = CachedRoutes(routes: [], shard: -1, changes: 0)
    }

    private let table: SessionTable
    private var places = [Place](repeating: Place(), count: RouteCache.size)

    /// A power of two; a place is 64 bytes.
    private static let size = 1024

    public init(_ table: SessionTable) { self.table = table }

    /// All sessions of a bare JID, in no particular order. `local` is empty for a server.
    public func routes(local: String, domain: String) -> [SessionRoute] {
        let place = Self.place(of: local, domain)
        if places[place].local == local, places[place].domain == domain, table.holds(places[place].known) {
            return places[place].known.routes
        }
        let known = table.routes(local: local, domain: domain)
        places[place] = Place(local: local, domain: domain, known: known)
        return known.routes
    }

    public func route(local: String, domain: String, resource: String) -> SessionRoute? {
        routes(local: local, domain: domain).first { $0.resource == resource }
    }

    /// Whether the bare JID has a session with all these flags besides the one with this resource.
    public func hasOther(local: String, domain: String, resource: String, flags: SessionFlags) -> Bool {
        routes(local: local, domain: domain).contains { $0.flags.isSuperset(of: flags) && $0.resource != resource }
    }

    /// Addresses that meet in one place cost time and no more, so it need not be hard to guess.
    private static func place(of local: String, _ domain: String) -> Int {
        let hash = mix(domain, into: mix(local, into: 0xcbf2_9ce4_8422_2325))
        return Int(truncatingIfNeeded: hash ^ hash >> 32) & (size - 1)
    }

    private static func mix(_ part: String, into start: UInt64) -> UInt64 {
        var part = part
        return part.withUTF8 { bytes in
            var hash = start
            for byte in bytes.suffix(16) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return hash
        }
    }
}
