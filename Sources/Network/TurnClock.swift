/// How long turns of the loop last, and who is told of one that lasts too long.
@LoopActor
public enum TurnClock {
    /// The longest turn, in microseconds, that goes unreported; a longer one is counted and `onLongTurn` is called.
    public static let longTurn: Int64 = 100_000

    /// Called at the end of a turn that was too long, with its microseconds.
    public static var onLongTurn: @LoopActor (Int64) -> Void = { _ in }

    /// Microseconds of one part of a turn (telling of events; doing what was submitted; the end) after which what is left waits
    /// for the next turn. A turn has this of each, and what one stanza takes beyond it.
    private static let longestPart: Int64 = 4_000

    private static var began = Loop.microseconds
    private static var partBegan = began

    static func turnBegan(at now: Int64) {
        began = now
        partBegan = now
    }

    static func partEnded() { partBegan = Loop.microseconds }

    /// Whether this part of the turn has had its time: what can wait for the next turn should.
    public static var isOver: Bool { Loop.microseconds - partBegan > longestPart }

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
