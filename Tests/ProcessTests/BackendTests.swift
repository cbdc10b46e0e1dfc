import Foundation
import IPC
import TestKit
import Testing
import XML

/// A server that asks somebody else who its users are, with an encrypted listener and a plain one.
private func stage(_ authentication: String, pools: String) throws -> ServerUnderTest {
    try ServerUnderTest {
        $0.listeners = [.init(.required), .init()]
        $0.auth = authentication + "\n[auth.password]\n  scram_iterations = 4096"
        $0.rest = pools
        $0.native = "before_login.max_auth_attempts = 100"
    }
}

/// Users log in all the time while `fail` and then `mend` happen to the backend. Those who are there chat on meanwhile.
private func expectOutageIsSurvived(
    _ server: ServerUnderTest, pool: String, fail: () throws -> Void, mend: () throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let clients = try (0..<2).map { try server.logIn("juliet", toWorker: $0, listener: 1) }
    let load = LoginLoad("romeo", on: server)
    try load.waitForAnother("success")
    try fail()
    try load.waitForAnother("temporary-auth-failure")
    for _ in 0..<5 { _ = try settle(clients) }
    try eventually("the pool to be shown as down") {
        try server.status().pools.contains { "\($0.type).\($0.tag)" == pool && $0.state == "down" && $0.reason != nil }
    }
    #expect(try server.xmppctl("status").output.contains(pool), sourceLocation: sourceLocation)
    try mend()
    try load.waitForAnother("success")
    try eventually("the pool to be shown as up") {
        try server.status().pools.contains { "\($0.type).\($0.tag)" == pool && $0.state == "up" && $0.failures > 0 }
    }
    _ = try settle(clients)
    let counts = load.stop()
    #expect(Set(counts.keys) == ["success", "temporary-auth-failure"], "\(counts)", sourceLocation: sourceLocation)
    #expect(try server.status().workers.allSatisfy { $0.restarts == 0 }, sourceLocation: sourceLocation)
}

@Suite(
    "Accounts in PostgreSQL",
    .enabled(if: Programs.canRun(PostgreSQLServer.programs), "PostgreSQL is missing; see packaging/dev"), .timeLimit(.minutes(5)))
struct DatabaseBackendTests {
    private func stage(_ database: PostgreSQLServer, estimate: Bool = false) throws -> ServerUnderTest {
        try ProcessTests.stage(
            "[auth.rdbms]\n  users_number_estimate = \(estimate)",
            pools: """
                [outgoing_pools.rdbms.default]
                  workers = 4
                  [outgoing_pools.rdbms.default.connection]
                    driver = "pgsql"
                    host = "127.0.0.1"
                    port = \(database.port)
                    database = "postgres"
                    username = "xmppd"
                    password = "secret"
                    query_timeout = 2000
                    max_start_interval = 1
                    keepalive_interval = 1
                """)
    }

