import Kernel
import Network
import Testing
import XML
import XMPP

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct EntityTimeTests {
    init() { StageLoop.start() }

    @Test(arguments: [(0, "1970-01-01T00:00:00Z"), (1_166_551_115, "2006-12-19T17:58:35Z"), (951_782_400, "2000-02-29T00:00:00Z")])
    func utc(_ seconds: Int64, _ expected: String) {
        #expect(ClockText.utc(seconds) == expected)
    }

    @Test(arguments: [(0, "Z"), (3600, "+01:00"), (-21600, "-06:00"), (19800, "+05:30"), (-12600, "-03:30"), (50400, "+14:00")])
    func offset(_ seconds: Int, _ expected: String) {
        #expect(ClockText.offset(seconds: seconds) == expected)
    }

    @Test @LoopActor func serverAnswers() async throws {
        let stage = try await Stage("[modules.mod_time]", [EntityTime.self])
        let alice = try await stage.client("alice")
        let time = try await alice.ask("get", to: "example.org", "<time xmlns='urn:xmpp:time'/>").firstChild
        #expect(time?.child("utc")?.text.utf8.count == 20)
        #expect(time?.has("tzo") == true)
    }
}
