import Network
import Testing

@testable import Worker

@Suite("How long a client may take", .timeLimit(.minutes(1)))
struct ClientClockTests {
    init() { precondition(Loop.runOnThread()) }

    /// A clock of a client whose steps may take a second each, in a time that only the test moves on.
    @LoopActor private final class Bench {
        var clock: ClientClock
        private(set) var rings = 0
        private let timeout: Int64?

        init(timeoutMilliseconds timeout: Int64? = 1_000) {
            self.timeout = timeout
            clock = ClientClock(timeoutMilliseconds: timeout)
            LoopClock.stop()
        }

        isolated deinit {
            clock.stop()
            LoopClock.run()
        }

        func begin() { clock.restart(timeoutMilliseconds: timeout) { [unowned self] in rings += 1 } }

        /// A step of the client's that takes so long.
        func step(_ milliseconds: Int64) async {
            begin()
            await pass(milliseconds)
            clock.stop()
        }

        func pass(_ milliseconds: Int64) async {
            LoopClock.advance(to: Loop.now + milliseconds)
            repeat { await Loop.nextTurn() } while !LoopClock.isIdle
        }
    }

    @Test("a step ends when its time is over, and not before") @LoopActor
    func oneStep() async {
        let bench = Bench()
        bench.begin()
        await bench.pass(999)
        #expect(bench.rings == 0)
        await bench.pass(1 + Loop.timerGrain)
        #expect(bench.rings == 1)
        await bench.step(900)
        #expect(bench.rings == 1)
    }

    @Test("all steps up to the login may take three times as long as one together, and the server's own count for nothing")
    @LoopActor func login() async {
        let bench = Bench()
        for _ in 0..<3 {
            await bench.step(900)
            await bench.pass(60_000)
        }
        #expect(bench.rings == 0)
        bench.begin()
        await bench.pass(299)
        #expect(bench.rings == 0)
        await bench.pass(1 + Loop.timerGrain)
        #expect(bench.rings == 1)
        #expect(!bench.clock.hasLoggedIn)
        // Nothing is left.
        bench.begin()
        await bench.pass(Loop.timerGrain)
        #expect(bench.rings == 2)
    }

    @Test("whoever has logged in has the whole time for each step again") @LoopActor
    func afterLogin() async {
        let bench = Bench()
        for _ in 0..<3 { await bench.step(900) }
        bench.clock.noteLogin()
        #expect(bench.clock.hasLoggedIn)
        for _ in 0..<5 { await bench.step(900) }
        #expect(bench.rings == 0)
    }

    @Test("without a limit nothing ends") @LoopActor
    func unlimited() async {
        let bench = Bench(timeoutMilliseconds: nil)
        for _ in 0..<5 { await bench.step(10_000_000) }
        #expect(bench.rings == 0)
    }
}
