import Foundation
import TestKit
import Testing

/// What the loader says of each wrong option is tested in `ConfigurationTests`; here, that the programs do as it says.
@Suite("A wrong configuration starts nothing", .timeLimit(.minutes(5)))
struct WrongConfigurationTests {
    /// Runs `xmppd` with a configuration, and `xmppctl config check` on it: both must refuse it in the same words.
    private func refusal(
        sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout ServerSettings) -> Void
    ) throws -> (lines: [String], server: ServerUnderTest) {
        let server = try ServerUnderTest(change, isStarted: false)
        return (try refusal(of: server, sourceLocation), server)
    }

    private func refusal(of server: ServerUnderTest, _ sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        let outcome = try ChildProcess.run(Programs.product("xmppd"), ["--config", server.configuration])
        #expect(outcome.status == 78, sourceLocation: sourceLocation)
        let check = try server.xmppctl("config", "check", server.configuration)
        #expect(check.status == 78, sourceLocation: sourceLocation)
        #expect(check.error == outcome.error, sourceLocation: sourceLocation)
        for name in ["control.sock", "xmppd.pid", "xmppd.sqlite"] {
            #expect(
                !FileManager.default.fileExists(atPath: server.directory.file(name)), "\(name)", sourceLocation: sourceLocation)
        }
        return outcome.error.split(separator: "\n").map(String.init)
    }

    @Test("all problems are said at once, each with its place, and nobody listens")
    func severalProblems() throws {
        let port = try TCPSocket.freePort()
        let (lines, server) = try refusal {
            $0.general = "regstration_timeout = 5"
            $0.listeners = [
                .init(options: "acces = \"c2s\"\n  max_stanza_size = -1"), .init(options: "c2s_state_timeout = \"soon\""),
            ]
            $0.access = "c2s = [{ acl = \"all\" }]"
            $0.modules = "[modules.mod_ping]\n  ping_interval = \"often\"\n[modules.mod_nonsense]"
            $0.native = "workers_per_core = 2"
            $0.rest = "[[listen.c2s]]\n  port = \(port)\n"
        }
        let paths = [
            "general.regstration_timeout", "listen.c2s[1].acces", "listen.c2s[1].max_stanza_size",
            "listen.c2s[2].c2s_state_timeout",
            "access.c2s[1].value", "modules.mod_ping.ping_interval", "modules.mod_nonsense", "xmppd.workers_per_core",
        ]
        for path in paths {
            let own = lines.filter { $0.contains(" \(path): ") }
            #expect(own.count == 1, "\(path): \(lines)")
            #expect(own.allSatisfy { $0.hasPrefix("\(server.configuration):") && $0.contains(#/^[^:]+:\d+:\d+: /#) }, "\(own)")
        }
        #expect(lines.count == paths.count, "\(lines)")
        #expect(throws: TestFailure.self) { try TCPSocket(port: port) }
    }

    @Test("a file that is no TOML, and one that is not there")
    func unreadable() throws {
        let server = try ServerUnderTest(isStarted: false)
        try server.directory.write("[general\nhosts = [\"localhost\"]\n", to: "xmppd.toml")
        let lines = try refusal(of: server)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("\(server.configuration):1:") == true, "\(lines)")
        try FileManager.default.removeItem(atPath: server.configuration)
        #expect(try refusal(of: server).first?.contains("cannot read the configuration") == true)
    }

    @Test("a key that does not fit its certificate")
    func strangersKey() throws {
        let server = try ServerUnderTest({ $0.listeners = [.init(.required)] }, isStarted: false)
        let other = try Certificate(in: server.directory, name: "other")
        let own = try #require(server.certificate)
        try FileManager.default.removeItem(atPath: own.key)
        try FileManager.default.moveItem(atPath: other.key, toPath: own.key)
        let lines = try refusal(of: server)
        #expect(lines.count == 1)
        #expect(lines.first?.contains(#/xmppd.toml:\d+:\d+: listen\.c2s\[1\]\.tls\.keyfile: /#) == true, "\(lines)")
    }

    @Test(
        "what only OpenSSL can judge",
        arguments: [
            ("ciphers = \"ECDHE-ROT13-SHA\"", "ciphers"), ("dhfile = \"CONFIGURATION\"", "dhfile"),
            ("cacertfile = \"CONFIGURATION\"", "cacertfile"),
        ])
    func libraryRefuses(_ option: String, _ key: String) throws {
        let server = try ServerUnderTest({ $0.listeners = [.init(.required)] }, isStarted: false)
        try server.configure {
            $0.listeners = [.init(.required, tlsOptions: option.replacing("CONFIGURATION", with: server.configuration))]
        }
        let lines = try refusal(of: server)
        #expect(lines.contains { $0.contains(#/xmppd.toml:\d+:\d+: /#) && $0.contains("listen.c2s[1].tls.\(key)") }, "\(lines)")
    }

    @Test("files that are named and not there")
    func missingFiles() throws {
        let (lines, _) = try refusal {
            $0.rest = """
                [[listen.c2s]]
                  port = 0
                  [listen.c2s.tls]
                    module = "just_tls"
                    certfile = "/nonexistent/cert.pem"
                    keyfile = "/nonexistent/key.pem"
                """
        }
        for key in ["certfile", "keyfile"] { #expect(lines.contains { $0.contains("listen.c2s[2].tls.\(key)") }, "\(lines)") }
    }

    @Test("a right one is accepted by the check, and nothing is started")
    func checkOnly() throws {
        let server = try ServerUnderTest({ $0.listeners = [.init(.required), .init(.direct), .init()] }, isStarted: false)
        let outcome = try server.xmppctl("config", "check", server.configuration)
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(!FileManager.default.fileExists(atPath: server.directory.file("xmppd.pid")))
    }

    @Test("a port that is taken, and what cannot be asked")
    func cannotStart() throws {
        let first = try ServerUnderTest()
        let second = try ServerUnderTest(
            { $0.rest = "[[listen.c2s]]\n  port = \(first.port)\n  ip_address = \"127.0.0.1\"\n" }, isStarted: false)
        let outcome = try ChildProcess.run(Programs.product("xmppd"), ["--config", second.configuration])
        #expect(outcome.status == 69)
        #expect(outcome.error.contains("\(first.port)"), "\(outcome.error)")
        #expect(try first.status().state == "running")
        #expect(try ChildProcess.run(Programs.product("xmppd"), ["--nonsense"]).status == 64)
    }
}
