internal import Glibc
internal import NIOCore
internal import NIOPosix

/// The event loop of this process: time, turns, and ways to and from other threads.
@LoopActor
public enum Loop {
    private static let wheel = TimerWheel(now: now)
    /// When the loop will look at the wheel, and the event library's timer for it.
    private static var alarm: (at: Int64, timer: Scheduled<Void>)?
    private static var pool: NIOThreadPool?

    /// Turns the calling thread into the loop, calls `started` on it, and returns after `stop()`. Once per process.
    public nonisolated static func run(started: @escaping @LoopActor @Sendable () -> Void = {}) {
        MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { loop in
            LoopExecutor.shared.attach(loop)
            LoopActor.assumeIsolated { Loop.loop = loop }
            loop.execute { LoopActor.assumeIsolated(started) }
        }
        LoopExecutor.shared.detach()
    }

    /// Closes what is left open and ends `run`. What was to be flushed or answered must have been so before.
    public static func stop() {
        alarm?.timer.cancel()
        alarm = nil
        let running = pool
        pool = nil
        running?.shutdownGracefully { _ in }
        loop?.shutdownGracefully { _ in }
        loop = nil
    }

    /// Milliseconds of the monotonic clock.
    public nonisolated static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    // MARK: Timers

    /// Calls `body` once, `milliseconds` from now: never earlier, up to 50 ms later. Cheap: thousands may be armed.
    @discardableResult
    public static func after(_ milliseconds: Int64, _ body: @escaping @LoopActor () -> Void) -> Timer {
        let entry = wheel.arm(at: now + max(0, milliseconds)) { LoopActor.assumeIsolated(body) }
        setAlarm(at: entry.deadline)
        return Timer(entry: entry)
    }

    /// Calls `body` every `milliseconds` (at least 50) until cancelled; late calls are not made up for.
    public static func every(_ milliseconds: Int64, _ body: @escaping @LoopActor () -> Void) -> Timer {
        let timer = Timer(entry: nil)
        timer.repeatEvery(milliseconds, body)
        return timer
    }

    /// A deadline that has not been reached. Dropping it does not cancel it.
    @LoopActor
    public final class Timer {
        fileprivate var entry: TimerWheel.Entry?
        private var isCancelled = false
        fileprivate init(entry: TimerWheel.Entry?) { self.entry = entry }

        public func cancel() {
            isCancelled = true
            if let entry { Loop.wheel.cancel(entry) }
            entry = nil
        }

        fileprivate func repeatEvery(_ milliseconds: Int64, _ body: @escaping @LoopActor () -> Void) {
            let armed = Loop.wheel.arm(at: Loop.now + max(TimerWheel.resolution, milliseconds)) {
                LoopActor.assumeIsolated {
                    body()
                    if !self.isCancelled { self.repeatEvery(milliseconds, body) }
                }
            }
            entry = armed
            Loop.setAlarm(at: armed.deadline)
        }
    }

    /// One timer of the event library serves the whole wheel.
    private static func setAlarm(at deadline: Int64) {
        if let alarm {
            if alarm.at <= deadline { return }
            alarm.timer.cancel()
        }
        guard let loop else { return }
        let delay = TimeAmount.milliseconds(max(0, deadline - now))
        let timer = loop.assumeIsolated().scheduleTask(in: delay) { LoopActor.assumeIsolated { ring() } }
        alarm = (deadline, timer)
    }

    private static func ring() {
        alarm = nil
        wheel.advance(to: now)
        if let next = wheel.nextDeadline { setAlarm(at: next) }
    }

    // MARK: Turns and threads

    /// Calls `body` once this turn's events have been handled, before what was written in it is flushed.
    public static func endOfTurn(_ body: @escaping @LoopActor () -> Void) { Turn.add(body) }

    /// Starts asynchronous work on the loop: `body` and its continuations all run here.
    public nonisolated static func spawn(_ body: @escaping @LoopActor @Sendable () async -> Void) {
        // Not `{ @LoopActor in … }`: the region checker refuses that together with an executor preference.
        Task(executorPreference: LoopActor.taskExecutor) { await body() }
    }

    /// Runs `body` on the loop from any thread, after what was already so submitted. From the loop it runs in the same
    /// turn: an endless chain of such calls would keep the sockets waiting.
    public nonisolated static func submit(_ body: @escaping @LoopActor @Sendable () -> Void) {
        LoopExecutor.shared.loop?.execute { LoopActor.assumeIsolated(body) }
    }

    /// Runs blocking work on one of two helper threads, which exist from the first use on, and resumes on the loop.
    public static func offload<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        let pool = threadPool()
        return try await withCheckedThrowingContinuation { continuation in
            pool.submit { state in
                switch state {
                case .active: continuation.resume(with: Result(catching: work))
                case .cancelled: continuation.resume(throwing: CancellationError())
                }
            }
        }
    }

    private static func threadPool() -> NIOThreadPool {
        if let pool { return pool }
        let created = NIOThreadPool(numberOfThreads: 2)
        created.start()
        pool = created
        return created
    }

    /// The event library's loop; nil before and after `run`.
    static var loop: (any EventLoop)?
}
