import Configuration
import Testing

/// What is different between two files, and what becomes of their listeners.
@Suite(.timeLimit(.minutes(5)))
struct ChangeTests {
    private func changes(_ old: String, _ new: String) throws -> [ConfigurationChange] {
        try loaded(least + new).configuration.changes(from: try loaded(least + old).configuration)
    }

    private func lines(_ old: String, _ new: String) throws -> [String] {
        try changes(old, new).map { change in
            "\(change.path) \(change.kind.rawValue) \(change.old ?? "-") \(change.new ?? "-")"
        }
    }

    @Test func whatMeansTheSameIsNoChange() throws {
        let old = "[[listen.c2s]]\nport = 1\nbacklog = 1024\n[modules.mod_roster]\n[access]\nx = [{ acl = \"all\", value = 1 }]"
        let new = "[modules.mod_roster]\n[access]\nx = [{ value = 1, acl = \"all\" }]\n[[listen.c2s]]\nport = 1"
        #expect(try lines(old, new) == [])
    }

    @Test func eachOptionHasItsLine() throws {
        let old = "[[listen.c2s]]\nport = 1\n[modules.mod_roster]\n[access]\nx = [{ acl = \"all\", value = 1 }]"
        let new =
            "[[listen.c2s]]\nport = 1\naccess = \"x\"\n[modules.mod_ping]\n[access]\nx = [{ acl = \"all\", value = 2 }]\n[xmppd]\nworkers = 3"
        #expect(
            try lines(old, new) == [
                "listen.c2s[1].access changed \"all\" \"x\"", "access.x[1].value changed 1 2", "modules.mod_ping added - -",
                "modules.mod_roster removed - -", "xmppd.workers added - 3",
            ])
    }

    @Test func aListenerIsWhereItListens() throws {
        let one = "[[listen.c2s]]\nport = 1\n", two = "[[listen.c2s]]\nport = 2\nbacklog = 5\n"
        #expect(try lines(one + two, two + one) == [])
        #expect(try lines(one, one + two) == ["listen.c2s[2] added - -"])
        #expect(try lines(one + two, two) == ["listen.c2s[1] removed - -"])
        #expect(
            try lines(one + two, two.replacing("5", with: "6")) == [
                "listen.c2s[1] removed - -", "listen.c2s[1].backlog changed 5 6",
            ])
        #expect(try lines(one, "[[listen.c2s]]\nport = 3") == ["listen.c2s[1].port changed 1 3"])
        #expect(
            try lines(one, "[[listen.c2s]]\nport = 1\nproto = \"udp\"") == ["listen.c2s[1] removed - -", "listen.c2s[1] added - -"])
    }

    @Test func hostsOfTheirOwnAreKnownByTheirNames() throws {
        let hosts = "[[host_config]]\nhost = \"localhost\"\n[host_config.modules.mod_time]\n"
        #expect(try lines(hosts, "") == ["host_config[1] removed - -"])
        #expect(try lines("", hosts) == ["host_config[1] added - -"])
        #expect(try lines(hosts, hosts + "[host_config.modules.mod_ping]") == ["host_config[1].modules.mod_ping added - -"])
    }

    @Test func secretsAreNotShown() throws {
        func pool(_ password: String) -> String {
            "[outgoing_pools.ldap.default.connection]\nroot_dn = \"x\"\npassword = \"\(password)\"\n"
        }
        let changes = try changes(pool("hush-one"), pool("hush-two"))
        #expect(changes.map(\.path) == ["outgoing_pools.ldap.default.connection.password"])
        #expect(!"\(changes)".contains("hush"))
    }

    @Test func aRenewedCertificateIsAChange() throws {
        func configuration(_ key: String) throws -> ServerConfiguration {
            let pem = "-----BEGIN CERTIFICATE-----\n\(key)\n-----BEGIN PRIVATE KEY-----\n"
            let files = BundledFiles([ConfiguredFile(path: "c.pem", contents: Array(pem.utf8))])
            let text = least + "[[listen.c2s]]\nport = 1\ntls.certfile = \"c.pem\""
            guard
                case .loaded(let configuration, _) = ConfigurationLoader.load(
                    text: Array(text.utf8), path: "x", files: files)
            else { throw Refused(problems: []) }
            return configuration
        }
        let changes = try configuration("b").changes(from: try configuration("a"))
        #expect(changes.map(\.path) == ["listen.c2s[1].tls.certfile"])
        #expect(changes[0].old == changes[0].new)
        #expect(changes[0].effect.hasPrefix("new connections"))
        #expect(try configuration("a").changes(from: try configuration("a")) == [])
    }

    /// Listeners as `ADDRESS:PORT`, with `u` before those of datagrams.
    private func fates(_ old: String, _ new: String) -> String {
        func identities(_ text: String) -> [ListenerIdentity] {
            text.split(separator: " ").enumerated().map { position, word in
                let parts = word.split(separator: ":")
                let isUDP = word.hasPrefix("u")
                return ListenerIdentity(
                    kind: "c2s", position: position, address: String(isUDP ? parts[0].dropFirst() : parts[0]),
                    port: Int(parts[1]) ?? 0,
                    transport: isUDP ? "udp" : "tcp")
            }
        }
        return ListenerFate.all(of: identities(new), before: identities(old)).map { fate in
            switch fate {
            case .kept(let old): "kept\(old)"
            case .moved(let old): "moved\(old)"
            case .new: "new"
            }
        }.joined(separator: " ")
    }

    @Test(arguments: [
        ("a:1", "a:1", "kept0"), ("a:1 b:2", "b:2 a:1", "kept1 kept0"), ("a:1", "a:2", "moved0"), ("a:1", "b:1", "moved0"),
        ("a:1 a:2", "a:2", "kept1"), ("a:1 a:2", "a:3 a:2", "moved0 kept1"), ("a:1 a:2", "a:2 a:3", "kept1 new"),
        ("a:1", "a:1 a:2", "kept0 new"), ("a:1", "a:2 a:1", "new kept0"), ("a:1", "ua:1", "new"), ("", "a:1", "new"),
        ("a:1", "", ""),
        ("a:0 a:0", "a:0 a:0", "kept0 kept1"), ("a:0 a:0", "a:0", "kept0"), ("a:0", "a:0 a:0", "kept0 new"),
        ("a:0", "a:5", "moved0"),
        ("a:1 a:2 a:3", "a:4 a:5 a:6", "moved0 moved1 moved2"), ("a:1 a:2", "a:4 a:1", "new kept0"),
    ])
    func whatBecomesOfListeners(_ old: String, _ new: String, _ expected: String) {
        #expect(fates(old, new) == expected)
    }
}
