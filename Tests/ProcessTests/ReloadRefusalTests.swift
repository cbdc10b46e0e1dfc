import Foundation
import TestKit
import Testing

@Suite("A reload that is refused changes nothing", .timeLimit(.minutes(5)))
struct ReloadRefusalTests {
    /// A way to be wrong, and what must be said of it.
    struct Way: Sendable, CustomTestStringConvertible {
        let name: String
        var status: Int32 = 78
        let change: @Sendable (inout ServerSettings, ServerUnderTest) throws -> Void
        /// Part of a line, beside the file's name and a line number.
        let says: String
        var testDescription: String { name }
    }

    private static func replace(_ server: ServerUnderTest, _ old: String, _ text: String) throws {
        try FileManager.default.removeItem(atPath: old)
        try Data(text.utf8).write(to: URL(filePath: old))
    }

    static let ways = [
        Way(name: "no TOML", change: { settings, _ in settings.rest = "[shaper.x\nmax_rate = 5" }, says: "xmppd.toml:"),
        Way(name: "an unknown key", change: { settings, _ in settings.general = "langage = \"de\"" }, says: "general.langage"),
        Way(
            name: "a wrong type", change: { settings, _ in settings.native = "max_stanza_size = \"big\"" },
            says: "xmppd.max_stanza_size"),
        Way(
            name: "a value out of bounds", change: { settings, _ in settings.listeners[0].options = "max_connections = -1" },
            says: "listen.c2s[1].max_connections"),
        Way(
            name: "a listener twice",
            change: { settings, _ in
                settings.listeners.append(.init())
                settings.listeners[1].port = 45_001
                settings.listeners.append(settings.listeners[1])
            }, says: "duplicate_listeners"),
        Way(
            name: "no host",
            change: { settings, _ in
                settings.rest = "# no host"
                settings.hosts = [""]
            }, says: "general.hosts"),
        Way(
            name: "a method without its pool",
            change: { settings, _ in
                settings.auth = "[auth.ldap]\nbase = \"ou=users\"\n"
            }, says: "outgoing_pools.ldap"),
        Way(
            name: "an access rule that is not there",
            change: { settings, _ in
                settings.access = "max_user_sessions = [{ acl = \"all\", value = 50 }]"
            }, says: "there is no access rule \"c2s\""),
        Way(
            name: "a shaper that is not there",
            change: { settings, _ in
                settings.listeners[0].options = "shaper = \"rates\""
                settings.access += "\nrates = [{ acl = \"all\", value = \"slow\" }]"
            }, says: "there is no shaper \"slow\""),
        Way(
            name: "an unknown module", change: { settings, _ in settings.modules += "\n[modules.mod_tim]" }, says: "modules.mod_tim"
        ),
        Way(
            name: "a file that is not there",
            change: { settings, _ in
                settings.listeners[1].tlsOptions = "cacertfile = \"/nowhere/ca.pem\""
            }, says: "listen.c2s[2].tls.cacertfile"),
        Way(
            name: "a certificate that is none",
            change: { _, server in
                try replace(
                    server, try #require(server.certificate).certificate,
                    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            }, says: "listen.c2s[2].tls.certfile"),
        Way(
            name: "a key that cannot be read",
            change: { _, server in
                try replace(server, try #require(server.certificate).key, "")
            }, says: "listen.c2s[2].tls.keyfile"),
        Way(
            name: "a stranger's key",
            change: { _, server in
                let other = try Certificate(in: server.directory, name: "other")
                try replace(server, try #require(server.certificate).key, try String(contentsOfFile: other.key, encoding: .utf8))
            }, says: "listen.c2s[2].tls.keyfile"),
        Way(
            name: "a cipher that nobody knows",
            change: { settings, _ in
                settings.listeners[1].tlsOptions = "ciphers = \"ROT13\""
            }, says: "listen.c2s[2].tls.ciphers"),
        Way(
            name: "a database in no directory", change: { settings, _ in settings.database = "/nowhere/x.sqlite" },
            says: "xmppd.storage.path"),
        Way(
            name: "a database that is none",
            change: { settings, server in
                settings.database = "xmppd.toml"
            }, says: "xmppd.storage.path"),
        Way(
            name: "an address that this machine has not", status: 69,
            change: { settings, _ in
                settings.listeners.append(.init())
                settings.listeners[2].address = "192.0.2.1"
            }, says: "listen.c2s[3]"),
        Way(
            name: "a control socket in no directory", status: 69,
            change: { settings, server in
                settings.native = "# moved"
            }, says: "/nowhere/at/all"),
    ]

    @Test("whatever is wrong: it is said, and everything stays as it was", arguments: ways)
    func wrong(_ way: Way) throws {
        let server = try ServerUnderTest { $0.listeners = [.init(), .init(.required)] }
        try server.addAccounts("juliet")
        let clients = try (0..<2).map { try server.join("juliet", toWorker: $0) }
        try clear(clients[0], clients[1])
        let before = try server.xmppctl("config", "show").output
        let ports = server.ports
        // Beside what is wrong, something right, which must not hold either.
        try server.configure {
            $0.registrationTimeout = "17"
            try? way.change(&$0, server)
        }
        var text = server.directory.read("xmppd.toml")
        if way.name == "no host" {
            text = text.replacing("hosts = [\"\"]", with: "hosts = []").replacing("domain = \"\"", with: "domain = \"localhost\"")
        }
        if way.name.hasPrefix("a control socket") {
            text = text.replacing(#/pid_file = "[^"]*"/#, with: "pid_file = \"/nowhere/at/all/x.pid\"")
        }
        try server.directory.write(text, to: "xmppd.toml")
        for words in [["reload", "--dry-run"], ["reload"]] {
            let outcome = try ChildProcess.run(
                Programs.product("xmppctl"), words, variables: ["XMPPD_CONTROL_SOCKET": server.controlSocket])
            #expect(outcome.status == way.status, "\(outcome)")
            let line = outcome.error.split(separator: "\n").first { $0.contains(way.says) }
            #expect(line != nil, "\(outcome.error)")
            if way.name != "a control socket in no directory" {
                #expect(line?.contains(#/xmppd\.toml:\d+/#) == true, "\(outcome.error)")
            }
        }
        server.settings.hosts = ["localhost"]
        #expect(try server.xmppctl("config", "show").output == before)
        try server.refreshPorts()
        #expect(server.ports == ports)
        #expect(try settle(clients).joined().isEmpty)
        #expect(try server.status().workers.allSatisfy { $0.state == "ready" && $0.restarts == 0 })
        let late = try server.join("juliet", resource: "late")
        #expect(late.address.hasSuffix("/late"))
    }

    @Test("a port that a stranger has refuses the whole reload, on a rehearsal, too")
    func strangersPort() throws {
        let stranger = try ServerUnderTest()
        let server = try ServerUnderTest()
        try server.addAccounts("juliet")
        let client = try server.join("juliet")
        let before = try server.xmppctl("config", "show").output
        try server.configure {
            $0.general = "language = \"de\""
            $0.listeners.append(.init())
            $0.listeners[1].port = stranger.port
        }
        for words in [["reload", "--dry-run"], ["reload"]] {
            let outcome = try ChildProcess.run(
                Programs.product("xmppctl"), words, variables: ["XMPPD_CONTROL_SOCKET": server.controlSocket])
            #expect(outcome.status == 69)
            #expect(outcome.error.contains("listen.c2s[2] (127.0.0.1:\(stranger.port)): cannot listen"), "\(outcome.error)")
        }
        #expect(try server.xmppctl("config", "show").output == before)
        #expect(try settle([client]).joined().isEmpty)
        // The stranger has noticed nothing, and when it has gone the file is right.
        #expect(Sockets.connects("127.0.0.1", stranger.port))
        #expect(try stranger.stop() == 0)
        #expect(try server.xmppctl("reload").status == 0)
        #expect(Sockets.connects("127.0.0.1", server.settings.listeners[1].port))
    }
}
