/// A place among the workers: which of its two slots holds it, and how well that has gone.
struct WorkerIndexState: Equatable, Sendable {
    let number: Int
    /// The slot whose process serves this position, or whose next process will.
    var activeSlot: UInt8
    /// Processes that were started for it.
    var starts: UInt32 = 0
    /// Whether a process has served it since the index was added: before that it owns nothing.
    var hasServed = false
    /// Deaths in a row without stable service between.
    private(set) var consecutiveFailures = 0
    private(set) var crashStreak: CrashStreak?

    init(number: Int) {
        self.number = number
        activeSlot = UInt8(clamping: number)
    }

    /// As it was when another image of the master knew it.
    init(
        number: Int, activeSlot: UInt8, starts: UInt32, hasServed: Bool, consecutiveFailures: Int, crashStreak: CrashStreak?
    ) {
        self.number = number
        self.activeSlot = activeSlot
        self.starts = starts
        self.hasServed = hasServed
        self.consecutiveFailures = consecutiveFailures
        self.crashStreak = crashStreak
    }

    /// The process that holds it is gone, or could not be started.
    /// - Parameter readySince: since when it had served; nil if it had not.
    /// - Returns: how long the position stays empty, in milliseconds.
    mutating func fail(_ exit: Exit?, readySince: Int64?, at now: Int64, _ policy: SupervisionPolicy) -> Int64 {
        let wasStable = readySince.map { now - $0 >= policy.stableAfter } ?? false
        consecutiveFailures = wasStable ? 0 : consecutiveFailures + 1
        var crashStreak = wasStable ? nil : self.crashStreak
        let delay: Int64
        if readySince == nil {
            delay = policy.delay(consecutiveFailures)
        } else {
            delay = consecutiveFailures <= policy.promptRefills ? 0 : policy.delay(consecutiveFailures - policy.promptRefills)
        }
        crashStreak = CrashStreak(
            count: (crashStreak?.count ?? 0) + 1, first: crashStreak?.first ?? now, last: now, lastExit: exit,
            nextStart: delay > 0 ? now + delay : nil)
        self.crashStreak = crashStreak
        return delay
    }

    /// A process has been started.
    mutating func begin() {
        starts += 1
        crashStreak?.nextStart = nil
    }

    /// Nobody serves it any more, and nobody shall.
    mutating func close() {
        consecutiveFailures = 0
        crashStreak = nil
        hasServed = false
    }
}

/// Deaths of the workers of a position without stable service between. Times are those of the supervisor's clock.
public struct CrashStreak: Equatable, Sendable {
    public var count: Int
    public var first: Int64
    public var last: Int64
    /// How the last one ended; nil if it could not even be started.
    public var lastExit: Exit?
    /// When the next is started, if that is put off.
    public var nextStart: Int64?

    public init(count: Int, first: Int64, last: Int64, lastExit: Exit?, nextStart: Int64?) {
        self.count = count
        self.first = first
        self.last = last
        self.lastExit = lastExit
        self.nextStart = nextStart
    }
}
