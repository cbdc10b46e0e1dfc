import Testing

@testable import Kernel

@Suite("XEP-0198 §4: how far a client's stanzas have been handled", .timeLimit(.minutes(1)))
struct InboundCounterTests {
    @Test("a stanza of which nothing remains to be done is handled at once")
    func handledAtOnce() {
        var counter = InboundCounter()
        for _ in 0..<3 { counter.begin() }
        #expect(counter.done == 3 && counter.isSettled)
    }

    @Test("an open stanza holds back those behind it, also those that are done")
    func openOneHoldsBack() {
        var counter = InboundCounter()
        counter.begin()
        let first = counter.deferAck() ?? 0
        counter.begin()
        let second = counter.deferAck() ?? 0
        counter.begin()
        #expect(counter.done == 0)
        var hasGrown = counter.fulfill(second)
        #expect(!hasGrown)
        #expect(counter.done == 0)
        hasGrown = counter.fulfill(first)
        #expect(hasGrown)
        #expect(counter.done == 3 && counter.isSettled)
    }

    @Test("of several conditions the last counts")
    func allConditionsCount() {
        var counter = InboundCounter()
        counter.begin()
        let number = counter.deferAck() ?? 0
        _ = counter.deferAck()
        var hasGrown = counter.fulfill(number)
        #expect(!hasGrown && counter.done == 0)
        hasGrown = counter.fulfill(number)
        #expect(hasGrown && counter.done == 1)
        hasGrown = counter.fulfill(number)
        #expect(!hasGrown, "once too often is of no effect")
    }

    @Test("what a module made as if the client had sent it has no number")
    func injectedIsNotCounted() {
        var counter = InboundCounter()
        counter.begin()
        counter.begin(isInjected: true)
        let number = counter.deferAck()
        #expect(number == nil)
        #expect(counter.done == 1)
    }
}
