internal import Network
internal import XMPP

/// Tells when a moment of the monotonic clock was by the wall clock. Both are read in whole milliseconds, so what lies between
/// them seems to change by one now and then; it is measured anew only when the wall clock was set, so that of two moments
/// the later one never has the earlier time.
@LoopActor
enum StampClock {
    /// Milliseconds by which the distance of the clocks may change and still count as the same.
    private static let tolerance: Int64 = 20
    private static var distance = ClockText.milliseconds - Loop.now

    /// Milliseconds since 1970, for a moment in those of `Loop.now`.
    static func milliseconds(of moment: Int64) -> Int64 {
        let measured = ClockText.milliseconds - Loop.now
        if abs(measured - distance) > tolerance { distance = measured }
        return moment + distance
    }
}
