internal import Glibc

/// The event loop of this process: time, turns, and ways to and from other threads.
///
/// A turn: wait for descriptors, tell who waits for them, ring the timers that are due, do what was submitted; then what
/// was put off to the turn's end, and one system call for each connection that has something to send. What there is no time
/// for waits for the next turn (`TurnClock`), which begins with the part that this one did not come to.
@LoopActor
public enum Loop {
    private static let wheel = TimerWheel(now: now)
    /// When the wheel is to be looked at.
    private static var alarm: Int64?
    private static var isRunning = false
    /// When this turn began, in milliseconds of `now`: for what happens often and need not be known to the millisecond.
    public private(set) static var turnBegan = now
    /// What was submitted and taken from the queue; done as far as `nextWork`.
    private static var work: ContiguousArray<JobQueue.Work> = []
    private static var nextWork = 0
    private static let helpers = BlockingPool(threads: 2)
    /// The part that the next turn begins with.
    private static var firstPart = Part.events
    /// After so many rounds of work that brings work, descriptors get their say again.
    private static let roundLimit = 16

    /// Turns the calling thread into the loop, calls `started` on it, and returns after `stop()`. Once per process.
    public nonisolated static func run(started: @escaping @LoopActor @Sendable () -> Void = {}) {
        LoopExecutor.shared.attach()
        LoopActor.assumeIsolated {
            isRunning = true
            LoopExecutor.shared.queue.watch()
            started()
            while isRunning { turn() }
        }
        LoopExecutor.shared.detach()
    }

    /// Ends `run` after this turn. What was to be answered must have been so before.
    public static func stop() { isRunning = false }

    /// The parts of a turn, in their order.
    private enum Part {
        case events, timers, work, closures, flushes

        var following: Part {
            switch self {
            case .events: .timers
            case .timers: .work
            case .work: .closures
            case .closures: .flushes
            case .flushes: .events
            }
        }
    }

    private static func turn() {
        let queue = LoopExecutor.shared.queue
        let isIdle = Turn.isEmpty && nextWork == work.count && !Poller.hasUntold && !wheel.hasDue
        let events = Poller.wait(isIdle && queue.fallsAsleep() ? patienceMilliseconds : 0)
        // Before anything is done: what we ourselves submit from here on needs no wake-up call.
        queue.wakesUp()
        let began = microseconds
        turnBegan = LoopClock.milliseconds(at: began)
        TurnClock.turnBegan(at: began)
        Poller.note(events)
        let first = firstPart
        var (part, hasTime) = (first, true)
        repeat {
            // The clock is read for a part that had something to do.
            if perform(part, queue), TurnClock.partEnded() { hasTime = false }
            part = part.following
        } while part != first && !TurnClock.isSpent
        // A turn that came to all its parts is followed by one in their order.
        firstPart = part == first ? .events : part
        if hasTime { performRounds(queue) }
        TurnClock.turnEnded()
    }

    /// - Returns: whether there was anything to do.
    private static func perform(_ part: Part, _ queue: JobQueue) -> Bool {
        switch part {
        case .events: return Poller.tell()
        case .timers:
            guard wheel.hasDue || alarm.map({ turnBegan >= $0 }) == true else { return false }
            ring()
            return true
        case .work: return doWork(of: queue)
        case .closures: return Turn.runClosures()
        case .flushes: return Turn.flush()
        }
    }

    /// What the parts have brought in their train, all of it in the time of one part.
    private static func performRounds(_ queue: JobQueue) {
        for _ in 1..<roundLimit {
            let hadWork = doWork(of: queue)
            if Turn.isEmpty, !hadWork || TurnClock.isOver { return }
            for part in [Part.closures, .flushes] {
                if TurnClock.isOver { return firstPart = part }
                _ = perform(part, queue)
            }
            if TurnClock.isOver { return }
        }
    }

    /// How long nothing is to be done but for descriptors, in milliseconds; -1: for ever.
    private static var patienceMilliseconds: CInt {
        guard let alarm else { return -1 }
        return CInt(clamping: max(0, alarm - now))
    }

    /// Whether something had been submitted; it has been done, as far as there was time.
    private static func doWork(of queue: JobQueue) -> Bool {
        if nextWork == work.count {
            work.removeAll(keepingCapacity: work.capacity <= 4096)
            nextWork = 0
            guard queue.take(into: &work) else { return false }
        }
        repeat {
            let item = work[nextWork]
            nextWork += 1
            switch item {
            case .job(let job): LoopExecutor.shared.runNow(job)
            case .body(let body): body()
            }
        } while nextWork < work.count && !TurnClock.isOver
        return true
    }

    /// Milliseconds of the loop's clock, which never goes back: timers, deadlines and ages are measured in them.
    public nonisolated static var now: Int64 { LoopClock.milliseconds(at: microseconds) }

    /// Microseconds of the system's monotonic clock, whatever the loop's clock shows: how long work takes is measured in them.
    nonisolated static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    // MARK: Timers

    /// When the next timer may ring, in milliseconds of `now`; nil if none is armed.
    static var nextAlarm: Int64? { alarm }

    /// Whether the work that asks is the last there is: nothing follows before a timer rings, a descriptor is ready or another
    /// thread answers.
    static var isIdle: Bool {
        Turn.isEmpty && nextWork == work.count && !Poller.hasUntold && !wheel.hasDue && LoopExecutor.shared.queue.isEmpty
    }

    /// How much later than asked, in milliseconds, a timer of an idle loop may be.
    public static let timerGrain = TimerWheel.resolution

    /// Calls `body` once, `milliseconds` from now: never earlier, up to 50 ms later. Cheap: thousands may be armed.
    @discardableResult
    public static func after(_ milliseconds: Int64, _ body: @escaping @LoopActor () -> Void) -> Timer {
        let entry = wheel.arm(at: now + max(0, milliseconds)) { LoopActor.assumeIsolated(body) }
        setAlarm(at: entry.deadline)
        return Timer(entry: entry)
    }

    /// Goes on after so many milliseconds, on the loop.
    public static func pause(_ milliseconds: Int64) async {
        await withCheckedContinuation { continuation in
            after(milliseconds) { continuation.resume() }
        }
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

    private static func setAlarm(at deadline: Int64) { alarm = min(alarm ?? deadline, deadline) }

    private static func ring() {
        alarm = nil
        wheel.advance(to: now) { TurnClock.isOver }
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

    /// Comes back after whatever else the loop has to do now.
    public static func nextTurn() async {
        await withCheckedContinuation { continuation in submit { continuation.resume() } }
    }

    /// Runs `body` on the loop from any thread, after what was already so submitted.
    public nonisolated static func submit(_ body: @escaping @LoopActor @Sendable () -> Void) {
        LoopExecutor.shared.queue.add(.body(body))
    }

    /// Runs blocking work of our own, such as key derivation, on one of two helper threads, and resumes on the loop.
    public static func offload<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await helpers.run(work)
    }
}
