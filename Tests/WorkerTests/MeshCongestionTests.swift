import Testing

@testable import Worker

@Suite("How long the way to another worker has been full", .timeLimit(.minutes(1)))
struct MeshCongestionTests {
    @Test("an episode that is ordinary passes without a word, a longer one is told once")
    func told() {
        var congestion = MeshCongestion(since: 5_000)
        let times = [5_000 + MeshCongestion.ordinary, 5_001 + MeshCongestion.ordinary, 90_000]
        let isTold = times.map { congestion.report(peer: 1, queued: 10, now: $0) }
        #expect(isTold == [false, true, false])
        #expect(congestion.isReported)
    }

    /// When the way became full, when the other worker last took something, now, and for how long it has stalled.
    @Test(
        "the watchdog counts from the last byte that was taken, or at the latest from the end of patience",
        arguments: [
            (0, 0, 0, 0), (0, 0, 700, 700),
            // What was taken before the way was full does not count.
            (1_000, 200, 1_300, 300),
            (0, 600, 700, 100), (0, 700, 700, 0),
            // It moves and never drains.
            (0, 50_000, 50_000, 0), (0, 50_400, 50_400, 400), (1_000, 61_000, 61_000, 10_000),
        ] as [(Int64, Int64, Int64, Int64)])
    func stalled(since: Int64, progress: Int64, now: Int64, expected: Int64) {
        #expect(MeshCongestion(since: since).stalled(lastProgress: progress, now: now) == expected)
    }
}