    @Test("accounts are made, listed, counted, changed and removed there")
    func accounts() throws {
        let database = try PostgreSQLServer()
        let server = try stage(database)
        try server.addAccounts("juliet", "romeo")
        let rows = try database.sql("SELECT server, username, password, pass_details FROM users ORDER BY username")
        let pattern = #/localhost\|juliet\|\|==MULTI_SCRAM==,4096,===SHA1===[^,]+,.*==SHA512==[^,\n]+\nlocalhost\|romeo\|\|.*\n/#
        #expect(rows.wholeMatch(of: pattern) != nil, "\(rows)")
        #expect(
            try server.xmppctl("account", "list").output.split(separator: "\n").suffix(2) == [
                "juliet@localhost", "romeo@localhost",
            ])
        #expect(try server.control("account.count")["count"]?.int == 2)
        #expect(try server.xmppctl("account", "add", "juliet@localhost", "--password", "x").error.contains("already"))
        #expect(try outcome("juliet", "juliet", on: server) == "success")
        #expect(try outcome("juliet", "Juliet", on: server) == "not-authorized")
        #expect(try outcome("nobody", "nobody", on: server) == "not-authorized")
        #expect(try outcome("x' OR '1'='1", "x", on: server) == "not-authorized")
        #expect(try server.xmppctl("account", "passwd", "juliet@localhost", "--password", "new").status == 0)
        #expect(try outcome("juliet", "juliet", on: server) == "not-authorized")
        #expect(try outcome("juliet", "new", on: server) == "success")
        #expect(try server.xmppctl("account", "remove", "romeo@localhost").status == 0)
        #expect(try outcome("romeo", "romeo", on: server) == "not-authorized")
        #expect(try server.xmppctl("account", "remove", "romeo@localhost").status != 0)
        #expect(!server.log.contains("'new'"))
        let connections = try database.sql("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'xmppd'")
        #expect((1...4).contains(Int(connections.dropLast()) ?? 0), "\(connections)")
    }

    @Test("connections are shared out among another number of workers, and logins go on")
    func shares() throws {
        let database = try PostgreSQLServer()
        let server = try stage(database)
        try server.addAccounts("juliet", "romeo")
        let load = LoginLoad("romeo", on: server, threads: 6)
        try load.waitForAnother("success")
        func connections() throws -> Int {
            let text = try database.sql("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'xmppd'")
            return Int(text.dropLast()) ?? 0
        }
        try eventually("more than two connections") { try connections() > 2 }
        // Each of four workers has one of the four; of two, one each.
        let pools = server.settings.rest
        try server.reload { $0.workers = 4 }
        try eventually("four workers to serve") { try server.status().workers.map(\.state) == Array(repeating: "ready", count: 4) }
        try load.waitForAnother("success")
        #expect(try connections() <= 4)
        try server.reload {
            $0.workers = 2
            $0.rest = pools.replacing("workers = 4", with: "workers = 2")
        }
        try eventually("two workers to be left", within: 60) { try server.status().workers.count == 2 }
        try load.waitForAnother("success")
        #expect(try connections() <= 2)
        let counts = load.stop()
        #expect(Set(counts.keys).isSubset(of: ["success", "temporary-auth-failure"]), "\(counts)")
        #expect(try outcome("juliet", "juliet", on: server) == "success")
    }

    @Test("keys and passwords that MongooseIM has left there let users in, with SCRAM and with PLAIN")
    func takesOver() throws {
        let database = try PostgreSQLServer()
        try database.sql(
            """
            INSERT INTO users (server, username, password, pass_details) VALUES \
            ('localhost', 'plain', 'plain', NULL), ('localhost', 'empty', '', NULL), ('elsewhere', 'other', 'other', NULL), \
            ('localhost', 'misio', '', '==SCRAM==,tmi5IE+9pceRV/jkPLFHEaVY33c=,MiWNa8T3dniVDwmh77ufJ41fpAQ=,inKXODlSY5y5SCsLxibi0w==,4096'), \
            ('localhost', 'broken', '', '==SCRAM==,nonsense')
            """)
        let server = try stage(database, estimate: true)
        for user in ["plain", "misio"] {
            let client = try InteropClient(user, on: server)
            try client.connect()
            try client.perform("ping", ["to": "localhost"])
            #expect(try outcome(user, user, on: server) == "success")
            #expect(try outcome(user, "wrong", on: server) == "not-authorized")
        }
        #expect(server.log.contains("user=misio@localhost"))
        #expect(try outcome("other", "other", on: server) == "not-authorized")
        #expect(try outcome("broken", "broken", on: server) == "temporary-auth-failure")
        #expect(try server.control("account.count")["count"]?.int == 4)
        try database.sql("ANALYZE users")
        #expect(try server.control("account.count")["count"]?.int == 5, "the estimate is of all domains")
    }

    @Test("killed under load and started again")
    func outage() throws {
        let database = try PostgreSQLServer()
        let server = try stage(database)
        try server.addAccounts("juliet", "romeo")
        try expectOutageIsSurvived(server, pool: "rdbms.default", fail: database.kill, mend: database.start)
    }
}

@Suite(
    "Users in a directory",
    .enabled(if: Programs.canRun(DirectoryServer.program), "slapd is missing; see packaging/dev"), .timeLimit(.minutes(5)))
struct DirectoryBackendTests {
    private func pools(_ port: UInt16, connection: String = "") -> String {
        ["default", "bind"].map { tag in
            """
            [outgoing_pools.ldap.\(tag)]
              workers = 4
              call_timeout = 2000
              [outgoing_pools.ldap.\(tag).connection]
                servers = ["127.0.0.1"]
                port = \(port)
                \(tag == "default" ? "root_dn = \"\(DirectoryServer.manager)\"\npassword = \"secret\"" : "")
                connect_interval = 200
                \(connection)

            """
        }.joined()
    }

    private func stage(_ directory: DirectoryServer, options: String = "", connection: String = "") throws -> ServerUnderTest {
        try ProcessTests.stage(
            "[auth.ldap]\n  base = \"ou=people,dc=example,dc=org\"\n  \(options)",
            pools: pools(directory.port, connection: connection))
    }

