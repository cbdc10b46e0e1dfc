import Configuration
import Testing

/// One name in several spellings: with A-labels or U-labels (RFC 5890 §2.3.2.1), composed or not, in any case.
@Suite(.timeLimit(.minutes(5))) struct SpellingTests {
    static let spellings = [
        "bücher.example", "BÜCHER.Example", "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE", "bu\u{308}cher.example",
        "bücher.example.",
    ]

    private func quoted(_ text: String) -> String { "\"\(text)\"" }

    @Test("every spelling of a host is that host", arguments: spellings)
    func hosts(_ spelling: String) throws {
        let configuration = try loaded(
            """
            [general]
              hosts = [\(quoted(spelling))]
              default_server_domain = \(quoted(spelling))
              [[general.domain_certfile]]
                domain = \(quoted(spelling))
                certfile = "both.pem"
            [[host_config]]
              host = "xn--bcher-kva.example"
              [host_config.general]
                replaced_wait_timeout = 1000
            """
        ).configuration
        #expect(configuration.general.hosts == ["bücher.example"])
        #expect(configuration.general.defaultServerDomain == "bücher.example")
        #expect(configuration.general.domainCertfiles.map(\.domain) == ["bücher.example"])
    }

    @Test("two spellings of a host are one host twice, and both places are named", arguments: spellings.dropFirst())
    func duplicates(_ spelling: String) throws {
        let found = problems(
            "[general]\n  hosts = [\"bücher.example\",\n    \(quoted(spelling))]\n  default_server_domain = \"bücher.example\"\n")
        let problem = try #require(found.first)
        #expect(found.count == 1)
        #expect(problem.path == "general.hosts[2]")
        #expect(problem.line == 3)
        #expect(problem.hint == "the same as general.hosts[1] in line 2")
    }

    @Test("two tables for one name name both places")
    func duplicateTables() throws {
        let text =
            "general = { hosts = [\"bücher.example\"], default_server_domain = \"a\" }\n[[host_config]]\n"
            + "host = \"bücher.example\"\n[[host_config]]\nhost = \"xn--bcher-kva.example\"\n"
        let problem = try #require(problems(text).first)
        #expect(problem.path == "host_config[2].host")
        #expect(problem.hint == "the same as host_config[1].host in line 3")
        let certificates =
            "[general]\nhosts = [\"a\"]\ndefault_server_domain = \"a\"\n"
            + "[[general.domain_certfile]]\ndomain = \"*.ü.x\"\ncertfile = \"both.pem\"\n"
            + "[[general.domain_certfile]]\ndomain = \"*.xn--tda.x\"\ncertfile = \"both.pem\"\n"
        let other = try #require(problems(certificates).first)
        #expect(other.path == "general.domain_certfile[2].domain")
        #expect(other.hint == "the same as general.domain_certfile[1].domain in line 5")
    }

    @Test("the parts of addresses in access classes are prepared as addresses are")
    func access() throws {
        let configuration = try loaded(
            """
            general = { hosts = ["bücher.example"], default_server_domain = "bücher.example" }
            [acl]
              friends = [
                {match = "all", user = "JU\u{308}RGEN", server = "XN--BCHER-KVA.example", resource = "u\u{308}"}
              ]
            [access]
              door = [{acl = "friends", value = "allow"}]
            """
        ).configuration
        func value(_ local: String, _ resource: String) -> AccessValue? {
            configuration.access(
                rule: "door", for: AccessSubject(local: local, domain: "bücher.example", resource: resource),
                on: "bücher.example")
        }
        #expect(value("jürgen", "ü") == .allow)
        #expect(value("jürgen", "u") != .allow)
    }

    @Test(
        "what cannot be spelt both ways is no name",
        arguments: [
            "xn--.example", "xn--a.example", "😀.example", "a b", "ü b.example", "-ü.example", "[::1]",
        ])
    func noNames(_ name: String) {
        let found = problems("general = { hosts = [\(quoted(name))], default_server_domain = \"a\" }\n")
        #expect(found.first?.path == "general.hosts[1]")
    }
}
