import Testing

@testable import Pools

@Suite("When a service is asked and when not", .timeLimit(.minutes(5)))
struct PoolPolicyTests {
    private func policy() -> PoolPolicy { PoolPolicy(.init(first: 500, longest: 4000), now: 0) }
    private let gone = ServiceFailure.unreachable("gone"), mute = ServiceFailure.silent("mute")

    /// A macro could not call what changes the policy.
    private func expect(_ value: Bool, _ expected: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(value == expected, sourceLocation: sourceLocation)
    }

    @Test("a service that answers is up since its first answer")
    func answers() {
        var policy = policy()
        expect(policy.admits(), true)
        expect(policy.answered(now: 10), false)
        #expect(policy.standing == .up)
        #expect(policy.since == 10)
        expect(policy.answered(now: 20), false)
        #expect(policy.since == 10)
    }

    @Test("one that cannot be reached is not asked until a try has reached it")
    func unreachable() {
        var policy = policy()
        expect(policy.failed(gone, isProbe: false, now: 100), true)
        expect(policy.admits(), false)
        #expect(policy.retryAt == 600)
        #expect(policy.reason == "gone")
        expect(policy.failed(gone, isProbe: true, now: 600), false)
        #expect(policy.retryAt == 1600)
        #expect(policy.since == 100)
        expect(policy.reached(now: 1600), true)
        expect(policy.admits(), true)
        #expect(policy.since == 1600)
    }

    @Test("pauses double up to the longest")
    func pauses() {
        var policy = policy()
        var pauses: [Int64] = []
        for _ in 0..<6 {
            _ = policy.failed(gone, isProbe: true, now: 0)
            pauses.append(policy.retryAt ?? -1)
        }
        #expect(pauses == [500, 1000, 2000, 4000, 4000, 4000])
    }

    @Test("questions under way when it went down say nothing new")
    func questionsUnderWay() {
        var policy = policy()
        expect(policy.failed(gone, isProbe: false, now: 0), true)
        expect(policy.failed(gone, isProbe: false, now: 400), false)
        #expect(policy.retryAt == 500)
    }

    @Test("one that had said nothing is on trial: a single question decides")
    func trial() {
        var policy = policy()
        _ = policy.failed(mute, isProbe: false, now: 0)
        expect(policy.reached(now: 500), false)
        #expect(policy.isDown)
        expect(policy.admits(), true)
        expect(policy.admits(), false)
        _ = policy.failed(mute, isProbe: false, now: 2500)
        #expect(policy.retryAt == 3500)
        _ = policy.reached(now: 3500)
        expect(policy.admits(), true)
        policy.withdrawn()
        expect(policy.admits(), true)
        expect(policy.answered(now: 3600), true)
        #expect(policy.standing == .up)
    }
}
