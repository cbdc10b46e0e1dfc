import Testing

@testable import Supervision

@Suite(.timeLimit(.minutes(5)))
struct ReloadTests {
    @Test func allPrepareThenAllCommit() {
        var t = Transcript.up()
        #expect(
            t.tell(.reload(generation: 2)) == [
                .notify(.reloading), .prepare(w(0), generation: 2), .prepare(w(1), generation: 2),
                .arm(.reload(generation: 2), after: 20_000),
            ])
        #expect(t.tell(.prepared(w(1), generation: 2)) == [])
        #expect(t.tell(.prepared(w(1), generation: 2)) == [])
        #expect(
            t.tell(.prepared(w(0), generation: 2)) == [
                .adopt(generation: 2), .commit(w(0), generation: 2), .commit(w(1), generation: 2),
                .arm(.commit(generation: 2), after: 20_000),
            ])
        #expect(t.tell(.timer(.reload(generation: 2))) == [])
        #expect(t.tell(.committed(w(1), generation: 2)) == [])
        #expect(t.tell(.committed(w(1), generation: 2)) == [])
        #expect(t.tell(.committed(w(0), generation: 1)) == [])
        #expect(
            t.tell(.committed(w(0), generation: 2)) == [
                .report(.reload(generation: 2, .committed)), .reloadEnded(generation: 2, .committed), .notify(.ready),
                .notify(.status(ready: 2, of: 2)),
            ])
        #expect(t.tell(.timer(.commit(generation: 2))) == [])
    }

    /// Up to the moment when all have agreed.
    private func agreed() -> Transcript {
        var t = Transcript.up()
        _ = t.tell(.reload(generation: 2))
        _ = t.tell(.prepared(w(0), generation: 2))
        _ = t.tell(.prepared(w(1), generation: 2))
        return t
    }

    @Test func onceAllHaveAgreedThereIsNoWayBack() {
        var t = agreed()
        #expect(t.tell(.rejected(w(0), generation: 2, problems: ["x"])) == [])
        _ = t.tell(.committed(w(0), generation: 2))
        let actions = t.tell(.exited(w(1), .signal(11)))
        #expect(actions.contains(.reloadEnded(generation: 2, .committed)))
        #expect(actions.suffix(2) == [.spawn(w(1, 2)), .arm(.readiness(w(1, 2)), after: 10_000)])
    }

    @Test func whoDoesNotSayThatItHasDoneItIsNamed() {
        var t = agreed()
        _ = t.tell(.committed(w(1), generation: 2))
        let outcome = ReloadOutcome.committedBut(late: [w(0)])
        #expect(
            t.tell(.timer(.commit(generation: 2))) == [
                .report(.reload(generation: 2, outcome)), .reloadEnded(generation: 2, outcome), .notify(.ready),
                .notify(.status(ready: 2, of: 2)),
            ])
        #expect(t.tell(.committed(w(0), generation: 2)) == [])
        #expect(t.tell(.reload(generation: 3)).contains(.prepare(w(0), generation: 3)))
    }

    @Test func aStopBetweenAgreementAndDeedLeavesItInForce() {
        var t = agreed()
        let actions = t.tell(.stop)
        #expect(actions.contains(.reloadEnded(generation: 2, .committedBut(late: [w(0), w(1)]))))
        #expect(!actions.contains(.abort(w(0), generation: 2)))
        #expect(actions.contains(.stop(w(0), deadline: 10_000)))
    }

    @Test func whoStartsAfterTheAgreementIsNotAskedAgain() {
        var t = Transcript.up()
        _ = t.tell(.exited(w(0), .signal(9)))
        _ = t.tell(.reload(generation: 2))
        _ = t.tell(.prepared(w(1), generation: 2))
        #expect(t.tell(.hello(w(0, 2))) == [.handOver(w(0, 2), connecting: [w(1)])])
        #expect(t.tell(.committed(w(1), generation: 2)).contains(.reloadEnded(generation: 2, .committed)))
    }

    @Test func oneRefusalChangesNothingAnywhere() {
        var t = Transcript.up()
        _ = t.tell(.reload(generation: 2))
        _ = t.tell(.prepared(w(0), generation: 2))
        let outcome = ReloadOutcome.rejected(w(1), problems: ["a.toml:1:1: x"])
        #expect(
            t.tell(.rejected(w(1), generation: 2, problems: ["a.toml:1:1: x"])) == [
                .abort(w(0), generation: 2), .abort(w(1), generation: 2), .report(.reload(generation: 2, outcome)),
                .reloadEnded(generation: 2, outcome), .notify(.ready), .notify(.status(ready: 2, of: 2)),
            ])
        #expect(t.tell(.prepared(w(0), generation: 2)) == [])
        #expect(t.tell(.reload(generation: 3)).contains(.prepare(w(0), generation: 3)))
    }

    @Test func silenceIsRefusal() {
        var t = Transcript.up()
        _ = t.tell(.reload(generation: 2))
        _ = t.tell(.prepared(w(1), generation: 2))
        let actions = t.tell(.timer(.reload(generation: 2)))
        #expect(actions.contains(.reloadEnded(generation: 2, .unanswered([w(0)]))))
        #expect(actions.contains(.abort(w(1), generation: 2)))
    }

    @Test func thereIsOneAtATime() {
        var t = Transcript.up()
        _ = t.tell(.reload(generation: 2))
        #expect(t.tell(.reload(generation: 3)).last == .reloadEnded(generation: 3, .busy))
        _ = t.tell(.prepared(w(0), generation: 2))
        #expect(t.tell(.prepared(w(1), generation: 2)).contains(.adopt(generation: 2)))
    }

    @Test func aServingWorkerThatDiesOfItAbortsItAndIsRefilledAfterwards() {
        var t = Transcript.up()
        _ = t.tell(.reload(generation: 2))
        let actions = t.tell(.exited(w(0), .signal(11)))
        #expect(!actions.contains(.adopt(generation: 2)))
        #expect(actions.contains(.abort(w(1), generation: 2)))
        #expect(actions.contains(.reloadEnded(generation: 2, .died(w(0)))))
        #expect(actions.suffix(2) == [.spawn(w(0, 2)), .arm(.readiness(w(0, 2)), after: 10_000)])
    }

    @Test func aWorkerThatAnsweredAndDiesIsRefilledWithWhatIsThenInForce() {
        var t = Transcript.up()
        _ = t.tell(.reload(generation: 2))
        _ = t.tell(.prepared(w(0), generation: 2))
        #expect(!t.tell(.exited(w(0), .signal(9))).contains(.spawn(w(0, 2))))
        let actions = t.tell(.prepared(w(1), generation: 2))
        #expect(actions.prefix(2) == [.adopt(generation: 2), .commit(w(1), generation: 2)])
        #expect(t.tell(.committed(w(1), generation: 2)).contains(.spawn(w(0, 2))))
    }

    @Test func aRefillDueDuringAReloadWaitsForItsEnd() {
        var t = Transcript.up()
        _ = t.tell(.exited(w(0), .signal(9)))
        _ = t.tell(.exited(w(0, 2), .status(1)))
        _ = t.tell(.reload(generation: 2))
        #expect(t.tell(.timer(.refill(w(0, 3)))) == [])
        _ = t.tell(.prepared(w(1), generation: 2))
        #expect(t.tell(.committed(w(1), generation: 2)).contains(.spawn(w(0, 3))))
    }

    @Test func aStartingWorkerIsAskedAndItsDeathIsNoVeto() {
        var t = Transcript.up()
        _ = t.tell(.exited(w(0), .signal(9)))
        #expect(!t.tell(.reload(generation: 2)).contains(.prepare(w(0, 2), generation: 2)))
        #expect(t.tell(.hello(w(0, 2))) == [.handOver(w(0, 2), connecting: [w(1)]), .prepare(w(0, 2), generation: 2)])
        #expect(t.tell(.prepared(w(1), generation: 2)) == [])
        #expect(t.tell(.exited(w(0, 2), .status(1))).contains(.commit(w(1), generation: 2)))
    }

    @Test func aStopEndsIt() {
        var t = Transcript.up()
        _ = t.tell(.reload(generation: 2))
        _ = t.tell(.prepared(w(0), generation: 2))
        _ = t.tell(.exited(w(0), .signal(9)))
        let actions = t.tell(.stop)
        #expect(actions.contains(.reloadEnded(generation: 2, .stopping)))
        #expect(actions.contains(.stop(w(1), deadline: 10_000)))
        #expect(!actions.contains(.spawn(w(0, 2))))
        #expect(t.tell(.reload(generation: 3)).last == .reloadEnded(generation: 3, .stopping))
    }

    @Test func withNobodyToAskTheConfigurationIsAdopted() {
        var t = Transcript.up(workers: 1)
        _ = t.tell(.exited(w(0), .signal(9)))
        _ = t.tell(.exited(w(0, 2), .status(1)))
        #expect(t.tell(.reload(generation: 2)).contains(.adopt(generation: 2)))
    }
}
