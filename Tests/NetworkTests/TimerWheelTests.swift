import Testing

@testable import Network

@Suite(.timeLimit(.minutes(5)))
struct TimerWheelTests {
    @Test func firesNeverEarlyAndAtMostOneTickLate() {
        for deadline: Int64 in [1, 49, 50, 51, 99, 100, 1234, 51_199, 51_200, 51_201, 3_600_000] {
            let wheel = TimerWheel(now: 1000)
            var firedAt: Int64?
            var now: Int64 = 1000
            _ = wheel.arm(at: 1000 + deadline) { firedAt = now }
            while firedAt == nil, now < 4_000_000 {
                now += 10
                wheel.advance(to: now)
            }
            #expect(firedAt.map { $0 >= 1000 + deadline && $0 < 1000 + deadline + 60 } == true, "deadline \(deadline)")
            #expect(wheel.count == 0)
        }
    }

    @Test func firesInOrderAfterALongPause() {
        let wheel = TimerWheel(now: 0)
        var order: [Int] = []
        for (name, at) in [(3, 70_000), (1, 100), (4, 200_000), (2, 52_000), (5, 10_000_000)] {
            _ = wheel.arm(at: Int64(at)) { order.append(name) }
        }
        wheel.advance(to: 300_000)
        #expect(order == [1, 2, 3, 4])
        #expect(wheel.count == 1)
    }

    @Test func whatThereIsNoTimeForFiresInLaterCallsInOrder() {
        let wheel = TimerWheel(now: 0)
        var order: [Int] = []
        let entries = (0..<5).map { number in wheel.arm(at: 100 + Int64(number)) { order.append(number) } }
        wheel.advance(to: 200) { order.count == 2 }
        #expect(order == [0, 1] && wheel.hasDue && wheel.count == 3)
        #expect(wheel.nextDeadline.map { $0 <= 200 } == true)
        wheel.cancel(entries[3])
        // As long as a turn of the wheel: what is due stands where something else is to come.
        _ = wheel.arm(at: 1027 * TimerWheel.resolution) { order.append(9) }
        wheel.advance(to: 200) { true }
        #expect(order == [0, 1, 2] && wheel.hasDue)
        wheel.advance(to: 1027 * TimerWheel.resolution)
        #expect(order == [0, 1, 2, 4, 9] && !wheel.hasDue && wheel.count == 0)
    }

    @Test func cancelledTimersDoNotFire() {
        let wheel = TimerWheel(now: 0)
        var fired: [Int] = []
        var later: TimerWheel.Entry?
        let entries = (0..<10).map { number in wheel.arm(at: 100) { fired.append(number) } }
        for number in [0, 4, 9] { wheel.cancel(entries[number]) }
        wheel.cancel(entries[0])
        later = wheel.arm(at: 300) { fired.append(99) }
        _ = wheel.arm(at: 120) { if let later { wheel.cancel(later) } }
        #expect(wheel.count == 9)
        wheel.advance(to: 1000)
        #expect(fired.sorted() == [1, 2, 3, 5, 6, 7, 8])
        #expect(wheel.count == 0)
    }

    @Test func anActionMayArmAnother() {
        let wheel = TimerWheel(now: 0)
        var fired = 0
        func again() {
            _ = wheel.arm(at: 0) {
                fired += 1
                again()
            }
        }
        again()
        wheel.advance(to: 50)
        #expect(fired == 1)
        wheel.advance(to: 100)
        #expect(fired == 2)
    }

    @Test func saysWhenItWantsToBeLookedAt() {
        let wheel = TimerWheel(now: 0)
        #expect(wheel.nextDeadline == nil)
        let entry = wheel.arm(at: 420) {}
        #expect(wheel.nextDeadline == 450)
        _ = wheel.arm(at: 1_000_000) {}
        #expect(wheel.nextDeadline == 450)
        wheel.cancel(entry)
        #expect((wheel.nextDeadline ?? .max) <= 1_000_000)
    }
}