    @Test("users log in with the directory's passwords, and nobody without one")
    func logins() throws {
        let directory = try DirectoryServer(people: ["juliet", "romeo", "tybalt"])
        let server = try stage(directory)
        let client = try InteropClient("juliet", on: server)
        try client.connect()
        try client.perform("ping", ["to": "localhost"])
        #expect(try outcome("juliet", "juliet", on: server) == "success")
        #expect(try outcome("JULIET", "juliet", on: server) == "success")
        #expect(try outcome("juliet", "Juliet", on: server) == "not-authorized")
        #expect(try outcome("nobody", "nobody", on: server) == "not-authorized")
        for empty in ["juliet", "nobody"] { #expect(try outcome(empty, "", on: server) != "success") }
        for wild in ["*", "jul*", "juliet)(uid=*", "j\\2a"] { #expect(try outcome(wild, "juliet", on: server) != "success") }
        #expect(try server.xmppctl("account", "exists", "romeo@localhost").status == 0)
        #expect(try server.xmppctl("account", "exists", "nobody@localhost").status != 0)
        #expect(
            try server.xmppctl("account", "list").output.split(separator: "\n").suffix(3)
                == ["juliet@localhost", "romeo@localhost", "tybalt@localhost"])
        #expect(try server.control("account.count")["count"]?.int == 3)
        for words in [["passwd", "juliet@localhost", "--password", "x"], ["add", "new@localhost", "--password", "x"]] {
            let refused = try server.xmppctl("account", words[0], words[1], words[2], words[3])
            #expect(refused.status != 0)
            #expect(refused.error.contains("no authentication method of this domain can do that"), "\(refused.error)")
        }
        #expect(try server.xmppctl("account", "remove", "juliet@localhost").status != 0)
        #expect(try outcome("juliet", "juliet", on: server) == "success")
    }

    @Test("filters decide who is a user")
    func filters() throws {
        let inactive = DirectoryServer.person("tybalt").replacing("employeeType: active", with: "employeeType: dead")
        let outside = DirectoryServer.person("paris").replacing(
            "objectClass: inetOrgPerson", with: "objectClass: inetOrgPerson\nmail: paris@verona.example")
        let directory = try DirectoryServer(people: ["juliet", "romeo"], more: inactive + outside)
        let server = try stage(
            directory,
            options: """
                uids = [{ attr = "mail", format = "%u@verona.example" }, { attr = "uid" }]
                  filter = "(objectClass=inetOrgPerson)"
                  local_filter = { operation = "equal", attribute = "employeeType", values = ["active", "retired"] }
                  dn_filter = { filter = "(&(sn=%s)(|(uid=juliet)(uid=%u))(!(uid=romeo)))", attributes = ["sn"] }
                """)
        #expect(try outcome("juliet", "juliet", on: server) == "success")
        #expect(try outcome("paris", "paris", on: server) == "success")
        #expect(try outcome("tybalt", "tybalt", on: server) == "not-authorized")
        #expect(try outcome("romeo", "romeo", on: server) == "not-authorized")
        #expect(try server.control("account.count")["count"]?.int == 2)
    }

    @Test("over TLS, with a certificate that is verified")
    func encrypted() throws {
        let files = try ScratchDirectory()
        let certificate = try Certificate(in: files, address: "127.0.0.1")
        let stranger = try Certificate(in: files, name: "stranger", address: "127.0.0.1")
        let directory = try DirectoryServer(people: ["juliet"], certificate: certificate)
        func connection(_ authorities: String) -> String {
            "tls.verify_mode = \"peer\"\n    tls.cacertfile = \"\(authorities)\""
        }
        let server = try stage(directory, connection: connection(certificate.certificate))
        #expect(try outcome("juliet", "juliet", on: server) == "success")
        #expect(try outcome("juliet", "wrong", on: server) == "not-authorized")
        // Another authority is trusted from now on, and so the directory is not.
        try server.configure { $0.rest = pools(directory.port, connection: connection(stranger.certificate)) }
        #expect(try server.xmppctl("reload").status == 0)
        try eventually("the directory not to be trusted") {
            try (0..<4).allSatisfy { _ in try outcome("juliet", "juliet", on: server) == "temporary-auth-failure" }
        }
        try server.configure { $0.rest = pools(directory.port, connection: connection(certificate.certificate)) }
        #expect(try server.xmppctl("reload").status == 0)
        try eventually("it to be trusted again") { try outcome("juliet", "juliet", on: server) == "success" }
    }

    @Test("a certificate for another name is not taken")
    func otherName() throws {
        let files = try ScratchDirectory()
        let certificate = try Certificate(in: files, commonName: "elsewhere.example")
        let directory = try DirectoryServer(people: ["juliet"], certificate: certificate)
        let server = try stage(directory, connection: "tls.cacertfile = \"\(certificate.certificate)\"")
        #expect(try outcome("juliet", "juliet", on: server) == "temporary-auth-failure")
        withExtendedLifetime(files) {}
    }

    @Test("killed under load and started again")
    func outage() throws {
        let directory = try DirectoryServer(people: ["juliet", "romeo"])
        let server = try stage(directory)
        try expectOutageIsSurvived(server, pool: "ldap.default", fail: directory.kill, mend: directory.start)
    }

    @Test("hung under load and awake again")
    func hang() throws {
        let directory = try DirectoryServer(people: ["juliet", "romeo"])
        let server = try stage(directory)
        try expectOutageIsSurvived(server, pool: "ldap.default", fail: directory.hang, mend: directory.resume)
    }
}

@Suite(
    "Users of a web service",
    .enabled(if: Programs.canRun(Programs.installed("python3")), "python3 is missing; see packaging/dev"), .timeLimit(.minutes(5)))
struct ServiceBackendTests {
    private func stage(_ service: UserService, format: String = "scram", credentials: String = UserService.credentials)
        throws -> ServerUnderTest
    {
        try ServerUnderTest {
            $0.listeners = [.init(.required), .init()]
            $0.auth = """
                [auth.http]
                  basic_auth = "\(credentials)"
                [auth.password]
                  format = "\(format)"
                  scram_iterations = 4096
                """
            $0.rest = """
                [outgoing_pools.http.auth]
                  workers = 4
                  [outgoing_pools.http.auth.connection]
                    host = "http://127.0.0.1:\(service.port)"
                    path_prefix = "/service/v1/"
                    request_timeout = 1000
                """
        }
    }

