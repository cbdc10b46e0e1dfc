import Configuration
import Testing

@Suite("Pools of connections to other services", .timeLimit(.minutes(5)))
struct PoolTests {
    private static let database = """
        [outgoing_pools.rdbms.default]
          workers = 7
          [outgoing_pools.rdbms.default.connection]
            driver = "pgsql"
            host = "db.example.org"
            database = "mongooseim"
            username = "mongooseim"
            password = "mongooseim_secret"
        """
    private static let directories = """
        [outgoing_pools.ldap.default]
          call_timeout = 3000
          [outgoing_pools.ldap.default.connection]
            servers = ["one", "two"]
            rootdn = "cn=admin"
            password = "secret"
            encrypt = "tls"
        [outgoing_pools.ldap.bind.connection]
        """

    private func pool(_ text: String, _ kind: OutgoingPoolConfiguration.Kind, _ tag: String = "default") throws
        -> OutgoingPoolConfiguration
    {
        let pools = try loaded(least + text).configuration.outgoingPools
        return try #require(pools.first { $0.kind == kind && $0.tag == tag })
    }

    @Test func databaseWithDefaults() throws {
        let pool = try pool(Self.database, .rdbms)
        #expect(pool.workers == 7)
        #expect(pool.callTimeout == .seconds(60))
        #expect(pool.scope == .global)
        guard case .rdbms(let options) = pool.connection else { throw Refused(problems: []) }
        #expect(options.port == 5432)
        #expect(options.queryTimeout == .seconds(5))
        #expect(options.maxStartInterval == .seconds(30))
        #expect(options.keepaliveInterval == nil)
        #expect(options.tls == nil)
        #expect("\(options)".contains("mongooseim_secret") == false)
    }

    @Test func directoriesOfRelease5() throws {
        guard case .ldap(let search) = try pool(Self.directories, .ldap).connection,
            case .ldap(let bind) = try pool(Self.directories, .ldap, "bind").connection
        else { throw Refused(problems: []) }
        #expect(search.servers == ["one", "two"])
        #expect(search.rootDN == "cn=admin")
        #expect(search.port == 636)
        #expect(search.tls?.verifiesPeer == true)
        #expect(search.connectInterval == .seconds(10))
        #expect(bind.port == 389)
        #expect(bind.tls == nil)
        #expect(bind.servers == ["localhost"])
    }

    @Test(
        "addresses of web services",
        arguments: [
            ("http://localhost", "http://localhost"), ("https://auth-service:8000", "https://auth-service:8000"),
            ("http://[::1]:80/", "http://[::1]:80"),
        ])
    func web(_ host: String, _ base: String) throws {
        let text = "[outgoing_pools.http.auth]\n connection.host = \"\(host)\"\n connection.path_prefix = \"api/auth\""
        guard case .http(let options) = try pool(text, .http, "auth").connection else { throw Refused(problems: []) }
        #expect(options.base == base)
        #expect(options.pathPrefix == "/api/auth/")
        #expect(options.requestTimeout == .seconds(2))
    }

    @Test(
        "what is no address of a web service",
        arguments: [
            "localhost", "ftp://localhost", "http://", "http://a/b", "http://a:0", "http://a:99999", "http://a b",
            "http://user@host",
        ])
    func noWeb(_ host: String) {
        expectProblem("[outgoing_pools.http.auth]\n connection.host = \"\(host)\"", "outgoing_pools.http.auth.connection.host")
    }

    @Test(
        "a pool of another database loads with a warning, and is refused where users would be asked of it",
        arguments: ["mysql", "odbc"])
    func drivers(_ driver: String) throws {
        let text = "[outgoing_pools.rdbms.default.connection]\n driver = \"\(driver)\"\n settings = \"DSN=x\""
        expectProblem("[auth.rdbms]\n" + text, "auth.rdbms", "PostgreSQL is the only database")
        let notes = try loaded(least + text).notes
        #expect(notes.contains { $0.path == "outgoing_pools.rdbms.default.connection.driver" && $0.kind == .warning })
    }

    @Test("a database needs its name, host and account", arguments: ["host", "database", "username", "password"])
    func missingKeys(_ key: String) {
        let text = Self.database.split(separator: "\n").filter { !$0.contains("\(key) = ") }.joined(separator: "\n")
        expectProblem(text, "outgoing_pools.rdbms.default.connection.\(key)")
    }

