import Glibc
import Testing

@testable import Network

@Suite(.timeLimit(.minutes(5)))
struct LoopTests {
    init() { TestLoop.start() }

    private static var thread: UInt { UInt(pthread_self()) }

    @Test func everythingResumesOnTheLoop() async {
        let loop = await LoopTests.threadOfLoop()
        let threads = await withCheckedContinuation { (continuation: CheckedContinuation<[UInt], Never>) in
            Loop.spawn {
                var seen = [Self.thread]
                await Task.yield()
                seen.append(Self.thread)
                let worker = try? await Loop.offload { Self.thread }
                seen.append(Self.thread)
                #expect(worker != nil && worker != seen[0])
                await Self.elsewhere()
                seen.append(Self.thread)
                continuation.resume(returning: seen)
            }
        }
        #expect(threads == [loop, loop, loop, loop])
    }

    /// A spawned task moves between functions of the loop without giving up its turn.
    @Test func callsWithinTheLoopStayInPlace() async {
        let ran = await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
            Loop.spawn {
                let flag = Flag()
                Loop.submit { flag.isSet = true }
                for _ in 0..<100 { await Self.anotherFunction() }
                continuation.resume(returning: flag.isSet)
            }
        }
        #expect(!ran)
    }

    @LoopActor private final class Flag { var isSet = false }
    @LoopActor private static func anotherFunction() async {}

    @Test func offloadedErrorsArrive() async {
        struct Broken: Error {}
        await #expect(throws: Broken.self) { try await Loop.offload { throw Broken() } }
    }

    @Test @LoopActor func closuresOfATurnRunInOrderBeforeTheNext() async {
        var order: [Int] = []
        Loop.endOfTurn {
            order.append(1)
            Loop.endOfTurn { order.append(3) }
        }
        Loop.endOfTurn { order.append(2) }
        #expect(order.isEmpty)
        #expect(await Aside.until { order.count == 3 })
        #expect(order == [1, 2, 3])
    }

    @Test @LoopActor func timersFireAndCanBeCancelled() async {
        let events = Events()
        var fired: [Int] = []
        let cancelled = Loop.after(0) { fired.append(0) }
        Loop.after(60) {
            fired.append(2)
            events.changed()
        }
        Loop.after(1) {
            fired.append(1)
            events.changed()
        }
        cancelled.cancel()
        #expect(await events.until { fired.count == 2 })
        #expect(fired == [1, 2])
        var ticks = 0
        var timer: Loop.Timer?
        timer = Loop.every(1) {
            ticks += 1
            if ticks == 3 { timer?.cancel() }
            events.changed()
        }
        #expect(await events.until { ticks == 3 })
    }

    @LoopActor private static func threadOfLoop() -> UInt { thread }
    @concurrent private static func elsewhere() async {}
}