    @Test("keys are kept there in MongooseIM's form")
    func keys() throws {
        let service = try UserService()
        let server = try stage(service)
        try server.addAccounts("juliet", "romeo")
        #expect(service.users["juliet@localhost"]?.hasPrefix("==MULTI_SCRAM==,4096,===SHA1===") == true)
        let client = try InteropClient("juliet", on: server)
        try client.connect()
        try client.perform("ping", ["to": "localhost"])
        #expect(try outcome("juliet", "juliet", on: server) == "success")
        #expect(try outcome("juliet", "wrong", on: server) == "not-authorized")
        #expect(try outcome("nobody", "nobody", on: server) == "not-authorized")
        #expect(try server.xmppctl("account", "add", "juliet@localhost", "--password", "x").error.contains("already"))
        #expect(try server.xmppctl("account", "exists", "juliet@localhost").status == 0)
        #expect(try server.xmppctl("account", "passwd", "juliet@localhost", "--password", "new & better").status == 0)
        #expect(try outcome("juliet", "new & better", on: server) == "success")
        #expect(try server.xmppctl("account", "remove", "romeo@localhost").status == 0)
        #expect(try server.xmppctl("account", "remove", "romeo@localhost").status != 0)
        #expect(!service.requests.contains { $0.contains("check_password") })
    }

    @Test("passwords are checked there where they are kept as they are")
    func passwords() throws {
        let service = try UserService()
        try service.setUsers(["juliet@localhost": "a+b c%&=ä", "romeo@localhost": "romeo"])
        let server = try stage(service, format: "plain")
        #expect(try outcome("juliet", "a+b c%&=ä", on: server) == "success")
        #expect(try outcome("juliet", "a b c%&=ä", on: server) == "not-authorized")
        #expect(service.requests.contains("GET check_password juliet@localhost"))
        let client = try InteropClient("romeo", on: server)
        try client.connect()
        #expect(service.requests.contains("GET get_password romeo@localhost"))
        try server.addAccounts("nurse")
        #expect(service.users["nurse@localhost"] == "nurse")
    }

    @Test("one that does not know this server lets nobody in")
    func strangers() throws {
        let service = try UserService()
        try service.setUsers(["romeo@localhost": "romeo"])
        let server = try stage(service, format: "plain", credentials: "xmppd:wrong")
        #expect(try outcome("romeo", "romeo", on: server) == "not-authorized")
    }

    @Test("killed under load and started again")
    func outage() throws {
        let service = try UserService()
        let server = try stage(service)
        try server.addAccounts("juliet", "romeo")
        try expectOutageIsSurvived(server, pool: "http.auth", fail: service.kill, mend: service.start)
    }

    @Test("hung under load and awake again")
    func hang() throws {
        let service = try UserService()
        let server = try stage(service)
        try server.addAccounts("juliet", "romeo")
        try expectOutageIsSurvived(server, pool: "http.auth", fail: service.hang, mend: service.resume)
    }

    @Test("a reload changes the pool and keeps the sessions")
    func reload() throws {
        let (old, new) = (try UserService(), try UserService())
        try old.setUsers(["romeo@localhost": "old"])
        try new.setUsers(["romeo@localhost": "new"])
        let server = try stage(old, format: "plain")
        let client = try server.connect(listener: 1)
        try client.logIn("romeo", password: "old")
        try server.configure { $0.rest = $0.rest.replacing(":\(old.port)", with: ":\(new.port)") }
        #expect(try server.xmppctl("reload").status == 0)
        try eventually("the new service to be asked") { try outcome("romeo", "new", on: server) == "success" }
        try eventually("the old one not to be") {
            try (0..<6).allSatisfy { _ in try outcome("romeo", "old", on: server) == "not-authorized" }
        }
        _ = try settle([client])
    }
}
