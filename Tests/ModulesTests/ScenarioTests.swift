import Network
import Streams
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

/// The conversations of `Tests/Scenarios`, on a stage of two workers.
@Suite("Scenarios", .timeLimit(.minutes(5)))
struct ScenarioTests {
    init() { StageLoop.start() }

    @Test("goes as it is written", arguments: Scenario.names) @LoopActor
    func play(name: String) async throws {
        let scenario = try Scenario(named: name)
        let cast = try await ScenarioCast(scenario)
        for (line, step) in scenario.steps {
            do {
                try await cast.perform(step)
            } catch {
                Issue.record("Tests/Scenarios/\(name).scenario:\(line): \(error)")
                return
            }
        }
    }

    @Test("a step that nobody understands is named with its line")
    func unknownSteps() {
        #expect(throws: Scenario.Failure.self) { try Scenario("x", "romeo sleeps") }
        #expect(throws: Scenario.Failure.self) { try Scenario("x", "romeo sends") }
        let failure = #expect(throws: Scenario.Failure.self) { try Scenario("x", "# Act I\n\njuliet sighs\n") }
        #expect(failure?.description == "x.scenario:3: not understood: juliet sighs")
    }

    @Test("a stanza must have what is written of it, and no more children") @LoopActor
    func templates() throws {
        func matches(_ template: String, _ stanza: String) throws -> Bool {
            try ScenarioTemplate(template).difference(from: ScenarioTemplate.element(stanza)) == nil
        }
        #expect(try matches("<message from='*'><body>x</body></message>", "<message from='a' to='b'><body>x</body></message>"))
        #expect(try !matches("<message from='*'/>", "<message to='b'/>"))
        #expect(try !matches("<message type=''/>", "<message type='chat'/>"))
        #expect(try matches("<message type=''/>", "<message/>"))
        #expect(try !matches("<message><body>x</body></message>", "<message><body>y</body></message>"))
        #expect(try !matches("<message/>", "<message><body>y</body></message>"))
        #expect(try !matches("<message><body>x</body></message>", "<message/>"))
        #expect(try matches("<message>...</message>", "<message><body>y</body></message>"))
        #expect(try !matches("<message><a xmlns='x'/></message>", "<message><a xmlns='y'/></message>"))
    }
}
