/// How long turns of the loop last, and who is told of one that lasts too long.
///
/// A turn has parts (`Loop`). Each part has `longestPart`, and no part begins once the turn has lasted `budget`: so a turn lasts for both
/// together and for what cannot be divided, such as one stanza, at most. What there is no time for waits for the next turn.
@LoopActor
public enum TurnClock {
    /// The longest turn, in microseconds, that goes unreported; a longer one is counted and `onLongTurn` is called.
    public static let longTurn: Int64 = 100_000

    /// Called at the end of a turn that was too long, with its microseconds.
    public static var onLongTurn: @LoopActor (Int64) -> Void = { _ in }

    /// Microseconds of one part of a turn after which what is left of it waits for the next turn.
    static let longestPart: Int64 = 4_000
    /// Microseconds of a turn after which no other part of it begins: those that were not served come first in the next turn.
    static let budget: Int64 = 12_000

    private static var began = Loop.microseconds
    private static var partBegan = began

    static func turnBegan(at now: Int64) {
        began = now
        partBegan = now
    }

    /// The next part begins.
    /// - Returns: whether the one before has had its time.
    static func partEnded() -> Bool {
        let now = Loop.microseconds
        defer { partBegan = now }
        return now - partBegan > longestPart
    }

    /// Whether this part of the turn has had its time: what can wait for the next turn should.
    public static var isOver: Bool { Loop.microseconds - partBegan > longestPart }

    /// Whether the turn had lasted its time when the present part began: then that part should not begin.
    static var isSpent: Bool { partBegan - began > budget }

    static func turnEnded() {
        let duration = Loop.microseconds - began
        NetworkCounters.current.turns &+= 1
        guard duration > NetworkCounters.current.longestTurn || duration > longTurn else { return }
        NetworkCounters.current.longestTurn = max(duration, NetworkCounters.current.longestTurn)
        guard duration > longTurn else { return }
        NetworkCounters.current.longTurns &+= 1
        onLongTurn(duration)
    }

    /// Forgets what was measured, the present turn so far included: nobody was served yet.
    public static func startOver() {
        began = Loop.microseconds
        NetworkCounters.current.longestTurn = 0
    }
}
