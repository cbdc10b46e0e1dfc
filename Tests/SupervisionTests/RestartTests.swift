import Testing

@testable import Supervision

@Suite(.timeLimit(.minutes(5)))
struct RestartTests {
    @Test func onePositionAfterTheOther() {
        var t = Transcript.up()
        #expect(
            t.tell(.restart(id: 1)) == [
                .restartProgress(step(0, .starting, done: 0)), .notify(status(2, of: 2, step(0, .starting, done: 0))),
                .spawn(w(64)), .arm(.readiness(w(64)), after: 10_000),
            ])
        #expect(t.tell(.hello(w(64))) == [.handOver(w(64), connecting: [w(0), w(1)])])
        #expect(
            t.tell(.ready(w(64))) == [
                .report(.ready(w(64))), .report(.draining(w(0), successor: 64)), .drain(w(0), successor: 64, deadline: 30_000),
                .arm(.drain(w(0)), after: 40_000), .restartProgress(step(0, .draining, done: 0)),
                .notify(status(2, of: 2, step(0, .draining, done: 0))),
            ])
        #expect(t.supervisor.standings.map(\.worker) == [w(64), w(1), w(0)])
        #expect(t.supervisor.standings.map(\.state) == [.ready, .ready, .draining])
        let left = t.tell(.exited(w(0), .status(0)))
        #expect(left.prefix(2) == [.report(.retired(w(0), .status(0))), .announceDeath(w(0), to: [w(1), w(64)])])
        #expect(left.contains(.collect(w(0), by: w(1))))
        #expect(left.suffix(2) == [.spawn(w(65)), .arm(.readiness(w(65)), after: 10_000)])
        #expect(t.tell(.collected(w(1), dead: w(0))) == [])
        t.bringUp(w(65))
        let end = t.tell(.exited(w(1), .status(0)))
        #expect(end.contains(.collect(w(1), by: w(64))))
        #expect(
            end.suffix(3) == [
                .report(.restart(id: 1, .done(2))), .restartEnded(id: 1, .done(2)), .notify(.status(ready: 2, of: 2)),
            ])
        // The next one comes back to the first slots.
        #expect(t.tell(.restart(id: 2)).contains(.spawn(w(0, 2))))
        #expect(t.supervisor.standings.map(\.restarts) == [2, 1, 2])
    }

    @Test(arguments: [
        (SupervisionEvent.spawnFailed(w(64), reason: "ENOENT"), RestartFailure.spawnFailed("ENOENT")),
        (.exited(w(64), .signal(11)), .died(.signal(11))),
    ])
    func aReplacementThatDoesNotComeUpIsTheEndOfIt(event: SupervisionEvent, failure: RestartFailure) {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        let actions = t.tell(event)
        #expect(actions.contains(.restartEnded(id: 1, .abandoned(position: 0, failure))))
        #expect(!actions.contains { if case .drain = $0 { true } else { false } })
        #expect(t.supervisor.standings.map(\.worker) == [w(0), w(1)])
        #expect(t.supervisor.standings.allSatisfy { $0.state == .ready })
        #expect(t.tell(.restart(id: 2)).contains(.spawn(w(64, 2))))
    }

    @Test func theReasonIsTheFirstThatIsKnown() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        _ = t.tell(.hello(w(64)))
        #expect(t.tell(.timer(.readiness(w(64)))).contains(.kill(w(64))))
        #expect(
            t.tell(.exited(w(64), .signal(9))).contains(
                .restartEnded(id: 1, .abandoned(position: 0, .notReadyInTime(milliseconds: 10_000)))))
        _ = t.tell(.restart(id: 2))
        _ = t.tell(.hello(w(64, 2)))
        _ = t.tell(.refused(w(64, 2), problems: ["p"]))
        #expect(
            t.tell(.exited(w(64, 2), .status(78))).contains(.restartEnded(id: 2, .abandoned(position: 0, .refused(["p"])))))
        _ = t.tell(.restart(id: 3))
        _ = t.tell(.misbehaved(w(64, 3), reason: "version 9"))
        #expect(
            t.tell(.exited(w(64, 3), .signal(9))).contains(
                .restartEnded(id: 3, .abandoned(position: 0, .misbehaved("version 9")))))
    }

    @Test func theOldWorkerDiesBeforeTheNewOneIsReady() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        _ = t.tell(.hello(w(64)))
        let death = t.tell(.exited(w(0), .signal(9)))
        #expect(death.contains(.announceDeath(w(0), to: [w(1), w(64)])))
        #expect(death.contains(.collect(w(0), by: w(1))))
        #expect(!death.contains(.spawn(w(0, 2))))
        #expect(t.tell(.ready(w(64))).contains(.spawn(w(65))))
        // And if the new one fails then, the position is filled as after any death.
        t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        _ = t.tell(.hello(w(64)))
        _ = t.tell(.exited(w(0), .signal(9)))
        let failure = t.tell(.exited(w(64), .status(1)))
        #expect(failure.contains(.arm(.refill(w(64, 2)), after: 2_000)))
        #expect(failure.contains(.restartEnded(id: 1, .abandoned(position: 0, .died(.status(1))))))
        #expect(t.tell(.timer(.refill(w(64, 2)))).contains(.spawn(w(64, 2))))
    }

    @Test func theNewWorkerDiesWhileTheOldOneHandsOver() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        t.bringUp(w(64))
        #expect(t.tell(.exited(w(64), .signal(11))).contains(.spawn(w(64, 2))))
        // The next position waits until this one has a worker again.
        #expect(!t.tell(.exited(w(0), .status(0))).contains(.spawn(w(65))))
        _ = t.tell(.hello(w(64, 2)))
        #expect(t.tell(.ready(w(64, 2))).contains(.spawn(w(65))))
    }

    @Test func aProgramThatCannotStayEndsIt() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        t.bringUp(w(64))
        _ = t.tell(.exited(w(0), .status(0)))
        t.bringUp(w(65))
        _ = t.tell(.exited(w(65), .signal(11)))
        _ = t.tell(.exited(w(1), .status(0)))
        let end = t.tell(.exited(w(65, 2), .signal(11)))
        #expect(end.contains(.restartEnded(id: 1, .abandoned(position: 1, .died(.signal(11))))))
        #expect(end.contains(.arm(.refill(w(65, 3)), after: 2_000)))
    }

    @Test func aProgramThatCannotBeStartedAgainEndsItToo() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        t.bringUp(w(64))
        #expect(t.tell(.exited(w(64), .signal(11))).contains(.spawn(w(64, 2))))
        _ = t.tell(.exited(w(0), .status(0)))
        let end = t.tell(.spawnFailed(w(64, 2), reason: "EAGAIN"))
        #expect(end.contains(.restartEnded(id: 1, .abandoned(position: 0, .spawnFailed("EAGAIN")))))
        #expect(end.contains(.arm(.refill(w(64, 3)), after: 2_000)))
    }

    @Test func anotherWorkerDiesMeanwhileAndIsReplacedAtOnce() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        #expect(t.tell(.exited(w(1), .signal(9))).contains(.spawn(w(1, 2))))
        t.bringUp(w(64))
        // When its turn comes it is not up yet: it is waited for, then restarted as well.
        #expect(!t.tell(.exited(w(0), .status(0))).contains(.spawn(w(65))))
        _ = t.tell(.hello(w(1, 2)))
        #expect(t.tell(.ready(w(1, 2))).contains(.spawn(w(65))))
    }

    @Test func aPositionThatWaitsToBeFilledIsFilledAtOnce() {
        var t = Transcript.up()
        _ = t.tell(.exited(w(0), .signal(9)))
        _ = t.tell(.exited(w(0, 2), .status(1)))
        #expect(t.tell(.restart(id: 1)).contains(.spawn(w(0, 3))))
        #expect(t.tell(.timer(.refill(w(0, 3)))) == [])
        _ = t.tell(.hello(w(0, 3)))
        #expect(t.tell(.ready(w(0, 3))).contains(.spawn(w(65))))
    }

    @Test func whoeverStaysTooLongIsKilledAndItGoesOn() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        t.bringUp(w(64))
        #expect(t.tell(.timer(.drain(w(0)))) == [.report(.killedAtDrain(w(0))), .kill(w(0))])
        let death = t.tell(.exited(w(0), .signal(9)))
        #expect(death.contains(.report(.retired(w(0), .signal(9)))))
        #expect(death.contains(.collect(w(0), by: w(1))))
        #expect(death.contains(.spawn(w(65))))
    }

    @Test func aReloadAndASecondRestartAreTurnedAway() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        #expect(t.tell(.reload(generation: 2)).last == .reloadEnded(generation: 2, .restarting))
        #expect(t.tell(.restart(id: 2)).last == .restartEnded(id: 2, .busy("a rolling restart is under way")))
        t = Transcript.up()
        _ = t.tell(.reload(generation: 2))
        #expect(t.tell(.restart(id: 1)).last == .restartEnded(id: 1, .busy("a reload is under way")))
    }

    @Test func aStopEndsIt() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        t.bringUp(w(64))
        let actions = t.tell(.stop)
        #expect(actions.contains(.restartEnded(id: 1, .stopping)))
        for worker in [w(0), w(1), w(64)] { #expect(actions.contains(.stop(worker, deadline: 10_000))) }
        _ = t.tell(.exited(w(0), .status(0)))
        _ = t.tell(.exited(w(1), .status(0)))
        #expect(t.tell(.exited(w(64), .status(0))).last == .exit(0))
        #expect(t.tell(.restart(id: 2)).last == .restartEnded(id: 2, .stopping))
    }

    @Test func orphansFindAnotherCollector() {
        var t = Transcript.up(workers: 3)
        _ = t.tell(.restart(id: 1))
        t.bringUp(w(64))
        #expect(t.tell(.exited(w(0), .signal(9))).contains(.collect(w(0), by: w(1))))
        #expect(t.tell(.exited(w(1), .signal(9))).contains(.collect(w(0), by: w(2))))
        #expect(t.tell(.collected(w(1), dead: w(0))) == [])
        #expect(t.supervisor.orphans.map(\.dead) == [w(0), w(1)])
        _ = t.tell(.collected(w(2), dead: w(0)))
        #expect(t.supervisor.orphans.map(\.dead) == [w(1)])
    }

    // MARK: Another number of workers

    @Test func aWorkerThatIsNotWantedAnyMoreIsNotTriedAgain() {
        var t = Transcript.up(workers: 1)
        #expect(t.tell(.resize(2)).contains(.spawn(w(1))))
        #expect(t.tell(.resize(1)).contains(.kill(w(1))))
        #expect(t.tell(.spawnFailed(w(1), reason: "EAGAIN")) == [.report(.spawnFailed(w(1), reason: "EAGAIN", nextAfter: nil))])
        #expect(t.supervisor.standings.map(\.worker) == [w(0)])
    }

    @Test func moreWorkersAreStarted() {
        var t = Transcript.up(workers: 1)
        #expect(
            t.tell(.resize(3)) == [
                .report(.resized(from: 1, to: 3)), .spawn(w(1)), .arm(.readiness(w(1)), after: 10_000), .spawn(w(2)),
                .arm(.readiness(w(2)), after: 10_000), .notify(.status(ready: 1, of: 3)),
            ])
        t.bringUp(w(1))
        #expect(t.tell(.resize(3)) == [])
        #expect(t.tell(.resize(0)) == [] && t.tell(.resize(65)) == [])
    }

    @Test func fewerWorkersHandOverToTheFirst() {
        var t = Transcript.up(workers: 3)
        let actions = t.tell(.resize(1))
        #expect(actions.contains(.drain(w(2), successor: 0, deadline: 30_000)))
        #expect(actions.contains(.drain(w(1), successor: 0, deadline: 30_000)))
        #expect(t.supervisor.holderStandings.count == 1)
        let left = t.tell(.exited(w(2), .status(0)))
        #expect(left.contains(.collect(w(2), by: w(0))))
        #expect(!left.contains { if case .spawn = $0 { true } else { false } })
        // A position that is wanted again before its worker has left gets one in its other slot.
        #expect(t.tell(.resize(2)).contains(.spawn(w(65))))
        #expect(t.tell(.restart(id: 1)).last == .restartEnded(id: 1, .busy("worker 1.1 is still leaving")))
        #expect(!t.tell(.exited(w(1), .status(0))).contains(.spawn(w(1, 2))))
    }

    @Test func aNumberAskedForDuringAReloadCountsAfterwards() {
        var t = Transcript.up(workers: 1)
        _ = t.tell(.reload(generation: 2))
        #expect(t.tell(.resize(2)) == [])
        #expect(!t.tell(.prepared(w(0), generation: 2)).contains(.spawn(w(1))))
        #expect(t.tell(.committed(w(0), generation: 2)).contains(.spawn(w(1))))
    }

    // MARK: Heartbeats

    @Test func whoeverGivesNoSignOfLifeIsKilledAndReplaced() {
        var t = Transcript.up()
        #expect(t.tell(.heartbeats([beat(w(0), 900), beat(w(1), 9_999)])) == [])
        t.now += 1_000
        #expect(
            t.tell(.heartbeats([beat(w(0), 900), beat(w(1), 10_999)])) == [
                .report(.hung(w(1), milliseconds: 10_999)), .kill(w(1)),
            ])
        #expect(t.tell(.exited(w(1), .signal(9))).contains(.spawn(w(1, 2))))
        // Who has not said ready has its own deadline.
        #expect(t.tell(.heartbeats([beat(w(1, 2), 20_000)])) == [])
    }

    @Test func whoeverBeatsAndDoesNotGetOnIsKilledToo() {
        var t = Transcript.up()
        let stalled = { (age: Int64) in Heartbeat(worker: w(1), ageMilliseconds: age, isStalled: true) }
        #expect(t.tell(.heartbeats([beat(w(0), 10), beat(w(1), 10), stalled(9_999)])) == [])
        t.now += 1_000
        #expect(
            t.tell(.heartbeats([beat(w(0), 10), beat(w(1), 10), stalled(10_999)])) == [
                .report(.stalled(w(1), milliseconds: 10_999)), .kill(w(1)),
            ])
    }

    @Test func afterTheMasterItselfHasSleptAllAreGivenTimeAnew() {
        var t = Transcript.up()
        _ = t.tell(.heartbeats([beat(w(0), 10)]))
        t.now += 60_000
        #expect(t.tell(.heartbeats([beat(w(0), 60_010)])) == [])
        t.now += 1_000
        #expect(t.tell(.heartbeats([beat(w(0), 61_010)])) == [])
        for _ in 0..<9 {
            t.now += 1_000
            _ = t.tell(.heartbeats([]))
        }
        #expect(t.tell(.heartbeats([beat(w(0), 70_010)])).contains(.kill(w(0))))
    }

    @Test func withoutADeadlineNobodyIsKilled() {
        var policy = SupervisionPolicy()
        policy.silenceMilliseconds = 0
        var t = Transcript.up(policy: policy)
        #expect(t.tell(.heartbeats([beat(w(0), .max)])) == [])
    }

    // MARK: Another image of the master

    @Test func anotherImageGoesOnWithWhatThisOneKnew() throws {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        #expect(t.supervisor.memory == nil)
        t.bringUp(w(64))
        _ = t.tell(.exited(w(0), .status(0)))
        t.bringUp(w(65))
        _ = t.tell(.exited(w(1), .status(0)))
        _ = t.tell(.exited(w(65), .signal(9)))
        _ = t.tell(.exited(w(65, 2), .status(1)))
        let memory = try #require(t.supervisor.memory)
        var supervisor = try #require(Supervisor(memory, policy: t.supervisor.policy))
        #expect(supervisor.standings == t.supervisor.standings)
        #expect(supervisor.memory == memory)
        let actions = supervisor.handle(.adopted, at: 500)
        #expect(actions.contains(.arm(.refill(w(65, 3)), after: 1_500)))
        #expect(actions.contains(.collect(w(0), by: w(64))))
        #expect(actions.contains(.notify(.ready)))
        #expect(supervisor.handle(.exited(w(64), .signal(9)), at: 600).contains(.spawn(w(64, 2))))
    }
}

private func step(_ position: Int, _ step: RestartStatus.Step, done: Int, of total: Int = 2, id: UInt32 = 1) -> RestartStatus {
    RestartStatus(id: id, position: position, step: step, done: done, total: total)
}

private func status(_ ready: Int, of all: Int, _ restart: RestartStatus) -> SupervisionAction.Notice {
    .status(ServiceStatus(ready: ready, all: all, restart: restart))
}

private func beat(_ worker: WorkerName, _ age: Int64) -> Heartbeat { Heartbeat(worker: worker, ageMilliseconds: age) }
