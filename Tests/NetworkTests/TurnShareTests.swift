import CPlatform
import Glibc
import Testing

@testable import Network

/// What a turn has no time for waits for the next ones: whoever has much to do has the others wait for one piece of it.
@Suite("The share of each in a turn", .timeLimit(.minutes(5)))
struct TurnShareTests {
    init() { TestLoop.start() }

    /// Longer than one part of a turn may be.
    private static let long: useconds_t = 10_000

    @Test("work that was submitted at once is done in order, over several turns") @LoopActor
    func work() async {
        let events = Events()
        var order: [Int] = []
        var turns: Set<UInt64> = []
        for number in 0..<10 {
            Loop.submit {
                usleep(Self.long)
                order.append(number)
                turns.insert(NetworkCounters.current.turns)
                events.changed()
            }
        }
        #expect(await events.until { order.count == 10 })
        #expect(order == Array(0..<10))
        #expect(turns.count == 10)
    }

    @Test("peers with costly input wait for one another, not others for all of them") @LoopActor
    func slowPeers() async {
        let events = Events()
        let slow = (0..<8).map { _ in Source(microseconds: Self.long) { events.changed() } }
        let quick = Source(microseconds: 0) { events.changed() }
        #expect(await events.until { slow.allSatisfy { $0.calls >= 2 } })
        let (slowBefore, quickBefore) = (slow.reduce(0) { $0 + $1.calls }, quick.calls)
        #expect(await events.until { quick.calls >= quickBefore + 20 })
        let turnsOfSlow = slow.reduce(0) { $0 + $1.calls } - slowBefore
        #expect(turnsOfSlow <= 40, "\(turnsOfSlow) costly calls for 20 others")
        #expect(await events.until { slow.allSatisfy { $0.calls >= 6 } }, "and none of them is forgotten")
        for source in slow + [quick] { source.close() }
    }

    /// A descriptor that can always be read.
    @LoopActor
    private final class Source: PollTarget {
        let isPeer = true
        private(set) var calls = 0
        private let cost: useconds_t
        private let called: @LoopActor () -> Void
        private var watch: Watch

        init(microseconds: useconds_t, _ called: @escaping @LoopActor () -> Void) {
            cost = microseconds
            self.called = called
            watch = Watch(eventfd(1, CInt(EFD_NONBLOCK)))
            _ = watch.begin(.input, self)
        }

        func readable() {
            calls += 1
            if cost > 0 { usleep(cost) }
            called()
        }

        func close() { watch.close() }
    }
}
