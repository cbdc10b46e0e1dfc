import Testing

@testable import Kernel

@Suite(.timeLimit(.minutes(5))) struct MigrationTargetTests {
    /// At which time which workers are there, and where sessions go then.
    @Test(
        arguments: [
            [(0, [0, 2], 2), (100, [0, 2], 2), (5_000, [0, 2], 2)],
            [(0, [0], 2), (999, [0], 2), (1_000, [0], 0)],
            [
                (0, [0, 2], 2), (900, [0, 2], 2), (1_000, [0], 2), (1_899, [0], 2), (1_900, [0], 0), (2_000, [0, 2], 2),
                (2_100, [0], 2),
            ],
            [(0, [], 2), (60_000, [], 2)],
            [(2_000, [4, 3], 3)],
        ] as [[(Int64, [UInt8], UInt8)]])
    func sessionsGoToWhoIsThere(_ course: [(Int64, [UInt8], UInt8)]) {
        var succession = MigrationTarget(to: 2, now: 0)
        for (now, peers, place) in course {
            #expect(succession.place(among: peers, now: now) == place, "after \(now) ms")
        }
    }
}
