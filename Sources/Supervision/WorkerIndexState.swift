/// The state of one position: its active slot, and how often its workers have died.
struct WorkerIndexState: Equatable, Sendable {
    let number: Int
    /// The slot whose present or next process serves this position.
    var activeSlot: UInt8
    /// Processes that were started for the position.
    var starts: UInt32 = 0
    /// Whether a worker has served the index since it was added: before that it owns nothing.
    var hasServed = false
    /// Deaths in a row without stable service between.
    private(set) var consecutiveFailures = 0
    private(set) var crashStreak: CrashStreak?

    init(number: Int) {
        self.number = number
        activeSlot = UInt8(clamping: number)
    }

    /// The position as the previous program of the master left it.
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

    /// The active process is dead, or could not be started.
    /// - Parameter readySince: when it became ready; nil if it never was.
    /// - Returns: milliseconds until the next process is to be started; 0: at once.
    mutating func fail(_ exit: Exit?, readySince: Int64?, at now: Int64, _ policy: SupervisionPolicy) -> Int64 {
        let wasStable = readySince.map { now - $0 >= policy.stableAfterMilliseconds } ?? false
        consecutiveFailures = wasStable ? 0 : consecutiveFailures + 1
        var crashStreak = wasStable ? nil : self.crashStreak
        let delayMilliseconds: Int64
        if readySince == nil {
            delayMilliseconds = policy.delay(consecutiveFailures)
        } else {
            delayMilliseconds =
                consecutiveFailures <= policy.promptRefills ? 0 : policy.delay(consecutiveFailures - policy.promptRefills)
        }
        crashStreak = CrashStreak(
            count: (crashStreak?.count ?? 0) + 1, first: crashStreak?.first ?? now, last: now, lastExit: exit,
            nextStart: delayMilliseconds > 0 ? now + delayMilliseconds : nil)
        self.crashStreak = crashStreak
        return delayMilliseconds
    }

    /// A process has been started.
    mutating func begin() {
        starts += 1
        crashStreak?.nextStart = nil
    }

    /// The position is no longer wanted: its failures are forgotten.
    mutating func close() {
        consecutiveFailures = 0
        crashStreak = nil
        hasServed = false
    }
}

/// Deaths of the workers of a position without stable service between. Times are milliseconds of the monotonic clock.
public struct CrashStreak: Equatable, Sendable {
    public var count: Int
    public var first: Int64
    public var last: Int64
    /// How the last process ended; nil if it could not be started.
    public var lastExit: Exit?
    /// When the next process is started; nil: it has been, or is at once.
    public var nextStart: Int64?

    public init(count: Int, first: Int64, last: Int64, lastExit: Exit?, nextStart: Int64?) {
        self.count = count
        self.first = first
        self.last = last
        self.lastExit = lastExit
        self.nextStart = nextStart
    }
}
