/// The worker to which the sessions of a leaving one go: its successor, or any other worker if that is gone.
public struct MigrationTarget {
    /// Milliseconds for which the successor may be unreachable, since it may be starting; after that another worker is chosen.
    static let absenceMilliseconds: Int64 = 1_000

    private let successor: UInt8
    private var lastSeen: Int64

    /// - Parameter now: milliseconds of `Loop.now`.
    public init(to successor: UInt8, now: Int64) {
        self.successor = successor
        lastSeen = now
    }

    /// - Parameter peers: the slots of the workers that can be reached.
    public mutating func place(among peers: some Collection<UInt8>, now: Int64) -> UInt8 {
        if peers.contains(successor) { lastSeen = now }
        guard now - lastSeen >= Self.absenceMilliseconds, let other = peers.min() else { return successor }
        return other
    }
}
