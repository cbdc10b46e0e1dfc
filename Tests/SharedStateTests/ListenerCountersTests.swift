import Testing

@testable import SharedState

@Suite(.timeLimit(.minutes(5))) struct ListenerCountersTests {
    @Test func limitHoldsOverAllWorkers() throws {
        let segment = try smallSegment()
        let here = ListenerCounters(segment)
        let there = ListenerCounters(try secondMapping(of: segment))
        #expect(here.admit(2, slot: 0, limit: 3))
        #expect(there.admit(2, slot: 1, limit: 3))
        #expect(here.admit(2, slot: 0, limit: 3))
        #expect(!there.admit(2, slot: 1, limit: 3))
        #expect(here.open(2) == 3 && here.open(2, slot: 0) == 2 && here.open(2, slot: 1) == 1)
        #expect(here.accepted(2) == 3 && here.refused(2) == 1)
        here.close(2, slot: 0)
        #expect(there.admit(2, slot: 1, limit: 3))
        #expect(here.accepted(2) == 4 && here.open(2) == 3)
        #expect(here.open(1) == 0 && here.open(3) == 0)
    }

    @Test func deadWorkerHasNothingOpen() throws {
        let counters = ListenerCounters(try smallSegment())
        for listener in 0..<counters.capacity {
            #expect(counters.admit(listener, slot: 1))
            #expect(counters.admit(listener, slot: 3))
        }
        counters.forgetOpen(slot: 1)
        for listener in 0..<counters.capacity {
            #expect(counters.open(listener) == 1)
            #expect(counters.accepted(listener) == 2)
        }
    }

    @Test func closingMoreThanWasOpenIsNoCredit() throws {
        let counters = ListenerCounters(try smallSegment())
        counters.close(0, slot: 0)
        #expect(counters.open(0) == 0)
    }

    @Test func reusedIndexStartsFromZero() throws {
        let counters = ListenerCounters(try smallSegment())
        #expect(counters.admit(5, slot: 2))
        counters.refuse(5, slot: 2)
        counters.reset(5)
        #expect(counters.open(5) == 0 && counters.accepted(5) == 0 && counters.refused(5) == 0)
    }
}
