internal import CPlatform

/// When something last happened from an address: for limits that hold over all workers.
///
/// Bounded: when the places an address may take are all in use, the one with the oldest time gives way. An address is
/// any text the caller limits by: an IP address, a network prefix. Times are unix seconds; one that lies in the future
/// (the clock was set back) counts as long ago. Addresses are kept as keyed hashes.
public struct AddressTimers: Sendable {
    /// What is limited. Each has a table of its own.
    public enum Purpose: Int, CaseIterable, Sendable {
        case registration, knownLogin
    }

    private let places: HashedPlaces<xmppd_address_timer>

    public init(_ segment: SharedSegment, _ purpose: Purpose) {
        places = HashedPlaces(segment, at: segment.layout.timers + purpose.rawValue * segment.layout.timerTable)
    }

    /// Notes `now` for this address if nothing was noted in the last `interval` seconds; else says false.
    public func claim(_ address: String, now: Int64, intervalSeconds interval: Int64) -> Bool {
        places.locked(address) { set, hash in
            let known = set.place(of: hash)
            if let known, isWithin(interval, known.pointee, now) { return false }
            // A time in the future counts as long ago.
            guard let place = known ?? set.least({ $0.time > now ? 0 : $0.time }) else { return true }
            xmppd_publish_i64(&place.pointee.time, 0)
            place.pointee.key = hash
            xmppd_publish_i64(&place.pointee.time, now)
            return true
        } ?? false
    }

    /// When something was last noted for the address, if that is still known.
    public func last(_ address: String) -> Int64? {
        places.locked(address) { set, hash in set.place(of: hash)?.pointee.time } ?? nil
    }

    private func isWithin(_ seconds: Int64, _ place: xmppd_address_timer, _ now: Int64) -> Bool {
        let elapsed = now.subtractingReportingOverflow(place.time)
        return !elapsed.overflow && elapsed.partialValue >= 0 && elapsed.partialValue < seconds
    }
}
