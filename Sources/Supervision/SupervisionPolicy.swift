/// The deadlines and delays of the supervisor, in milliseconds.
public struct SupervisionPolicy: Sendable, Equatable {
    /// From the start of a worker to its `ready`; past it the worker is killed.
    public var readinessMilliseconds: Int64 = 10_000
    /// The delay before the next start after a first failure; each further failure doubles it.
    public var firstDelayMilliseconds: Int64 = 1_000
    /// The longest delay before the next start; further failures do not lengthen it.
    public var longestDelayMilliseconds: Int64 = 60_000
    /// A worker that served this long before it died resets the count of failures.
    public var stableAfterMilliseconds: Int64 = 30_000
    /// After this many deaths in a row of workers that had been ready, starts are delayed; before, they follow at once.
    public var promptRefills = 10
    /// From `stop` to the moment when a worker closes the streams that are left.
    public var stopMilliseconds: Int64 = 10_000
    /// After that deadline; past it the remaining workers are killed.
    public var stopGraceMilliseconds: Int64 = 2_000
    /// From the end of a worker's channel to its exit; past it the worker is killed.
    public var silenceGraceMilliseconds: Int64 = 1_000
    /// From `prepare` to the last answer; past it the reload is withdrawn and nothing has changed.
    public var reloadMilliseconds: Int64 = 20_000
    /// From `drain` to the moment when the worker closes the sessions that are left.
    public var drainMilliseconds: Int64 = 30_000
    /// The same where all workers are replaced at once: resumable sessions migrate within it, the others are closed.
    public var changeMilliseconds: Int64 = 1_000
    /// After either deadline; past it the worker is killed.
    public var drainGraceMilliseconds: Int64 = 10_000
    /// Between two checks of the workers' heartbeats.
    public var heartbeatMilliseconds: Int64 = 1_000
    /// A serving worker without a heartbeat for this long is killed; 0: never.
    public var silenceMilliseconds: Int64 = 10_000
    /// From `commit` to the last answer; past it the reload ends, and names the workers that have not answered.
    public var commitMilliseconds: Int64 = 20_000

    public init() {}

    /// The delay before the `number`-th delayed start, from 1.
    func delay(_ number: Int) -> Int64 {
        var delay = firstDelayMilliseconds
        for _ in 1..<max(1, number) where delay < longestDelayMilliseconds { delay *= 2 }
        return min(delay, longestDelayMilliseconds)
    }
}
