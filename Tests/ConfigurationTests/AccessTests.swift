import Configuration
import Testing

@Suite(.timeLimit(.minutes(5)))
struct AccessTests {
    private static let text = """
        [general]
          hosts = ["a.example", "b.example"]
          default_server_domain = "a.example"
        [acl]
          admin = [{ user = "Admin", server = "a.example" }, { user = "root", match = "all" }]
          robot = [{ user_regexp = '^robot\\d+$' }]
          guest = [{ user_glob = "guest-[a-c]?*" }]
          phone = [{ resource_glob = "phone*", match = "any_hosted_domain" }]
          foreign = [{ server_glob = "*.elsewhere", match = "all" }]
          here = [{ match = "current_domain" }]
          nobody = [{ match = "none" }]
          both = [{ user = "x", resource = "y" }]
        [access]
          rule = [
            { acl = "nobody", value = "never" },
            { acl = "undefined", value = "never" },
            { acl = "none", value = "never" },
            { acl = "admin", value = "allow" },
            { acl = "robot", value = "slow" },
            { acl = "guest", value = "deny" },
            { acl = "phone", value = 5 },
            { acl = "foreign", value = "abroad" },
            { acl = "both", value = "both" },
            { acl = "here", value = 1 },
          ]
          empty = []
        [shaper.slow]
          max_rate = 10
        [[host_config]]
          host = "b.example"
          [host_config.acl]
            admin = [{ user = "bob" }]
          [host_config.access]
            rule = [{ acl = "robot", value = "deny" }]
            own = [{ acl = "admin", value = "allow" }]
        """

    private func subject(_ address: String) -> AccessSubject {
        let parts = address.split(separator: "/", maxSplits: 1)
        let bare = parts[0].split(separator: "@")
        return AccessSubject(
            local: bare.count > 1 ? String(bare[0]) : nil, domain: String(bare[bare.count - 1]),
            resource: parts.count > 1 ? String(parts[1]) : nil)
    }

    @Test(
        arguments: [
            ("rule", "admin@a.example", "a.example", AccessValue.allow),
            ("rule", "admin@b.example", "b.example", .integer(1)),
            ("rule", "admin@a.example", "b.example", nil),
            ("rule", "root@elsewhere", "a.example", .allow),
            ("rule", "robot12@a.example", "a.example", .name("slow")),
            ("rule", "robot12@b.example", "b.example", .deny),
            ("rule", "robot@a.example", "a.example", .integer(1)),
            ("rule", "guest-b7@a.example", "a.example", .deny),
            ("rule", "guest-b@a.example", "a.example", .integer(1)),
            ("rule", "guest-d7@a.example", "a.example", .integer(1)),
            ("rule", "joe@b.example/phone1", "a.example", .integer(5)),
            ("rule", "joe@elsewhere/phone1", "a.example", nil),
            ("rule", "x.elsewhere", "a.example", .name("abroad")),
            ("rule", "x@a.example/y", "a.example", .name("both")),
            ("rule", "x@a.example/z", "a.example", .integer(1)),
            ("rule", "a.example", "a.example", .integer(1)),
            ("rule", "bob@b.example", "b.example", .allow),
            ("rule", "bob@a.example", "a.example", .integer(1)),
            ("own", "bob@b.example", "b.example", .allow),
            ("own", "bob@a.example", "a.example", nil),
            ("empty", "bob@a.example", "a.example", nil),
            ("undefined", "bob@a.example", "a.example", nil),
            ("all", "bob@a.example", "a.example", .allow),
            ("none", "bob@a.example", "a.example", .deny),
        ] as [(String, String, String, AccessValue?)])
    func rules(_ rule: String, _ address: String, _ host: String, _ value: AccessValue?) throws {
        let configuration = try loaded(Self.text).configuration
        #expect(configuration.access(rule: rule, for: subject(address), on: host) == value)
    }

    @Test func shapers() throws {
        let configuration = try loaded(Self.text).configuration
        func rate(_ rule: String, _ address: String) -> Int? {
            configuration.shaper(rule: rule, for: subject(address), on: "a.example")?.maxRate
        }
        #expect(rate("rule", "robot1@a.example") == 10)
        #expect(rate("rule", "x.elsewhere") == nil)
        #expect(rate("none", "robot1@a.example") == nil)
        #expect(rate("undefined", "robot1@a.example") == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("0.0.0.0/0", "1.2.3.4", true),
        ("0.0.0.0/0", "::1", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
        ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
        ("::1", "0:0::1", true), ("10.0.0.0/8", "nonsense", false),
    ]) func networks(_ network: String, _ address: String, _ isIn: Bool) throws {
        #expect(try #require(IPNetwork(network)).contains(address) == isIn)
    }
}
