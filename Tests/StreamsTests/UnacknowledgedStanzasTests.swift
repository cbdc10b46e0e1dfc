import Testing

@testable import Streams

@Suite("What waits to be acknowledged (XEP-0198 §4)", .timeLimit(.minutes(5)))
struct UnacknowledgedStanzasTests {
    private func queue(_ count: Int, acknowledged: UInt32 = 0) -> UnacknowledgedStanzas {
        var queue = UnacknowledgedStanzas(acknowledged: acknowledged)
        for number in 0..<count { queue.append([UInt8(truncatingIfNeeded: number)], at: Int64(number)) }
        return queue
    }

    private func rest(_ queue: UnacknowledgedStanzas) -> [UInt8] { queue.waiting.map { $0.bytes[0] } }

    @Test("What is acknowledged goes, in order")
    func inOrder() throws {
        var queue = queue(5)
        #expect(try queue.acknowledge(2) == 0)
        #expect(rest(queue) == [2, 3, 4] && queue.count == 3 && queue.byteCount == 3 && queue.sent == 5)
        #expect(try queue.acknowledge(5) == 0)
        #expect(queue.isEmpty && queue.byteCount == 0 && queue.unstoredCount == 0)
    }

    @Test("An answer that was overtaken changes nothing")
    func late() throws {
        var queue = queue(5)
        _ = try queue.acknowledge(4)
        _ = try queue.acknowledge(2)
        #expect(queue.acknowledged == 4 && rest(queue) == [4])
    }

    @Test("More than was sent is refused and changes nothing", arguments: [6, 1000, UInt32.max])
    func tooHigh(_ count: UInt32) {
        var queue = queue(5)
        #expect(throws: UnacknowledgedStanzas.TooHigh(sent: 5)) { try queue.acknowledge(count) }
        #expect(queue.count == 5)
    }

    @Test("Counts wrap")
    func wrap() throws {
        var queue = queue(6, acknowledged: .max - 2)
        #expect(queue.sent == 3)
        _ = try queue.acknowledge(.max)
        #expect(rest(queue) == [2, 3, 4, 5])
        _ = try queue.acknowledge(1)
        #expect(rest(queue) == [4, 5])
        _ = try queue.acknowledge(.max)  // overtaken
        #expect(rest(queue) == [4, 5])
        #expect(throws: UnacknowledgedStanzas.TooHigh(sent: 3)) { try queue.acknowledge(4) }
    }

    @Test("Receipts: the highest of what was acknowledged; what has one does not count as unstored")
    func receipts() throws {
        var queue = UnacknowledgedStanzas()
        for (number, receipt) in [0, 7, 8, 0, 9].enumerated() {
            queue.append([UInt8(number)], at: 0, receipt: Int64(receipt))
        }
        #expect(queue.unstoredCount == 2 && queue.lastReceipt == 9)
        #expect(try queue.acknowledge(1) == 0)
        #expect(try queue.acknowledge(3) == 8)
        #expect(try queue.acknowledge(4) == 0)
        #expect(try queue.acknowledge(5) == 9)
        #expect(queue.unstoredCount == 0 && queue.lastReceipt == 9)
    }

    @Test("Thousands go through and nothing is left behind")
    func many() throws {
        var queue = UnacknowledgedStanzas()
        var sent: UInt32 = 0
        for round in 0..<1000 {
            for _ in 0..<(round % 7) {
                queue.append(Array("\(sent)".utf8), at: 0)
                sent += 1
            }
            let target = sent - UInt32(min(Int(sent), round % 5))
            _ = try queue.acknowledge(max(target, queue.acknowledged))
            #expect(queue.waiting.map { String(decoding: $0.bytes, as: UTF8.self) } == (queue.acknowledged..<sent).map { "\($0)" })
        }
    }
}
