internal import SharedState

/// How far the workers are with an epoch of the ownership table (`IPC/OwnershipMessage.swift`), as this one knows it.
struct EpochBarrier {
    /// Milliseconds for which a worker waits for others: first until all have seen the epoch and its objects have moved, then, a
    /// second longer, until all have settled. After that it goes on without them, and order is given up.
    static let deadlineMilliseconds: Int64 = 10_000
    static let openingMilliseconds: Int64 = 11_000

    private(set) var epoch: UInt64 = 0
    /// This worker has said that it has settled.
    private(set) var hasSettled = true
    /// All have: nothing is held any more.
    private(set) var isOpen = true
    /// When the epoch was seen here, in milliseconds of `Loop.now`.
    private var since: Int64 = 0
    private var seen: [UInt8: UInt64] = [:]
    private var settled: [UInt8: UInt64] = [:]
    /// How many indices there have been in each table since the last for which all had settled; empty where this worker has
    /// not served its index in all of them, or has missed one.
    private var kept: [Int] = []

    /// Another epoch is in force.
    /// - Parameter servesOn: this worker serves its index, as in the table before, and that was the epoch before.
    mutating func begin(_ owners: WorkerOwners, after former: WorkerOwners, servesOn: Bool, now: Int64) {
        if !servesOn { kept = [] } else if isOpen { kept = [former.workers.count] }
        if !kept.isEmpty { kept.append(owners.workers.count) }
        (epoch, hasSettled, isOpen, since) = (owners.epoch, false, false, now)
    }

    /// Whether what comes for a key of this worker can be handled.
    func isOpen(for key: OwnedKey, ofIndex index: Int) -> Bool {
        isOpen || !kept.isEmpty && kept.allSatisfy { key.index(among: $0) == index }
    }

    mutating func noteSeen(_ epoch: UInt64, by slot: UInt8) { seen[slot] = max(seen[slot] ?? 0, epoch) }

    mutating func noteSettled(_ epoch: UInt64, by slot: UInt8) { settled[slot] = max(settled[slot] ?? 0, epoch) }

    mutating func peerGone(_ slot: UInt8) { (seen[slot], settled[slot]) = (nil, nil) }

    func isSeen(by peers: some Sequence<UInt8>) -> Bool { peers.allSatisfy { seen[$0] ?? 0 >= epoch } }

    func isSettled(by peers: some Sequence<UInt8>) -> Bool { peers.allSatisfy { settled[$0] ?? 0 >= epoch } }

    func isOverdue(_ milliseconds: Int64, now: Int64) -> Bool { now - since >= milliseconds }

    mutating func settle() { hasSettled = true }

    mutating func open() { (isOpen, kept) = (true, []) }
}
