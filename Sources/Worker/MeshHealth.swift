internal import Network
internal import Telemetry

/// How long the way to another worker has been full, and when that is said.
struct MeshCongestion {
    /// Milliseconds of congestion that are ordinary under load and pass without a word; beyond, the episode is logged and counted.
    static let ordinary: Int64 = 1_000
    /// Milliseconds after which a pipe that moves but never drains counts as one that does not move: two workers may keep
    /// each other busy for ever.
    static let drainPatienceMilliseconds: Int64 = 50_000

    /// In milliseconds of `Loop.now`.
    let since: Int64
    private(set) var isReported = false

    init(since: Int64) { self.since = since }

    /// Says so once when it has lasted longer than is ordinary. True: just now.
    mutating func report(peer: UInt8, queued: Int, now: Int64) -> Bool {
        guard !isReported, now - since > Self.ordinary else { return false }
        isReported = true
        Log.notice(
            "the way to another worker is full, its clients and ours wait",
            [Field("peer", Int(peer)), Field("lasts_ms", now - since), Field("queued_bytes", queued)])
        return true
    }

    func reportEnd(peer: UInt8, now: Int64) {
        guard isReported else { return }
        Log.notice("the way to another worker is free again", [Field("peer", Int(peer)), Field("lasts_ms", now - since)])
    }

    /// For how long the other worker has taken nothing, or not enough.
    func stalled(lastProgress: Int64, now: Int64) -> Int64 {
        max(0, now - max(since, lastProgress), now - since - Self.drainPatienceMilliseconds)
    }
}

/// How the ways to the other workers are, for `status` and the master's watchdog.
struct MeshHealth {
    /// Other workers to which the way is full now.
    var congestedPeers = 0
    /// How long the first of these ways has been full, in milliseconds.
    var longestCongestion: Int64 = 0
    /// Who takes nothing for the longest time, and for how long in milliseconds.
    var stalled: (slot: UInt8, milliseconds: Int64)?
}
