import Foundation
import TestKit
import Testing

/// The short form of `Tests/Fuzz/session_fuzz.py`; `XMPPD_FUZZ=1800` makes it last so many seconds, `XMPPD_FUZZ_SEED` repeats a run.
@Suite(
    "Sessions of mutated stanzas", .enabled(if: Programs.canRun(Programs.installed("python3")), "python3 is missing"),
    .timeLimit(.minutes(60)))
struct SessionFuzzTests {
    /// Seconds for the start, for all to become quiet, and for the end.
    private static let patience = 240.0

    @Test("no worker dies, no session stays on its way, no way between workers stays full")
    func sessions() throws {
        let variables = ProcessInfo.processInfo.environment
        let python = try #require(Programs.installed("python3"))
        let seconds = try #require(Double(variables["XMPPD_FUZZ"] ?? "15"))
        var arguments = [
            "-B", "\(Programs.root)/Tests/Fuzz/session_fuzz.py", "--programs",
            variables["XMPPD_TEST_PROGRAMS"] ?? Programs.products,
            "--seconds", "\(seconds)", "--workers", "3",
        ]
        if let seed = variables["XMPPD_FUZZ_SEED"] { arguments += ["--seed", seed] }
        let run = try ChildProcess.run(python, arguments, seconds: seconds + Self.patience)
        #expect(run.status == 0, "\(run.output)\(run.error)")
    }
}
