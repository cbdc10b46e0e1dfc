import Logging
import Testing

@testable import Telemetry

@Suite(.serialized, .timeLimit(.minutes(5))) struct LogLevelTests {
    @Test func namesAreThoseOfTheConfiguration() {
        #expect(
            LogLevel.allCases.map(\.rawValue)
                == ["none", "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug", "all"])
        #expect(LogLevel.allCases == LogLevel.allCases.sorted())
        #expect(LogLevel.allCases.map { LogLevel(rank: $0.rank) } == LogLevel.allCases)
    }

    @Test func theLevelDecidesAndChangesAtOnce() {
        let before = Log.level
        defer { Log.level = before }
        Log.level = .warning
        #expect(Log.isEnabled(.error) && Log.isEnabled(.warning) && !Log.isEnabled(.notice))
        Log.level = .all
        #expect(Log.isEnabled(.debug))
        Log.level = .none
        #expect(!Log.isEnabled(.critical))
    }

    @Test func nothingIsComputedForAnEventBelowTheLevel() {
        let before = Log.level
        defer { Log.level = before }
        Log.level = .none
        var computed = false
        func event() -> String {
            computed = true
            return "never"
        }
        Log.error(event(), [Field("also", event())])
        #expect(!computed)
    }

    @Test func levelsOfLibrariesHaveTheirPlace() {
        #expect(Logger.Level.allCases.map(LogLevel.init) == [.all, .debug, .info, .notice, .warning, .error, .critical])
    }
}
