internal import CPlatform
internal import Glibc

/// A domain that an external component serves (XEP-0114), and which worker has its connection.
public struct ComponentEntry: Sendable, Equatable {
    public var domain: String
    public var owner: SessionOwner
    /// Whether it is left out of service discovery.
    public var isHidden: Bool
    /// When it was registered, in seconds since 1970.
    public var since: Int64
    /// Where the component connects from.
    public var address: String

    public init(domain: String, owner: SessionOwner, isHidden: Bool, since: Int64, address: String) {
        self.domain = domain
        self.owner = owner
        self.isHidden = isHidden
        self.since = since
        self.address = address
    }
}

/// The domains of all components, over all workers: who claims one has it.
///
/// A reader keeps a copy and looks whether `changes` has changed since: that takes no lock. A process that dies while it writes
/// leaves a free place or a whole one, since the length of the domain is written last: there is nothing to repair.
public final class ComponentTable: @unchecked Sendable {  // raw pointers into the segment, guarded by its lock
    /// Domains that there is room for; one more is refused.
    public static let capacity = 1024
    /// Bytes of the longest domain.
    public static let longestDomain = Int(XMPPD_COMPONENT_DOMAIN)

    /// What became of a claim.
    public enum Claim: Sendable, Equatable {
        /// All domains are the claimant's now. Those were taken from these components.
        case claimed(from: [SessionOwner])
        /// Another component has one of the domains; nothing was changed.
        case taken(ComponentEntry)
        /// There is no room; nothing was changed.
        case full
    }

    private static let counterOffset = SegmentLayout.lockBytes
    private static let entriesOffset = 2 * SegmentLayout.lockBytes
    static var bytes: Int { entriesOffset + capacity * MemoryLayout<xmppd_component>.stride }

    private let segment: SharedSegment
    private let lock: RobustLock
    private let counter: UnsafeMutablePointer<UInt64>
    private let places: UnsafeMutableBufferPointer<xmppd_component>

    public init(_ segment: SharedSegment) {
        self.segment = segment
        let table = segment.base + segment.layout.components
        lock = RobustLock(mutex: table.assumingMemoryBound(to: pthread_mutex_t.self))
        counter = (table + Self.counterOffset).assumingMemoryBound(to: UInt64.self)
        places = UnsafeMutableBufferPointer(
            start: (table + Self.entriesOffset).assumingMemoryBound(to: xmppd_component.self), count: Self.capacity)
    }

    /// Changes with each claim and release.
    public var changes: UInt64 { xmppd_acquire_u64(counter) }

    /// All that is claimed, in no particular order.
    public func entries() -> [ComponentEntry] { locked { places.indices.compactMap(entry) } ?? [] }

    /// Claims the domains of one component, all or none.
    /// - Parameters:
    ///   - replaces: whether it takes them from others (`conflict_behaviour = "kick_old"`).
    ///   - isLive: whether a process still serves; a domain of one that does not is free.
    public func claim(_ entries: [ComponentEntry], replaces: Bool, isLive: (SessionOwner) -> Bool) -> Claim {
        guard entries.allSatisfy({ (1...Self.longestDomain).contains($0.domain.utf8.count) }) else { return .full }
        return locked {
            let wanted = Set(entries.map(\.domain))
            var freed: [Int] = []
            var losers: [SessionOwner] = []
            for place in places.indices {
                guard let old = entry(place), wanted.contains(old.domain) else { continue }
                if isLive(old.owner), !entries.contains(where: { $0.owner == old.owner }) {
                    guard replaces else { return .taken(old) }
                    if !losers.contains(old.owner) { losers.append(old.owner) }
                }
                freed.append(place)
            }
            let free = freed + places.indices.filter { places[$0].domain_length == 0 }.prefix(max(0, entries.count - freed.count))
            guard free.count >= entries.count else { return .full }
            for place in freed { places[place].domain_length = 0 }
            for (place, entry) in zip(free, entries) { write(entry, at: place) }
            didChange()
            return .claimed(from: losers)
        } ?? .full
    }

    /// Gives up all domains of a component.
    public func release(_ owner: SessionOwner) { release { $0 == owner } }

    /// Gives up what processes that have died in a slot have claimed.
    public func releaseOrphans(slot: UInt8, before incarnation: UInt32) {
        release { $0.slot == slot && $0.incarnation < incarnation }
    }

    /// Sets whether the domains of a component are left out of service discovery.
    public func setHidden(_ isHidden: Bool, of owner: SessionOwner) {
        _ = locked {
            for place in places.indices where entry(place)?.owner == owner { places[place].is_hidden = isHidden ? 1 : 0 }
            didChange()
        }
    }

    private func release(where isGone: (SessionOwner) -> Bool) {
        _ = locked {
            var hasChanged = false
            for place in places.indices where entry(place).map({ isGone($0.owner) }) == true {
                places[place].domain_length = 0
                hasChanged = true
            }
            if hasChanged { didChange() }
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result? { lock.whileHeld(repair: {}, body) }

    private func didChange() { xmppd_release_u64(counter, counter.pointee &+ 1) }

    private func entry(_ place: Int) -> ComponentEntry? {
        guard let base = places.baseAddress else { return nil }
        let entry = base + place
        let length = Int(entry.pointee.domain_length)
        guard (1...Self.longestDomain).contains(length), let domain = xmppd_component_domain(entry),
            let address = xmppd_component_address(entry)
        else { return nil }
        let addressLength = min(Int(entry.pointee.address_length), Int(XMPPD_COMPONENT_ADDRESS))
        return ComponentEntry(
            domain: Self.text(domain, length),
            owner: SessionOwner(
                slot: entry.pointee.slot, incarnation: entry.pointee.incarnation, connection: entry.pointee.connection),
            isHidden: entry.pointee.is_hidden != 0, since: entry.pointee.since, address: Self.text(address, addressLength))
    }

    private static func text(_ start: UnsafeMutablePointer<CChar>, _ length: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }

    private func write(_ entry: ComponentEntry, at place: Int) {
        guard let base = places.baseAddress, let domain = xmppd_component_domain(base + place),
            let address = xmppd_component_address(base + place)
        else { return }
        let target = base + place
        target.pointee.connection = entry.owner.connection
        target.pointee.incarnation = entry.owner.incarnation
        target.pointee.slot = entry.owner.slot
        target.pointee.is_hidden = entry.isHidden ? 1 : 0
        target.pointee.since = entry.since
        let text = Array(entry.domain.utf8), source = Array(entry.address.utf8.prefix(Int(XMPPD_COMPONENT_ADDRESS)))
        text.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: domain, count: text.count).copyMemory(from: $0) }
        source.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: address, count: source.count).copyMemory(from: $0) }
        target.pointee.address_length = UInt8(source.count)
        // Last: a process that dies before it leaves the place free.
        xmppd_fence_release()
        target.pointee.domain_length = UInt32(text.count)
    }
}
