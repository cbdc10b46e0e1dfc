import Glibc
import Testing

@testable import Network

@Suite(.timeLimit(.minutes(5))) struct TurnClockTests {
    init() { TestLoop.start() }

    @Test("a turn over the limit is counted and told, with how long it lasted") @LoopActor
    func longTurn() async {
        let events = Events()
        var told: [Int64] = []
        TurnClock.onLongTurn = {
            told.append($0)
            events.changed()
        }
        defer { TurnClock.onLongTurn = { _ in } }
        let (long, turns) = (NetworkCounters.current.longTurns, NetworkCounters.current.turns)
        Loop.submit { usleep(useconds_t(TurnClock.longTurn) + 20_000) }
        #expect(await events.until { told.contains { $0 > TurnClock.longTurn } })
        #expect(NetworkCounters.current.longTurns > long && NetworkCounters.current.turns > turns)
        #expect(NetworkCounters.current.longestTurn > TurnClock.longTurn)
    }
}
