/// The patience of the supervisor. All times in milliseconds.
public struct SupervisionPolicy: Sendable, Equatable {
    /// From the start of a worker to its `ready`; then it is killed.
    public var readinessDeadline: Int64 = 10_000
    /// The wait after a first failure; doubled with each further one.
    public var firstDelay: Int64 = 1_000
    /// The longest wait.
    public var longestDelay: Int64 = 60_000
    /// A worker that served this long before it died has made earlier failures forgotten.
    public var stableAfter: Int64 = 30_000
    /// So many deaths of unstable but once ready workers in a row are answered at once, before waiting begins.
    public var promptRefills = 10
    /// From `stop` to the moment when the streams must have ended.
    public var stopDeadline: Int64 = 10_000
    /// After that deadline, until the remaining workers are killed.
    public var stopGrace: Int64 = 2_000
    /// From the end of a worker's channel to its exit; then it is killed.
    public var silenceGrace: Int64 = 1_000
    /// From `prepare` to the last answer.
    public var reloadDeadline: Int64 = 20_000
    /// From `drain` to the moment when the sessions that stayed are ended.
    public var drainDeadline: Int64 = 30_000
    /// The same where all workers give way at once: sessions that can be resumed move within it.
    public var changeDeadline: Int64 = 1_000
    /// After that deadline, until the worker is killed.
    public var drainGrace: Int64 = 10_000
    /// How often the heartbeats of the workers are looked at.
    public var heartbeatInterval: Int64 = 1_000
    /// A serving worker without a heartbeat for so long is killed; 0 for never.
    public var heartbeatDeadline: Int64 = 10_000
    /// From `commit` to the last answer.
    public var commitDeadline: Int64 = 20_000

    public init() {}

    /// The wait before the `number`-th refill that must wait (from 1).
    func delay(_ number: Int) -> Int64 {
        var delay = firstDelay
        for _ in 1..<max(1, number) where delay < longestDelay { delay *= 2 }
        return min(delay, longestDelay)
    }
}
