import Testing

@testable import Supervision

/// Who serves which worker index, as the master writes it into the shared segment.
@Suite(.timeLimit(.minutes(5)))
struct OwnersTests {
    @Test func allIndicesCountFromTheStart() {
        var t = Transcript(workers: 2)
        #expect(t.supervisor.owners == [nil, nil])
        _ = t.tell(.start)
        t.bringUp(w(1))
        #expect(t.supervisor.owners == [nil, w(1)])
        t.bringUp(w(0))
        #expect(t.supervisor.owners == [w(0), w(1)])
    }

    @Test func theIndexOfADeadWorkerIsVacantUntilItIsFilledAgain() {
        var t = Transcript.up()
        _ = t.tell(.exited(w(0), .signal(9)))
        #expect(t.supervisor.owners == [nil, w(1)])
        _ = t.tell(.hello(w(0, 2)))
        #expect(t.supervisor.owners == [nil, w(1)])
        _ = t.tell(.ready(w(0, 2)))
        #expect(t.supervisor.owners == [w(0, 2), w(1)])
    }

    @Test func whoIsKilledOwnsNothingAnyMore() {
        var t = Transcript.up()
        _ = t.tell(.misbehaved(w(1), reason: "?"))
        #expect(t.supervisor.owners == [w(0), nil])
    }

    @Test func aReplacementOwnsFromItsReadinessOn() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        _ = t.tell(.hello(w(64)))
        #expect(t.supervisor.owners == [w(0), w(1)])
        _ = t.tell(.ready(w(64)))
        #expect(t.supervisor.owners == [w(64), w(1)])
        _ = t.tell(.exited(w(0), .status(0)))
        #expect(t.supervisor.owners == [w(64), w(1)])
    }

    @Test func aReplacementThatIsPromotedOwnsOnceItIsReady() {
        var t = Transcript.up()
        _ = t.tell(.restart(id: 1))
        _ = t.tell(.hello(w(64)))
        _ = t.tell(.exited(w(0), .signal(9)))
        #expect(t.supervisor.owners == [nil, w(1)])
        _ = t.tell(.ready(w(64)))
        #expect(t.supervisor.owners == [w(64), w(1)])
    }

    @Test func anIndexThatIsAddedCountsOnceItHasServed() {
        var t = Transcript.up()
        _ = t.tell(.resize(4))
        #expect(t.supervisor.owners == [w(0), w(1)])
        // The numbers that count have no gap.
        t.bringUp(w(3))
        #expect(t.supervisor.owners == [w(0), w(1)])
        t.bringUp(w(2))
        #expect(t.supervisor.owners == [w(0), w(1), w(2), w(3)])
        _ = t.tell(.exited(w(3), .signal(9)))
        #expect(t.supervisor.owners == [w(0), w(1), w(2), nil])
    }

    @Test func anIndexThatIsRemovedOwnsNothingAnyMore() {
        var t = Transcript.up(workers: 3)
        _ = t.tell(.resize(2))
        #expect(t.supervisor.owners == [w(0), w(1)])
        // It is wanted again before its worker has left.
        _ = t.tell(.resize(3))
        #expect(t.supervisor.owners == [w(0), w(1)])
        t.bringUp(w(66))
        #expect(t.supervisor.owners == [w(0), w(1), w(66)])
        _ = t.tell(.exited(w(2), .status(0)))
        #expect(t.supervisor.owners == [w(0), w(1), w(66)])
    }

    @Test(arguments: [1, 2, 3]) func allChangeAtOnceWhenTheLastOfTheNewOnesIsReady(workers: UInt8) {
        var t = Transcript.up()
        _ = t.tell(.change(generation: 2, workers: Int(workers)))
        let new = [w(64), w(65), w(2)].prefix(Int(workers))
        for worker in new {
            #expect(t.supervisor.owners == [w(0), w(1)])
            t.bringUp(worker)
        }
        #expect(t.supervisor.owners == Array(new))
    }

    @Test func anotherImageOfTheMasterKnowsThem() throws {
        var t = Transcript.up()
        _ = t.tell(.resize(3))
        var other = try #require(t.supervisor.memory.flatMap { Supervisor($0, policy: SupervisionPolicy()) })
        _ = other.handle(.adopted, at: 0)
        #expect(other.owners == [w(0), w(1)])
        t.bringUp(w(2))
        _ = t.tell(.exited(w(2), .signal(9)))
        other = try #require(t.supervisor.memory.flatMap { Supervisor($0, policy: SupervisionPolicy()) })
        #expect(other.owners == [w(0), w(1), nil])
    }
}
