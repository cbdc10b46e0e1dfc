import Testing

@testable import Supervision

@Suite(.timeLimit(.minutes(5)))
struct StopTests {
    @Test func everyWorkerIsToldAndTheLastOneEndsTheMaster() {
        var t = Transcript.up()
        #expect(
            t.tell(.stop) == [
                .report(.stopping(workers: 2)), .notify(.stopping), .refuseConnections, .stop(w(0), deadline: 10_000),
                .stop(w(1), deadline: 10_000),
                .arm(.stop, after: 12_000),
            ])
        #expect(t.tell(.stop) == [])
        #expect(t.tell(.exited(w(1), .status(0))) == [.report(.left(w(1), .status(0)))])
        #expect(t.tell(.exited(w(0), .status(0))) == [.report(.left(w(0), .status(0))), .exit(0)])
        #expect(t.tell(.timer(.stop)) == [])
    }

    @Test func whoeverStaysIsKilled() {
        var t = Transcript.up()
        _ = t.tell(.stop)
        _ = t.tell(.exited(w(1), .status(0)))
        #expect(t.tell(.timer(.stop)) == [.report(.killedAtStop(w(0))), .kill(w(0))])
        #expect(t.tell(.exited(w(0), .signal(9))).last == .exit(0))
    }

    @Test func nobodyIsRefilledWhileStopping() {
        var t = Transcript.up()
        _ = t.tell(.exited(w(0), .signal(9)))
        _ = t.tell(.exited(w(0, 2), .status(1)))
        let actions = t.tell(.stop)
        #expect(actions.contains(.stop(w(1), deadline: 10_000)))
        #expect(t.tell(.timer(.refill(w(0, 3)))) == [])
        #expect(t.tell(.exited(w(1), .status(0))).last == .exit(0))
    }

    @Test func aStartingWorkerHasNothingToEnd() {
        var t = Transcript.up()
        _ = t.tell(.exited(w(0), .signal(9)))
        #expect(t.tell(.stop).contains(.kill(w(0, 2))))
        #expect(t.tell(.hello(w(0, 2))) == [])
    }

    @Test func withoutWorkersTheEndIsImmediate() {
        var t = Transcript()
        #expect(t.tell(.stop).last == .exit(0))
    }
}
