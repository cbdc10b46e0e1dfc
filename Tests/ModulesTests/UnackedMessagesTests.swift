import Network
import Testing

@testable import Kernel

@Suite(.timeLimit(.minutes(5))) struct UnackedMessagesTests {
    init() { StageLoop.start() }

    /// Messages with the counts after `first`, sent at the times 0, 10, 20…
    @LoopActor private func queue(_ count: Int, after first: UInt32 = 0, _ stage: Stage) -> UnackedMessages {
        var queue = UnackedMessages()
        for place in 1...count {
            let ackHold = AckHold(of: UInt64(place), 1, stage.workers[0].ackHolds)
            queue.add(first &+ UInt32(place), [UInt8(place)], since: Int64(place - 1) * 10, ackHold)
        }
        return queue
    }

    /// Also where the counts wrap.
    @Test(arguments: [0, UInt32.max - 2]) @LoopActor func storedByAndByAndAcknowledged(after first: UInt32) async throws {
        let stage = try await Stage()
        var queue = queue(6, after: first, stage)
        let due = queue.beginStoring(sentBefore: 30, most: 3, mostBytes: 9)
        #expect(due.map { $0.bytes[0] } == [1, 2, 3] && queue.storing.count == 3 && queue.waitingCount == 3)
        // The first comes while it is being stored.
        #expect(queue.acknowledge(first &+ 1) == [])
        #expect(queue.endStoring([(first &+ 1, 101), (first &+ 2, 102), (first &+ 3, 103)]) == [101])
        #expect(queue.stored.map(\.row) == [102, 103] && queue.stored.allSatisfy { $0.ackHold == nil })
        #expect(queue.has(row: 102) && !queue.has(row: 101))
        #expect(queue.beginStoring(sentBefore: 30, most: 9, mostBytes: 9).map { $0.bytes[0] } == [4])
        queue.giveUpStoring()
        #expect(queue.waiting.map { $0.bytes[0] } == [4, 5, 6] && queue.waiting.allSatisfy { $0.ackHold != nil })
        #expect(queue.acknowledge(first) == [], "an answer that was overtaken")
        #expect(queue.acknowledge(first &+ 5) == [102, 103])
        #expect(!queue.has(row: 102) && queue.waiting.map { $0.bytes[0] } == [6])
        #expect(queue.acknowledge(first &+ 6) == [] && queue.isEmpty)
    }

    @Test @LoopActor func nobodyWaitsForThoseThatAreNotStored() async throws {
        let stage = try await Stage()
        var queue = queue(3, stage)
        _ = queue.beginStoring(sentBefore: 0, most: 9, mostBytes: 0)
        queue.dropWaiting()
        #expect(queue.waitingCount == 0 && queue.all.count == 1)
        #expect(queue.endStoring([(1, 7)]) == [] && queue.acknowledge(3) == [7] && queue.isEmpty)
    }

    @Test func whatIsNotTheClientsHasNoNumber() {
        var handled = InboundCounter()
        handled.begin()
        let first = handled.deferAck()
        handled.begin(isInjected: true)
        #expect(handled.deferAck() == nil && handled.begun == 1 && handled.done == 0)
        handled.begin()
        #expect(handled.deferAck() == 2)
        #expect(first.map { handled.fulfill($0) } == true && handled.done == 1)
    }

    @Test func handledInAnyOrder() {
        var handled = InboundCounter()
        let start = handled.begun
        for _ in 0..<300 {
            handled.begin()
            _ = handled.deferAck()
        }
        #expect(handled.done == start && !handled.isSettled)
        var (open, generator) = (Set((1...300).map { start &+ $0 }), SystemRandomNumberGenerator())
        while let number = open.randomElement(using: &generator) {
            open.remove(number)
            let first = open.map { $0 &- start }.min() ?? 301
            let before = handled.done
            #expect(handled.fulfill(number) == (start &+ (first - 1) != before))
            #expect(handled.done == start &+ (first - 1))
        }
        #expect(handled.isSettled && !handled.fulfill(start &+ 7))
    }
}
