import Testing

@testable import Supervision

@Suite(.timeLimit(.minutes(5)))
struct LifeTests {
    @Test func bothComeUpAndAreMeshedOnce() {
        var t = Transcript()
        #expect(
            t.tell(.start) == [
                .spawn(w(0)), .arm(.readiness(w(0)), after: 10_000), .spawn(w(1)), .arm(.readiness(w(1)), after: 10_000),
            ])
        #expect(t.tell(.hello(w(1))) == [.handOver(w(1), connecting: [])])
        #expect(t.tell(.hello(w(0))) == [.handOver(w(0), connecting: [w(1)])])
        #expect(t.tell(.ready(w(1))) == [.report(.ready(w(1))), .notify(.status(ready: 1, of: 2))])
        #expect(
            t.tell(.ready(w(0))) == [
                .report(.ready(w(0))), .notify(.status(ready: 2, of: 2)), .report(.allReady(2)), .notify(.ready),
            ])
        #expect(t.tell(.timer(.readiness(w(0)))) == [])
        #expect(t.tell(.start) == [])
    }

    @Test func aDeadWorkerIsReplacedAtOnceAndTheOthersAreTold() {
        var t = Transcript.up(workers: 3)
        #expect(
            t.tell(.exited(w(1), .signal(9))) == [
                .report(.died(w(1), .signal(9), wasReady: true, nextAfter: 0)), .announceDeath(w(1), to: [w(0), w(2)]),
                .notify(.status(ready: 2, of: 3)), .spawn(w(1, 2)), .arm(.readiness(w(1, 2)), after: 10_000),
            ])
        #expect(t.tell(.hello(w(1, 2))) == [.handOver(w(1, 2), connecting: [w(0), w(2)])])
        #expect(t.tell(.ready(w(1, 2))) == [.report(.ready(w(1, 2))), .notify(.status(ready: 3, of: 3))])
        let crashStreak = CrashStreak(count: 1, first: 0, last: 0, lastExit: .signal(9), nextStart: nil)
        #expect(t.supervisor.standings[1] == SlotStatus(worker: w(1, 2), state: .ready, restarts: 1, crashStreak: crashStreak))
    }

    @Test func noReadyByTheDeadlineIsDeath() {
        var t = Transcript(workers: 1)
        _ = t.tell(.start)
        _ = t.tell(.hello(w(0)))
        #expect(
            t.tell(.timer(.readiness(w(0)))) == [.report(.notReadyInTime(w(0), milliseconds: 10_000)), .kill(w(0))])
        #expect(t.tell(.ready(w(0))) == [])
        #expect(
            t.tell(.exited(w(0), .signal(9))) == [
                .report(.died(w(0), .signal(9), wasReady: false, nextAfter: 1_000)), .announceDeath(w(0), to: []),
                .notify(.status(ServiceStatus(ready: 0, all: 1, crashing: [.init(position: 0, delayMilliseconds: 1_000)]))),
                .arm(.refill(w(0, 2)), after: 1_000),
            ])
        #expect(t.tell(.timer(.refill(w(0, 2)))) == [.spawn(w(0, 2)), .arm(.readiness(w(0, 2)), after: 10_000)])
    }

    @Test func deathsBeforeReadyWaitLongerEachTime() {
        var t = Transcript.up(workers: 1)
        _ = t.tell(.exited(w(0), .signal(11)))
        var waits: [Int64?] = []
        for incarnation in UInt32(2)...9 {
            for case .arm(.refill(let next), let wait) in t.tell(.exited(w(0, incarnation), .status(1))) {
                #expect(next == w(0, incarnation + 1))
                waits.append(wait)
                _ = t.tell(.timer(.refill(next)))
            }
        }
        // The death of the one that had been ready counts as the first setback.
        #expect(waits == [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
    }

    @Test func aCrashLoopOfReadyWorkersIsThrottledAndStableServiceForgiven() {
        var policy = SupervisionPolicy()
        policy.promptRefills = 2
        var t = Transcript.up(workers: 1, policy: policy)
        var waits: [Int64?] = []
        for incarnation in UInt32(1)...5 {
            let actions = t.tell(.exited(w(0, incarnation), .signal(11)))
            for case .report(.died(_, _, _, let wait)) in actions { waits.append(wait) }
            if waits.last != 0 { _ = t.tell(.timer(.refill(w(0, incarnation + 1)))) }
            t.bringUp(w(0, incarnation + 1))
        }
        #expect(waits == [0, 0, 1_000, 2_000, 4_000])
        t.now += policy.stableAfterMilliseconds
        #expect(t.tell(.exited(w(0, 6), .signal(11))).contains(.spawn(w(0, 7))))
        t.bringUp(w(0, 7))
        #expect(t.tell(.exited(w(0, 7), .signal(11))).contains(.spawn(w(0, 8))))
    }

    @Test func eventsOfFormerHoldersAreIgnored() {
        var t = Transcript.up()
        _ = t.tell(.exited(w(0), .signal(9)))
        let before = t.supervisor.slots
        for event: SupervisionEvent in [
            .exited(w(0), .signal(9)), .hello(w(0)), .ready(w(0)), .misbehaved(w(0), reason: "x"), .channelClosed(w(0)),
            .timer(.readiness(w(0))), .timer(.silence(w(0))), .timer(.refill(w(0, 2))), .timer(.stop), .ready(w(9)),
            .prepared(w(1), generation: 4), .rejected(w(1), generation: 4, problems: []), .timer(.reload(generation: 4)),
        ] {
            #expect(t.tell(event) == [], "\(event)")
        }
        #expect(t.supervisor.slots == before)
    }

    @Test func whoeverMisbehavesIsNamedAndKilled() {
        var t = Transcript.up()
        #expect(
            t.tell(.misbehaved(w(1), reason: "unknown kind")) == [.report(.misbehaved(w(1), reason: "unknown kind")), .kill(w(1))])
        #expect(t.tell(.misbehaved(w(1), reason: "again")) == [])
        #expect(t.tell(.exited(w(1), .signal(9))).contains(.spawn(w(1, 2))))
        #expect(t.tell(.ready(w(1, 2))).contains(.kill(w(1, 2))))
        #expect(t.tell(.hello(w(0))).contains(.kill(w(0))))
    }

    @Test func aClosedChannelIsFollowedByTheExitOrByAKill() {
        var t = Transcript.up()
        #expect(t.tell(.channelClosed(w(0))) == [.arm(.silence(w(0)), after: 1_000)])
        #expect(t.tell(.timer(.silence(w(0)))).contains(.kill(w(0))))
    }

    @Test func aProgramThatCannotBeStartedAtFirstIsTheEnd() {
        var t = Transcript(workers: 2)
        _ = t.tell(.start)
        #expect(
            t.tell(.spawnFailed(w(0), reason: "ENOENT")) == [
                .report(.spawnFailed(w(0), reason: "ENOENT", nextAfter: 1_000)), .report(.stopping(workers: 1)),
                .notify(.stopping), .refuseConnections, .kill(w(1)), .arm(.stop, after: 12_000),
            ])
        #expect(t.tell(.exited(w(1), .signal(9))) == [.report(.left(w(1), .signal(9))), .exit(ExitStatus.osError)])
    }

    @Test func aProgramThatCannotBeStartedLaterIsTriedAgain() {
        var t = Transcript.up()
        _ = t.tell(.exited(w(0), .signal(9)))
        #expect(
            t.tell(.spawnFailed(w(0, 2), reason: "EAGAIN")) == [
                .report(.spawnFailed(w(0, 2), reason: "EAGAIN", nextAfter: 2_000)),
                .notify(.status(ServiceStatus(ready: 1, all: 2, crashing: [.init(position: 0, delayMilliseconds: 2_000)]))),
                .arm(.refill(w(0, 3)), after: 2_000),
            ])
    }

    @Test func aConfigurationRefusedAtTheStartIsTheEnd() {
        var t = Transcript(workers: 1)
        _ = t.tell(.start)
        _ = t.tell(.hello(w(0)))
        #expect(t.tell(.refused(w(0), problems: ["p"])).contains(.report(.refused(w(0), problems: ["p"]))))
        #expect(t.tell(.exited(w(0), .status(78))).contains(.exit(ExitStatus.configuration)))
    }
}
