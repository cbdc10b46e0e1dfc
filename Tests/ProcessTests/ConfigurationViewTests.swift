import Foundation
import TestKit
import Testing

@Suite("What holds of every option can be seen", .timeLimit(.minutes(5)))
struct ConfigurationViewTests {
    private struct Report: Decodable {
        struct Row: Decodable {
            let path: String, value: String, origin: String
            let line: Int?
            let spelling: String?
        }

        let configuration: String
        let rows: [Row]
    }

    private func report(_ outcome: Outcome) throws -> [String: Report.Row] {
        #expect(outcome.status == 0, "\(outcome.error)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
        #expect(Set(report.rows.map(\.path)).count == report.rows.count)
        return Dictionary(uniqueKeysWithValues: report.rows.map { ($0.path, $0) })
    }

    @Test("of a file: its lines, the defaults, other spellings, no secrets")
    func ofAFile() throws {
        let directory = try ScratchDirectory()
        let path = try directory.write(
            """
            [general]
              hosts = ["localhost"]
              default_server_domain = "LocalHost"
            [auth]
              scram_iterations = 5000
              [auth.internal]
            [[listen.c2s]]
              port = 5222
            [[listen.service]]
              port = 8888
              password = "sesame"
            """, to: "xmppd.toml")
        let outcome = try ChildProcess.run(Programs.product("xmppctl"), ["config", "show", path, "--json"])
        let rows = try report(outcome)
        #expect(!outcome.output.contains("sesame"))
        func check(_ path: String, _ value: String, _ origin: String, _ line: Int? = nil, _ spelling: String? = nil) {
            let row = rows[path]
            #expect(
                row?.value == value && row?.origin == origin && row?.line == line && row?.spelling == spelling,
                "\(path): \(String(describing: row))")
        }
        check("general.hosts", "[\"localhost\"]", "file", 2)
        check("general.default_server_domain", "\"localhost\"", "file", 3)
        check("general.language", "\"en\"", "default")
        check("auth.password.scram_iterations", "5000", "file", 5, "scram_iterations")
        check("auth.internal", "{}", "file", 6)
        check("listen.c2s[1].port", "5222", "file", 8)
        check("listen.c2s[1].max_stanza_size", "262144", "default")
        check("listen.c2s[1].ip_version", "(that of ip_address, else 4)", "computed")
        check("listen.service[1].password", "(secret)", "file", 11)
        let text = try ChildProcess.run(Programs.product("xmppctl"), ["config", "show", path])
        #expect(text.output.hasPrefix("# \(path)\n"))
        #expect(
            text.output.contains(#/\nauth\.password\.scram_iterations = 5000 +# line 5, as scram_iterations\n/#), "\(text.output)")
    }

    @Test("of a file that is refused: why")
    func ofAWrongFile() throws {
        let directory = try ScratchDirectory()
        let path = try directory.write("[general]\n", to: "xmppd.toml")
        let outcome = try ChildProcess.run(Programs.product("xmppctl"), ["config", "show", path])
        #expect(outcome.status == 78 && outcome.output.isEmpty && outcome.error.contains("general.hosts"))
    }

    @Test("of the running server")
    func ofTheServer() throws {
        let server = try ServerUnderTest()
        let rows = try report(try server.xmppctl("config", "show", "--json"))
        #expect(rows["xmppd.workers"]?.value == "2" && rows["xmppd.workers"]?.origin == "file")
        #expect(rows["general.language"]?.origin == "default")
    }

    @Test("the options there are, all, those of a table, and none")
    func options() throws {
        func run(_ words: String...) throws -> Outcome {
            try ChildProcess.run(Programs.product("xmppctl"), ["config", "options"] + words)
        }
        let all = try run()
        #expect(
            all.status == 0 && all.output.contains("listen.c2s[].tls.mode\n")
                && all.output.contains("modules.mod_ping.ping_interval\n"))
        let table = try run("listen.c2s.tls")
        #expect(table.output.hasPrefix("listen.c2s[].tls\n") && !table.output.contains("listen.c2s[].port"))
        #expect(try run("ping_interval").output.hasPrefix("modules.mod_ping.ping_interval\n"))
        #expect(try run("nonsense").status == 64)
    }
}
