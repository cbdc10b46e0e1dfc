import Network
import Testing
import XMPP

@testable import Kernel

@Suite(.timeLimit(.minutes(5))) struct StampClockTests {
    init() { StageLoop.start() }

    @Test("a moment has one time, whenever it is asked for, and that of a later one is not earlier")
    @LoopActor func oneTime() {
        let moment = Loop.now
        let time = StampClock.milliseconds(of: moment)
        #expect(abs(time - ClockText.milliseconds) < 1000)
        // As long as the clocks need to tick against each other.
        let end = Loop.now + 20
        while Loop.now < end { #expect(StampClock.milliseconds(of: moment) == time) }
        #expect(StampClock.milliseconds(of: moment + 1) == time + 1)
    }
}
