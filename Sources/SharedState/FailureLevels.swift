internal import CPlatform
internal import Glibc

/// How often something failed of late, by what it is counted by: for limits that hold over all workers.
///
/// A level is a count that halves in each half-life. With it goes a queue of moments: from a level on, attempts take place
/// one after another. Bounded: when the places of a key are all in use, the one with the lowest level gives way, so that
/// nobody gets rid of a high level by a flood of keys with low ones. Times are milliseconds of the monotonic clock. Keys are
/// any text; they are kept as keyed hashes.
public struct FailureLevels: Sendable {
    /// What is counted by. Each has a table of its own.
    public enum Purpose: Int, CaseIterable, Sendable {
        case address, account, addressOfAccount
    }

    /// How attempts of one key are spaced once it has failed too often.
    public struct Spacing: Sendable {
        /// The level from which on attempts take place one after another.
        public var free: Double
        /// Milliseconds between two attempts at that level; they double with each further `free` failures.
        public var shortest: Double
        /// Milliseconds between two attempts at most.
        public var longest: Double

        public init(free: Double, shortest: Double, longest: Double) {
            self.free = free
            self.shortest = shortest
            self.longest = longest
        }

        /// Milliseconds between two attempts at a level; 0 below the free ones.
        public func interval(at level: Double) -> Int64 {
            level < free ? 0 : Int64(min(longest, shortest * exp2((level - free) / free)))
        }
    }

    /// When an attempt may take place.
    public struct Turn: Sendable, Equatable {
        /// Milliseconds from now.
        public let waitMilliseconds: Int64
        /// Milliseconds by which it moved all later ones.
        public let intervalMilliseconds: Int64
    }

    /// Milliseconds in which a level halves.
    public static let halfLife: Int64 = 120_000
    /// Levels are kept as whole thousandths.
    private static let unit = 1000.0

    private let places: HashedPlaces<xmppd_failure_level>

    public init(_ segment: SharedSegment, _ purpose: Purpose) {
        places = HashedPlaces(segment, at: segment.layout.failures + purpose.rawValue * segment.layout.failureTable)
    }

    /// Counts a failure; the level with it.
    @discardableResult
    public func add(_ key: String, now: Int64) -> Double {
        places.locked(key) { set, hash in
            let known = set.place(of: hash)
            let level = (known.map { self.level($0.pointee, now) } ?? 0) + 1
            guard let place = known ?? set.least({ self.level($0, now) }) else { return level }
            let next = known == nil ? now : place.pointee.next
            write(hash, level, next: next, at: place, now)
            return level
        } ?? 0
    }

    public func level(_ key: String, now: Int64) -> Double {
        places.locked(key) { set, hash in set.place(of: hash).map { level($0.pointee, now) } ?? 0 } ?? 0
    }

    /// The next moment for an attempt; nil if it is further than `longestWait` milliseconds away, and then not taken.
    public func take(_ key: String, now: Int64, spacing: Spacing, longestWaitMilliseconds longestWait: Int64) -> Turn? {
        places.locked(key) { set, hash -> Turn? in
            guard let place = set.place(of: hash) else { return Turn(waitMilliseconds: 0, intervalMilliseconds: 0) }
            let level = level(place.pointee, now), interval = spacing.interval(at: level)
            guard interval > 0 else { return Turn(waitMilliseconds: 0, intervalMilliseconds: 0) }
            // No moment lies further ahead than one that could be taken: whatever else is there was never written by us.
            let latest = now + longestWait + Int64(spacing.longest)
            let start = min(max(now, place.pointee.next), latest)
            guard start - now <= longestWait else { return nil }
            write(hash, level, next: start + interval, at: place, now)
            return Turn(waitMilliseconds: start - now, intervalMilliseconds: interval)
        } ?? nil
    }

    /// The attempt was no failure: the later ones are moved back.
    public func giveBack(_ turn: Turn, _ key: String) {
        guard turn.intervalMilliseconds > 0 else { return }
        _ = places.locked(key) { set, hash in set.place(of: hash)?.pointee.next -= turn.intervalMilliseconds }
    }

    private func level(_ place: xmppd_failure_level, _ now: Int64) -> Double {
        guard place.time != 0 else { return 0 }
        let age = max(0, now.subtractingReportingOverflow(place.time).partialValue)
        return Double(place.level) / Self.unit * exp2(-Double(age) / Double(Self.halfLife))
    }

    private func write(
        _ hash: UInt64, _ level: Double, next: Int64, at place: UnsafeMutablePointer<xmppd_failure_level>, _ now: Int64
    ) {
        xmppd_publish_i64(&place.pointee.time, 0)
        place.pointee.key = hash
        place.pointee.level = UInt32(min(level * Self.unit, Double(UInt32.max)))
        place.pointee.next = next
        xmppd_publish_i64(&place.pointee.time, max(1, now))
    }
}