    @Test("a method needs its pools")
    func methodsNeedPools() {
        expectProblem("[auth.rdbms]", "auth.rdbms", "add [outgoing_pools.rdbms.default]")
        expectProblem("[auth.http]", "auth.http", "add [outgoing_pools.http.auth]")
        expectProblem("[auth.ldap]\n base = \"x\"", "auth.ldap.pool_tag", "add [outgoing_pools.ldap.default]")
        expectProblem(
            "[auth.ldap]\n base = \"x\"\n bind_pool_tag = \"b\"", "auth.ldap.bind_pool_tag", "add [outgoing_pools.ldap.b]")
        let alone = Self.database.replacing("workers = 7", with: "scope = \"single_host\"\n host = \"other.example\"")
        expectProblem("[auth.rdbms]\n" + alone, "auth.rdbms", "is for other.example alone")
        #expect(throws: Never.self) { try loaded(least + "[auth.rdbms]\n" + Self.database) }
        #expect(throws: Never.self) { try loaded(least + "[auth.ldap]\n base = \"x\"\n" + Self.directories) }
    }

    @Test("one pool cannot search and check passwords")
    func onePool() {
        let text = "[auth.ldap]\n base = \"x\"\n bind_pool_tag = \"default\"\n" + Self.directories
        expectProblem(text, "auth.ldap.bind_pool_tag", "changes who its connection is")
    }

    @Test(
        "filters in the form of RFC 4515",
        arguments: [
            ("(objectClass=person)", true), ("(&(objectClass=shadowAccount)(memberOf=Jabber Users))", true), ("(&)", true),
            ("(!(a=b))", true), ("(|(a=b)(!(c>=d)))", true), ("(cn:dn:2.4.6:=x)", true), ("(a=\\28x\\29)", true), ("(a=)", true),
            ("objectClass=person", false), ("(a=b", false), ("(a=b))", false), ("(&(a=b)", false), ("(a)", false), ("(=b)", false),
            ("(&(a=b)x)", false), ("", false), ("(!(a=b)(c=d))", false),
        ])
    func filters(_ filter: String, _ isGood: Bool) {
        let text = "[auth.ldap]\n base = \"x\"\n filter = '\(filter)'\n" + Self.directories
        if isGood {
            #expect(throws: Never.self) { try loaded(least + text) }
        } else {
            expectProblem(text, "auth.ldap.filter")
        }
    }

    @Test("a format has one place for the user name", arguments: ["%u@%u", "user", "%d"])
    func formats(_ format: String) {
        let text = "[auth.ldap]\n base = \"x\"\n uids = [{ attr = \"uid\", format = \"\(format)\" }]\n" + Self.directories
        expectProblem(text, "auth.ldap.uids[1].format")
    }

    @Test(
        "server_name_indication is a boolean or a table",
        arguments: [
            ("false", true), ("{ enabled = true, host = \"x\", protocol = \"https\" }", true), ("{ enabled = 1 }", false),
            ("{ enabeld = true }", false), ("3", false), ("{ protocol = \"smtp\" }", false),
        ])
    func serverName(_ value: String, _ isGood: Bool) throws {
        let text = Self.database + "\n    tls.server_name_indication = \(value)"
        guard isGood else {
            if case .loaded = load(least + text) { Issue.record("\(value) was taken") }
            return
        }
        guard case .rdbms(let options) = try pool(text, .rdbms).connection else { throw Refused(problems: []) }
        #expect(options.tls?.namesServer == (value != "false"))
    }

    @Test("pools that nobody can use yet are noted once each")
    func notes() throws {
        let text = """
            [outgoing_pools.cassandra.default]
              workers = 5
            [outgoing_pools.elastic.default]
            [outgoing_pools.rabbit.event_pusher]
            [outgoing_pools.redis.default]
            """
        let notes = try loaded(least + text).notes.filter { $0.path.hasPrefix("outgoing_pools") }
        #expect(notes.map(\.path) == ["cassandra", "elastic", "rabbit", "redis"].map { "outgoing_pools.\($0)" })
        #expect(notes.allSatisfy { $0.kind == .notYet })
        #expect(try loaded(least + Self.database).notes.filter { $0.path.hasPrefix("outgoing_pools") }.isEmpty)
    }

    private func expectProblem(
        _ text: String, _ path: String, _ words: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard case .refused(let problems) = load(least + text) else {
            Issue.record("it was taken", sourceLocation: sourceLocation)
            return
        }
        #expect(
            problems.contains { $0.path == path && $0.description.contains(words) }, "\(problems.map(\.description))",
            sourceLocation: sourceLocation)
    }
}
