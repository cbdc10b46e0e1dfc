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

    @Test("all kinds of work that wait at once have their turn, and no turn has more of them than its time")
    @LoopActor func allKinds() async {
        let events = Events()
        var done: [String: Int] = [:]
        var perTurn: [UInt64: Int] = [:]
        let piece = { @LoopActor (kind: String) in
            usleep(Self.long)
            done[kind, default: 0] += 1
            perTurn[NetworkCounters.current.turns, default: 0] += 1
            events.changed()
        }
        let peers = (0..<3).map { _ in Source(microseconds: 0) { piece("peer") } }
        // It never ends, and must not keep the others from theirs.
        var isOver = false
        func work() {
            piece("work")
            if !isOver { Loop.submit { work() } }
        }
        let kinds = 10
        for _ in 0..<kinds {
            Loop.submit { work() }
            Loop.after(0) { piece("timer") }
            Loop.endOfTurn { piece("closure") }
            Turn.add(Participant { piece("flush") })
        }
        let all = ["timer", "closure", "flush"]
        #expect(await events.until { all.allSatisfy { done[$0] == kinds } && done["peer"] ?? 0 >= 9 })
        isOver = true
        for peer in peers { peer.close() }
        let most = Int((TurnClock.budget + TurnClock.longestPart) / Int64(Self.long)) + 1
        #expect(perTurn.values.max() ?? 0 <= most, "\(perTurn.values.sorted().suffix(5)) pieces")
        #expect(done["work"] ?? 0 >= kinds)
    }

    @LoopActor
    private final class Participant: TurnParticipant {
        private let body: @LoopActor () -> Void
        init(_ body: @escaping @LoopActor () -> Void) { self.body = body }
        func turnEnded() { body() }
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
