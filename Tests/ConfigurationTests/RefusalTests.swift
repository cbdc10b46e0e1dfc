import Configuration
import Testing

/// One wrong configuration: what is reported, and where. Rows stand below one line that makes the rest complete.
struct Wrong: Sendable, CustomTestStringConvertible {
    let text: String
    let line: Int
    let path: String
    let kind: Problem.Kind
    let found: String?
    /// A part of what was expected.
    let expected: String
    /// A part of the hint.
    var hint: String?

    init(
        _ text: String, _ line: Int, _ path: String, _ kind: Problem.Kind, _ found: String?, _ expected: String,
        hint: String? = nil
    ) {
        self.text = text
        self.line = line
        self.path = path
        self.kind = kind
        self.found = found
        self.expected = expected
        self.hint = hint
    }

    var testDescription: String { "\(path) \(kind.rawValue)" }
}

@Suite(.timeLimit(.minutes(5)))
struct RefusalTests {
    /// Exactly one problem comes of each row.
    private func check(_ row: Wrong, with first: String = least) {
        let found = problems(first + row.text)
        #expect(found.count == 1, "\(found.map(\.description))")
        guard let problem = found.first else { return }
        #expect(problem.line == row.line, "\(problem)")
        #expect(problem.column > 0)
        #expect(problem.path == row.path, "\(problem)")
        #expect(problem.kind == row.kind, "\(problem)")
        #expect(problem.found == row.found, "\(problem)")
        #expect(problem.expected.contains(row.expected), "\(problem)")
        if let hint = row.hint { #expect(problem.hint?.contains(hint) == true, "\(problem)") }
        #expect(problem.description.hasPrefix("test.toml:\(row.line):"))
    }

    @Test(arguments: Fixtures.syntax) func syntax(_ row: Wrong) { check(row) }
    @Test(arguments: Fixtures.general) func general(_ row: Wrong) { check(row, with: "") }
    @Test(arguments: Fixtures.listener) func listener(_ row: Wrong) { check(row) }
    @Test(arguments: Fixtures.tls) func tls(_ row: Wrong) { check(row) }
    @Test(arguments: Fixtures.authentication) func authentication(_ row: Wrong) { check(row) }
    @Test(arguments: Fixtures.access) func access(_ row: Wrong) { check(row) }
    @Test(arguments: Fixtures.modules) func modules(_ row: Wrong) { check(row) }
    @Test(arguments: Fixtures.elsewhere) func elsewhere(_ row: Wrong) { check(row) }

    @Test func allProblemsAreReportedInTheOrderOfTheFile() {
        let text = """
            [modules.mod_ping]
              ping_interval = 0
            [general]
              hosts = ["a.example", "b example", "a.example"]
              loglevel = "noisy"
            [[listen.c2s]]
              prt = 5222
            [[listen.c2s]]
              port = "5222"
              backlog = -1
              [listen.c2s.tls]
                mode = "ssl"
                certfile = "nowhere.pem"
            [speling]
            """
        let found = problems(text)
        #expect(
            found.map { "\($0.line) \($0.path)" } == [
                "2 modules.mod_ping.ping_interval",
                "4 general.hosts[2]",
                "4 general.hosts[3]",
                "5 general.loglevel",
                "6 listen.c2s[1].port",
                "7 listen.c2s[1].prt",
                "9 listen.c2s[2].port",
                "10 listen.c2s[2].backlog",
                "12 listen.c2s[2].tls.mode",
                "13 listen.c2s[2].tls.certfile",
                "14 speling",
            ], "\(found.map(\.description))")
    }

    @Test func aProblemReadsAsOneLine() {
        let found = problems(least + "[[listen.c2s]]\n  port = 5222\n  tls.mode = \"startls\"\n  tls.certfile = \"both.pem\"\n")
        #expect(
            found.map(\.description) == [
                "test.toml:4:14: listen.c2s[1].tls.mode: bad value: found \"startls\", "
                    + "expected one of \"tls\", \"starttls\", \"starttls_required\" (nearest: \"starttls\")"
            ])
    }

    @Test func noSecretIsShown() {
        let found = problems(
            least
                + """
                [[listen.service]]
                  port = 1
                  password = ["sesame"]
                [[listen.service]]
                  port = 2
                  password = 424242
                """)
        #expect(found.map(\.found) == ["an array of 1", "an integer"])
        #expect(String(reflecting: Secret("sesame")) == "(secret)")
        #expect("\(Secret("sesame"))" == "(secret)")
        var text = ""
        dump(Secret("sesame"), to: &text)
        dump(ConfiguredFile(path: "key.pem", contents: Array("sesame".utf8)), to: &text)
        #expect(!text.contains("sesame") && !text.contains("115"))
    }

    @Test func textThatIsNoUTF8IsRefused() {
        let result = ConfigurationLoader.load(
            text: Array("a = \"".utf8) + [0xff] + Array("\"".utf8), path: "x.toml", files: BundledFiles([]))
        guard case .refused(let problems) = result else {
            Issue.record("loaded")
            return
        }
        #expect(problems.map(\.kind) == [.notTOML])
    }

    /// Neither brackets nor dots without end reach a stack's end.
    @Test(arguments: [
        "a = " + String(repeating: "[", count: 100_000),
        String(repeating: "a.", count: 100_000) + "a = 1",
        "[" + String(repeating: "a.", count: 100_000) + "a]",
        "a = " + String(repeating: "{ a = ", count: 100_000),
    ]) func nestingIsBounded(_ text: String) {
        #expect(problems(text).map(\.kind) == [.notTOML])
    }

    /// Texts that toml++ takes for impossible after its own checks; with its assertions they would end the process.
    @Test(arguments: [
        "é = 1", "x = é", "x = [ź]", "x\u{a1} = 1", "x = ,", "x = [,]", "x = {,}", "x = {a=}", "x = }", "x = ]", "x =",
        "x = 1979-05ҟ27", "x = [1, }", "x = {a = 1, ]", "[é]", "[[x]é]", "x = \u{2028}", "x\u{a0}= 1é", "x = \u{0}",
    ]) func malformedTextIsAnError(_ text: String) {
        #expect(problems(text).map(\.kind) == [.notTOML])
    }

    /// Long texts with many dots are no nested keys.
    @Test func dotsInTextAreNoKeys() {
        let text =
            least + "# " + String(repeating: ".", count: 500) + "\n[modules.mod_register.welcome_message]\n"
            + "body = \"" + String(repeating: "Go on. ", count: 60) + "\"\n"
        #expect(problems(text).isEmpty)
    }
}
