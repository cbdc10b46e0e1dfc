import Testing

@testable import Supervision

/// All workers give way at once to those of another configuration.
@Suite(.timeLimit(.minutes(5)))
struct FullReplacementTests {
    @Test func theOldOnesLeaveWhenAllNewOnesAreReadyAndTheNewOnesAcceptWhenTheyHaveLeft() {
        var t = Transcript.up()
        #expect(
            t.tell(.change(generation: 2, workers: 2)) == [
                .notify(.reloading), .spawn(w(64)), .arm(.readiness(w(64)), after: 10_000), .spawn(w(65)),
                .arm(.readiness(w(65)), after: 10_000),
            ])
        #expect(t.supervisor.candidate(for: w(64)) == 2 && t.supervisor.candidate(for: w(0)) == nil)
        #expect(t.supervisor.acceptsLater(w(64)) && !t.supervisor.acceptsLater(w(0)))
        #expect(t.tell(.hello(w(64))) == [.handOver(w(64), connecting: [w(0), w(1)])])
        #expect(t.tell(.ready(w(64))).first == .report(.ready(w(64))))
        #expect(t.supervisor.standings.prefix(2).map(\.worker) == [w(0), w(1)])
        _ = t.tell(.hello(w(65)))
        let commit = t.tell(.ready(w(65)))
        #expect(
            commit.prefix(8) == [
                .report(.ready(w(65))), .adopt(generation: 2),
                .report(.draining(w(0), successor: 64)), .drain(w(0), successor: 64, deadline: 1_000),
                .arm(.drain(w(0)), after: 11_000),
                .report(.draining(w(1), successor: 65)), .drain(w(1), successor: 65, deadline: 1_000),
                .arm(.drain(w(1)), after: 11_000),
            ])
        #expect(t.supervisor.candidate(for: w(64)) == nil && t.supervisor.acceptsLater(w(64)))
        #expect(!t.tell(.exited(w(1), .status(0))).contains { if case .accept = $0 { true } else { false } })
        let end = t.tell(.exited(w(0), .status(0)))
        #expect(
            end.suffix(5) == [
                .accept([w(64), w(65)]), .report(.reload(generation: 2, .committed)), .reloadEnded(generation: 2, .committed),
                .notify(.ready), .notify(.status(ready: 2, of: 2)),
            ])
        #expect(!t.supervisor.acceptsLater(w(64)))
        #expect(t.supervisor.standings.map(\.worker) == [w(64), w(65)])
        #expect(t.tell(.restart(id: 1)).contains(.spawn(w(0, 2))))
    }

    @Test(arguments: [
        (SupervisionEvent.spawnFailed(w(65), reason: "ENOENT"), RestartFailure.spawnFailed("ENOENT")),
        (.exited(w(65), .signal(11)), .died(.signal(11))),
    ])
    func aNewOneThatDoesNotComeUpIsTheEndOfIt(event: SupervisionEvent, failure: RestartFailure) {
        var t = Transcript.up()
        _ = t.tell(.change(generation: 2, workers: 2))
        t.bringUp(w(64))
        let actions = t.tell(event)
        #expect(actions.contains(.reloadEnded(generation: 2, .abandoned(position: 1, failure))))
        #expect(actions.contains(.kill(w(64))))
        #expect(!actions.contains { if case .drain = $0 { true } else { false } })
        #expect(t.supervisor.standings.prefix(2).map(\.worker) == [w(0), w(1)])
        #expect(t.tell(.change(generation: 3, workers: 2)).contains(.reloadEnded(generation: 3, .leaving(w(64)))))
        #expect(!t.tell(.exited(w(64), .signal(9))).contains { if case .spawn = $0 { true } else { false } })
        #expect(t.tell(.change(generation: 4, workers: 2)).contains(.spawn(w(64, 2))))
    }

    /// The system that refused the first of the new workers refuses the second, which is not wanted any more by then.
    @Test func ifSeveralCannotBeStartedNoneIsTriedAgain() {
        var t = Transcript.up()
        _ = t.tell(.change(generation: 2, workers: 2))
        #expect(t.tell(.spawnFailed(w(64), reason: "EAGAIN")).contains(.kill(w(65))))
        #expect(
            t.tell(.spawnFailed(w(65), reason: "EAGAIN")) == [.report(.spawnFailed(w(65), reason: "EAGAIN", nextAfter: nil))])
        #expect(t.supervisor.standings.map(\.worker) == [w(0), w(1)])
        #expect(t.tell(.change(generation: 3, workers: 2)).contains(.spawn(w(65, 2))))
    }

    @Test func theReasonIsTheFirstThatIsKnown() {
        var t = Transcript.up()
        _ = t.tell(.change(generation: 2, workers: 2))
        _ = t.tell(.hello(w(64)))
        _ = t.tell(.refused(w(64), problems: ["p"]))
        #expect(
            t.tell(.exited(w(64), .status(78))).contains(
                .reloadEnded(generation: 2, .abandoned(position: 0, .refused(["p"])))))
    }

    @Test func anOldOneThatDiesMeanwhileIsNotFollowedByOneOfTheOldConfiguration() {
        var t = Transcript.up()
        _ = t.tell(.change(generation: 2, workers: 2))
        #expect(!t.tell(.exited(w(0), .signal(9))).contains { if case .spawn = $0 { true } else { false } })
        t.bringUp(w(64))
        _ = t.tell(.hello(w(65)))
        let commit = t.tell(.ready(w(65)))
        #expect(commit.contains(.drain(w(1), successor: 65, deadline: 1_000)))
        #expect(commit.contains(.collect(w(0), by: w(64))))
        #expect(t.tell(.exited(w(1), .status(0))).contains(.reloadEnded(generation: 2, .committed)))
        #expect(t.supervisor.standings.map(\.worker) == [w(64), w(65)])
    }

    @Test func ifNothingComesOfItTheDeadOneIsReplaced() {
        var t = Transcript.up()
        _ = t.tell(.change(generation: 2, workers: 2))
        _ = t.tell(.exited(w(0), .signal(9)))
        #expect(t.tell(.exited(w(64), .signal(9))).contains(.spawn(w(0, 2))))
        #expect(t.supervisor.standings.prefix(2).map(\.worker) == [w(0, 2), w(1)])
    }

    @Test func anotherNumberOfWorkers() {
        for number in [1, 4] {
            var t = Transcript.up()
            _ = t.tell(.change(generation: 2, workers: number))
            let new = (0..<number).map { w(UInt8($0 < 2 ? $0 + 64 : $0)) }
            for worker in new { t.bringUp(worker) }
            let end = [w(0), w(1)].flatMap { t.tell(.exited($0, .status(0))) }
            #expect(end.contains(.accept(new.sorted { $0.slot < $1.slot })))
            #expect(t.supervisor.standings.map(\.worker) == new)
        }
    }

    @Test func aNewOneThatDiesLaterIsReplacedAsEver() {
        var t = Transcript.up()
        _ = t.tell(.change(generation: 2, workers: 2))
        for slot: UInt8 in [64, 65] { t.bringUp(w(slot)) }
        #expect(t.tell(.exited(w(64), .signal(9))).contains(.spawn(w(64, 2))))
        #expect(t.supervisor.acceptsLater(w(64, 2)))
        t.bringUp(w(64, 2))
        _ = t.tell(.exited(w(0), .status(0)))
        #expect(t.tell(.exited(w(1), .status(0))).contains(.accept([w(64, 2), w(65)])))
    }

    @Test func aStopEndsIt() {
        var t = Transcript.up()
        _ = t.tell(.change(generation: 2, workers: 2))
        t.bringUp(w(64))
        let stop = t.tell(.stop)
        #expect(stop.contains(.reloadEnded(generation: 2, .stopping)) && stop.contains(.kill(w(64))))
        for worker in [w(0), w(1), w(64)] { _ = t.tell(.exited(worker, .status(0))) }
        #expect(t.tell(.exited(w(65), .signal(9))).last == .exit(0))
    }

    @Test func nothingElseIsDoneMeanwhile() {
        var t = Transcript.up()
        _ = t.tell(.change(generation: 2, workers: 2))
        #expect(t.tell(.reload(generation: 3)).contains(.reloadEnded(generation: 3, .busy)))
        #expect(t.tell(.restart(id: 1)).contains(.restartEnded(id: 1, .busy("a reload is under way"))))
        #expect(t.supervisor.memory == nil)
    }
}
