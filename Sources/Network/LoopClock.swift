internal import Synchronization

/// What time it is for the loop: that of the system's monotonic clock, or what a test makes it.
///
/// A process begins with the monotonic clock. A test may stop time and move it on, so that what would come in an hour comes
/// at once, and what is not due does not come because a machine is slow. Time never goes back: where a test has moved it on,
/// the clock stays ahead of the system's from then on.
public enum LoopClock {
    /// While time runs: milliseconds, 0 or more, that it is ahead of the system's clock. While it stands: the complement of the
    /// milliseconds that it shows. One word, since `Loop.now` is read for every stanza.
    private static let state = Atomic<Int64>(0)
    /// Those who have stopped time and not let it run again.
    @LoopActor private static var stops = 0
    /// How far time was ahead when it was stopped, in milliseconds.
    @LoopActor private static var lead: Int64 = 0

    /// The loop's milliseconds at a reading of the system's clock in microseconds.
    static func milliseconds(at reading: Int64) -> Int64 {
        let state = state.load(ordering: .relaxed)
        return state >= 0 ? reading / 1000 + state : ~state
    }

    /// Time stands from now on, until it is moved.
    @LoopActor public static func stop() {
        stops += 1
        guard stops == 1 else { return }
        lead = state.load(ordering: .relaxed)
        state.store(~Loop.now, ordering: .relaxed)
    }

    /// Time runs again, once each who had stopped it has said so.
    @LoopActor public static func run() {
        stops -= 1
        guard stops == 0 else { return }
        state.store(max(lead, Loop.now - Loop.microseconds / 1000), ordering: .relaxed)
    }

    /// Moves a clock that stands on to the next timer, `limit` at the latest; false if there is none until then. Timers that are
    /// due ring in the next turn.
    ///
    /// - Parameter limit: in milliseconds of `Loop.now`.
    @LoopActor public static func advance(toTimerBefore limit: Int64) -> Bool {
        guard stops > 0, let alarm = Loop.nextAlarm, alarm <= limit else { return false }
        advance(to: alarm)
        return true
    }

    /// Moves a clock that stands on.
    ///
    /// - Parameter moment: in milliseconds of `Loop.now`; one that has passed changes nothing.
    @LoopActor public static func advance(to moment: Int64) {
        if stops > 0 { state.store(~max(moment, Loop.now), ordering: .relaxed) }
    }

    /// Whether, at this time, nothing is left to do for the loop and the pools of its threads but the work that asks.
    @LoopActor public static var isIdle: Bool {
        Loop.isIdle && BlockingPool.underway.load(ordering: .relaxed) == 0 && (Loop.nextAlarm ?? .max) > Loop.now
    }
}
