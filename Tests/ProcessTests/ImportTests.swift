import Foundation
import TestKit
import Testing

@Suite("What a file of MongooseIM comes to", .timeLimit(.minutes(5)))
struct ImportTests {
    private struct Report: Decodable {
        struct Row: Decodable { let verdict: String, path: String, text: String, line: Int, column: Int }
        let configuration: String
        let counts: [String: Int]
        let rows: [Row]
    }

    private static let file = """
        [general]
          loglevel = "warning"
          hosts = ["localhost"]
          default_server_domain = "localhost"
          sm_backend = "mnesia"

        [[listen.c2s]]
          port = 0
          access = "c2s"
          shaper = "c2s_shaper"
          max_stanza_size = 65536
          tls.mode = "starttls"
          tls.module = "just_tls"
          tls.certfile = "CERTIFICATE"
          tls.keyfile = "KEY"

        [[listen.http]]
          port = 5280
          [[listen.http.handlers.mod_bosh]]
            host = "_"
            path = "/http-bind"

        [auth]
          methods = ["internal"]
          scram_iterations = 5000
          [auth.internal]

        [access]
          c2s = [{ acl = "all", value = "allow" }]
          c2s_shaper = [{ acl = "all", value = "normal" }]

        [shaper.normal]
          max_rate = 1000

        [modules.mod_roster]
          backend = "mnesia"
        [modules.mod_muc]
          host = "muc.@HOST@"

        """

    private func text(_ certificate: Certificate) -> String {
        Self.file.replacing("CERTIFICATE", with: certificate.certificate).replacing("KEY", with: certificate.key)
    }

    private func run(_ words: String...) throws -> Outcome {
        try ChildProcess.run(Programs.product("xmppctl"), ["config", "import"] + words)
    }

    private func report(_ path: String) throws -> (status: Int32, report: Report) {
        let outcome = try run(path, "--json")
        return (outcome.status, try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8)))
    }

    @Test("a file that would start: every setting in its group, with its line")
    func usable() throws {
        let directory = try ScratchDirectory()
        let path = try directory.write(text(try Certificate(in: directory)), to: "mongooseim.toml")
        let (status, report) = try report(path)
        #expect(status == 0)
        let verdicts = Dictionary(report.rows.map { ($0.path, $0.verdict) }, uniquingKeysWith: { first, _ in first })
        let expected = [
            "listen.c2s[1].tls.mode": "works", "auth.password.scram_iterations": "works", "general.sm_backend": "differs",
            "modules.mod_roster": "works", "modules.mod_roster.backend": "differs", "access.c2s": "works",
            "shaper.normal.max_rate": "works",
        ]
        for (path, verdict) in expected { #expect(verdicts[path] == verdict, "\(path)") }
        #expect(verdicts.count == report.rows.count)
        #expect(report.counts.values.reduce(0, +) == report.rows.count && report.counts["refused"] == 0)
        #expect(report.rows.first { $0.path == "general.sm_backend" }?.line == 5)

        let words = try run(path)
        #expect(words.status == 0 && words.error.isEmpty)
        #expect(words.output.contains("Works:\n") && words.output.contains("\(path):5: general.sm_backend: "), "\(words.output)")
        #expect(words.output.contains(#/\n  [^ ]+:36: modules\.mod_roster\.backend: /#), "\(words.output)")
        #expect(words.output.hasSuffix("xmppd would start with it.\n"))
        #expect(try ChildProcess.run(Programs.product("xmppctl"), ["config", "check", path]).status == 0)
    }

    @Test("a file that would not: what is refused, in the words of the check, and the rest all the same")
    func refused() throws {
        let directory = try ScratchDirectory()
        let rest = "[modules.mod_of_our_own]\n[services.service_x]\n"
        let path = try directory.write(text(try Certificate(in: directory)) + rest, to: "mongooseim.toml")
        let outcome = try run(path)
        #expect(outcome.status == 78)
        let check = try ChildProcess.run(Programs.product("xmppctl"), ["config", "check", path])
        #expect(check.status == 78)
        let problems = check.error.split(separator: "\n")
        #expect(problems.count == 2)
        for problem in problems { #expect(outcome.output.contains("\n  \(problem)\n"), "\(problem)") }
        #expect(
            outcome.output.contains("general.sm_backend") && outcome.output.contains("2 refused. xmppd would not start with it."),
            "\(outcome.output)")
        #expect(try report(path).report.counts["refused"] == 2)
    }

    @Test("what only the worker program can judge counts, too; and a file that is not there, or is no TOML")
    func judgedByTheWorker() throws {
        let directory = try ScratchDirectory()
        let own = try Certificate(in: directory), other = try Certificate(in: directory, name: "other")
        let path = try directory.write(
            Self.file.replacing("CERTIFICATE", with: own.certificate).replacing("KEY", with: other.key), to: "mongooseim.toml")
        let (status, report) = try report(path)
        #expect(status == 78)
        #expect(report.rows.filter { $0.verdict == "refused" }.map(\.path) == ["listen.c2s[1].tls.keyfile"])
        #expect(Set(report.rows.map(\.path)).count == report.rows.count, "nothing has two verdicts")
        let missing = try run(directory.file("none.toml"))
        #expect(missing.status == 78 && missing.output.contains("cannot read the configuration"), "\(missing.output)")
        let wrong = try run(try directory.write("[general\n", to: "wrong.toml"))
        #expect(wrong.status == 78 && wrong.output.contains("wrong.toml:1:"), "\(wrong.output)")
    }
}
