import Testing

@testable import SharedState

@Suite("Levels of failures", .timeLimit(.minutes(5)))
struct FailureLevelsTests {
    private let spacing = FailureLevels.Spacing(free: 10, shortest: 250, longest: 2000)

    @Test("count over all workers, each purpose for itself, and halve in each half-life")
    func counting() throws {
        let segment = try smallSegment()
        let here = FailureLevels(segment, .address)
        let there = FailureLevels(try secondMapping(of: segment), .address)
        for count in 1...8 { #expect((count % 2 == 0 ? here : there).add("::1", now: 1000) == Double(count)) }
        #expect(there.level("::1", now: 1000) == 8)
        #expect(there.level("::1", now: 1000 + FailureLevels.halfLife) == 4)
        #expect(FailureLevels(segment, .account).level("::1", now: 1000) == 0)
        #expect(here.level("::2", now: 1000) == 0)
        // A moment before the last one is as good as that one.
        #expect(here.level("::1", now: 0) == 8)
    }

    @Test("From the free ones on, attempts come one after another, ever more slowly, and not too far ahead")
    func turns() throws {
        let levels = FailureLevels(try smallSegment(), .address)
        for _ in 1...9 { levels.add("a", now: 5000) }
        for _ in 1...100 {
            #expect(
                levels.take("a", now: 5000, spacing: spacing, longestWaitMilliseconds: 1000)
                    == .init(waitMilliseconds: 0, intervalMilliseconds: 0))
        }
        levels.add("a", now: 5000)
        for wait: Int64 in [0, 250, 500, 750, 1000] {
            #expect(
                levels.take("a", now: 5000, spacing: spacing, longestWaitMilliseconds: 1000)
                    == .init(waitMilliseconds: wait, intervalMilliseconds: 250))
        }
        #expect(levels.take("a", now: 5000, spacing: spacing, longestWaitMilliseconds: 1000) == nil)
        #expect(
            levels.take("b", now: 5000, spacing: spacing, longestWaitMilliseconds: 1000)
                == .init(waitMilliseconds: 0, intervalMilliseconds: 0))
        levels.giveBack(.init(waitMilliseconds: 1000, intervalMilliseconds: 250), "a")
        #expect(levels.take("a", now: 5000, spacing: spacing, longestWaitMilliseconds: 1000)?.waitMilliseconds == 1000)
        #expect([10, 20, 30, 40, 1000].map { spacing.interval(at: $0) } == [250, 500, 1000, 2000, 2000])
        // A queue that nobody stands in any more is no longer than it was.
        #expect(levels.take("a", now: 20_000, spacing: spacing, longestWaitMilliseconds: 1000)?.waitMilliseconds == 0)
    }

    @Test("Whoever fills the table with single failures gets nobody out of it who failed often")
    func flood() throws {
        let levels = FailureLevels(try smallSegment(), .address)
        for _ in 1...20 { levels.add("attacker", now: 1000) }
        for number in 1...10_000 { #expect(levels.add("192.0.2.\(number)", now: 1000) == 1) }
        #expect(levels.level("attacker", now: 1000) == 20)
        #expect(
            levels.take("innocent", now: 1000, spacing: spacing, longestWaitMilliseconds: 1000)
                == .init(waitMilliseconds: 0, intervalMilliseconds: 0))
    }
}
