import Glibc

/// What one query of an archive may cost. At a bound it answers what it has, and where the next one goes on.
public struct ArchiveBudget: Sendable {
    /// Bytes of stanzas that are answered, but for the last one: what a client that does not read makes a worker hold.
    public var pageBytes = 512 * 1024
    /// Messages that are looked at.
    public var entries = 500_000
    /// Bytes that are read from the database.
    public var readBytes = 16 << 20
    /// Milliseconds from the first snapshot to the begin of the last one.
    public var milliseconds: Int64 = 1000

    public init() {}
}

/// What a query has cost so far. It is read in snapshots, between which others have their turn.
struct ArchiveCost {
    /// Messages that are looked at in the first snapshot, which may be taken on the caller's thread, and in a later one.
    private static let firstEntries = 2048
    private static let laterEntries = 16_384
    /// Bytes that one snapshot reads.
    private static let readAtOnce = 512 * 1024

    private let budget: ArchiveBudget
    private let begin = ArchiveCost.milliseconds
    private var entries = 0
    private var readBytes = 0
    private(set) var hasBegun = false

    init(_ budget: ArchiveBudget) { self.budget = budget }

    var isOver: Bool {
        entries >= budget.entries || readBytes >= budget.readBytes || Self.milliseconds - begin >= budget.milliseconds
    }

    /// Those of the next snapshot.
    func bounds(messages: Int, bytes: Int) -> ArchiveLookup.Bounds {
        let most = hasBegun ? Self.laterEntries : Self.firstEntries
        return ArchiveLookup.Bounds(
            messages: messages, bytes: bytes, entries: max(1, min(most, budget.entries - entries)),
            readBytes: max(1, min(Self.readAtOnce, budget.readBytes - readBytes)))
    }

    mutating func add(_ part: ArchiveLookup.Part) {
        add(entries: part.entries)
        readBytes += part.readBytes
    }

    mutating func add(entries: Int) {
        self.entries += entries
        hasBegun = true
    }

    private static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
