internal import CPlatform
internal import Glibc

/// What a table in the segment keeps of one text, which it knows by a keyed hash.
protocol HashedPlace {
    var key: UInt64 { get }
    /// When it was written; 0: the place is free.
    var time: Int64 { get }
}

extension xmppd_address_timer: HashedPlace {}
extension xmppd_failure_level: HashedPlace {}

/// A table in the segment whose places are found by a text, behind a lock that all workers share.
///
/// Bounded: the text's keyed hash chooses a set, of whose places it takes one. When all of them are in use the table that is
/// kept here decides which of them gives way.
struct HashedPlaces<Place: HashedPlace>: @unchecked Sendable {  // raw pointers into the segment, guarded by its lock
    /// The places that one text may take.
    typealias PlaceSet = UnsafeMutableBufferPointer<Place>

    private let segment: SharedSegment
    private let lock: RobustLock
    private let places: UnsafeMutablePointer<Place>

    /// - Parameter offset: of the table in the segment; its lock comes first.
    init(_ segment: SharedSegment, at offset: Int) {
        self.segment = segment
        let table = segment.base + offset
        lock = RobustLock(mutex: table.assumingMemoryBound(to: pthread_mutex_t.self))
        places = (table + SegmentLayout.lockBytes).assumingMemoryBound(to: Place.self)
    }

    /// Runs `body` with the set and the hash of a text; nil where the lock cannot be had.
    ///
    /// A process that dies while it writes leaves a free place or a whole one, if it publishes the time last and 0 before
    /// the rest: there is nothing to repair.
    func locked<Result>(_ text: String, _ body: (PlaceSet, UInt64) -> Result) -> Result? {
        var text = text
        let hash = text.withUTF8 { xmppd_siphash(segment.seed, $0.baseAddress, $0.count) }
        let ways = SegmentLayout.placesOfSet
        let sets = UInt64(segment.layout.addressTimers / ways)
        return lock.whileHeld(repair: {}) { body(PlaceSet(start: places + Int(hash % sets) * ways, count: ways), hash) }
    }
}

extension UnsafeMutableBufferPointer where Element: HashedPlace {
    /// The place of a text in its set.
    func place(of hash: UInt64) -> UnsafeMutablePointer<Element>? {
        indices.first { self[$0].key == hash && self[$0].time != 0 }.flatMap(pointer)
    }

    /// The place that gives way: the one with the least of something.
    func least(_ value: (Element) -> some Comparable) -> UnsafeMutablePointer<Element>? {
        indices.min { value(self[$0]) < value(self[$1]) }.flatMap(pointer)
    }

    private func pointer(_ index: Int) -> UnsafeMutablePointer<Element>? { baseAddress.map { $0 + index } }
}
