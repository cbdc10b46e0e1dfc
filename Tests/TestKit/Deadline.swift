import Glibc

/// A moment by which something must have happened. Long enough for a busy machine: it is reached only where a test fails.
public struct Deadline: Sendable {
    /// In milliseconds of the monotonic clock.
    private let end: Int64

    public init(seconds: Double = 20) { end = Deadline.now + Int64(seconds * 1000) }

    public var remaining: Int32 { Int32(clamping: max(0, end - Deadline.now)) }
    public var hasPassed: Bool { Deadline.now >= end }

    /// Milliseconds of the monotonic clock.
    public static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// Asks again and again until there is an answer; for what tells nobody when it happens.
/// - Parameter what: completes "waited in vain for …".
@discardableResult
public func eventually<Answer>(
    _ what: @autoclosure () -> String, within seconds: Double = 20, _ ask: () throws -> Answer?
) throws -> Answer {
    let deadline = Deadline(seconds: seconds)
    while true {
        if let answer = try ask() { return answer }
        guard !deadline.hasPassed else { throw TestFailure("waited in vain for \(what())") }
        usleep(5_000)
    }
}

/// Asks until it is true.
public func eventually(_ what: @autoclosure () -> String, within seconds: Double = 20, _ isSo: () throws -> Bool) throws {
    let _: Void = try eventually(what(), within: seconds) { try isSo() ? () : nil }
}
