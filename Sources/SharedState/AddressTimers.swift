internal import CPlatform
internal import Glibc

/// When something last happened from an address, and how often: for limits that hold over all workers.
///
/// Bounded: when the places an address may take are all in use, the one with the oldest time gives way. An address is
/// any text the caller limits by: an IP address, a network prefix. Times are unix seconds; one that lies in the future
/// (the clock was set back) counts as long ago. Addresses are kept as keyed hashes.
public struct AddressTimers: @unchecked Sendable {  // raw pointers into the segment, guarded by its lock
    /// What is limited. Each has a table of its own.
    public enum Purpose: Int, CaseIterable, Sendable {
        case registration, knownLogin
    }

    /// Places that one address may take.
    static let ways = 16
    /// The lock has a cache line to itself.
    static let lockBytes = 64

    private let segment: SharedSegment
    private let lock: RobustLock
    private let places: UnsafeMutablePointer<xmppd_address_timer>

    private typealias Place = UnsafeMutablePointer<xmppd_address_timer>

    public init(_ segment: SharedSegment, _ purpose: Purpose) {
        self.segment = segment
        let table = segment.base + segment.layout.timers + purpose.rawValue * segment.layout.timerTable
        lock = RobustLock(mutex: table.assumingMemoryBound(to: pthread_mutex_t.self))
        places = (table + Self.lockBytes).assumingMemoryBound(to: xmppd_address_timer.self)
    }

    /// Notes `now` for this address if nothing was noted in the last `interval` seconds; else says false.
    public func claim(_ address: String, now: Int64, interval: Int64) -> Bool {
        locked(address) { set, hash in
            if let place = find(hash, in: set), isWithin(interval, place, now) { return false }
            note(hash, at: find(hash, in: set) ?? oldest(of: set, now), now: now, events: 1)
            return true
        } ?? false
    }

    /// Counts an event and returns how many there were, this one included, none of them followed by more than
    /// `window` seconds of silence.
    @discardableResult
    public func add(_ address: String, now: Int64, window: Int64) -> Int {
        locked(address) { set, hash in
            let known = find(hash, in: set)
            var events: UInt32 = 1
            if let known, isWithin(window, known, now), known.pointee.events < .max {
                events = known.pointee.events + 1
            }
            note(hash, at: known ?? oldest(of: set, now), now: now, events: events)
            return Int(events)
        } ?? 0
    }

    /// How many events `add` has counted, or 0 after `window` seconds of silence.
    public func events(_ address: String, now: Int64, window: Int64) -> Int {
        locked(address) { set, hash in
            guard let known = find(hash, in: set), isWithin(window, known, now) else { return 0 }
            return Int(known.pointee.events)
        } ?? 0
    }

    /// When something was last noted for the address, if that is still known.
    public func last(_ address: String) -> Int64? {
        locked(address) { set, hash in find(hash, in: set)?.pointee.time } ?? nil
    }

    public func forget(_ address: String) {
        _ = locked(address) { set, hash in find(hash, in: set)?.pointee.time = 0 }
    }

    private func locked<Result>(_ address: String, _ body: (Place, UInt64) -> Result) -> Result? {
        var address = address
        let hash = address.withUTF8 { xmppd_siphash(segment.seed, $0.baseAddress, $0.count) }
        let sets = UInt64(segment.layout.addressTimers / Self.ways)
        // Whoever dies in `note` leaves a free place or a whole one: there is nothing to repair.
        return lock.whileHeld(repair: {}) { body(places + Int(hash % sets) * Self.ways, hash) }
    }

    private func find(_ hash: UInt64, in set: Place) -> Place? {
        (0..<Self.ways).first { set[$0].address == hash && set[$0].time != 0 }.map { set + $0 }
    }

    private func oldest(of set: Place, _ now: Int64) -> Place {
        func age(_ place: Int) -> Int64 { set[place].time > now ? 0 : set[place].time }
        return set + ((0..<Self.ways).min { age($0) < age($1) } ?? 0)
    }

    private func isWithin(_ seconds: Int64, _ place: Place, _ now: Int64) -> Bool {
        let elapsed = now.subtractingReportingOverflow(place.pointee.time)
        return !elapsed.overflow && elapsed.partialValue >= 0 && elapsed.partialValue < seconds
    }

    private func note(_ hash: UInt64, at place: Place, now: Int64, events: UInt32) {
        xmppd_publish_i64(&place.pointee.time, 0)
        place.pointee.address = hash
        place.pointee.events = events
        xmppd_publish_i64(&place.pointee.time, now)
    }
}
