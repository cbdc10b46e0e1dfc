import Configuration
import Testing

/// Files as operators of the releases after 6.3 write them.
@Suite("Files of later releases of MongooseIM", .timeLimit(.minutes(1)))
struct LaterReleaseTests {
    @Test(
        "a key that only one module of TLS has chooses it, with a word",
        arguments: [
            ("keyfile = \"key.pem\"", "keyfile"), ("versions = [\"tlsv1.3\"]", "versions"),
            ("disconnect_on_failure = false", "disconnect_on_failure"), ("crl_files = [\"crl.pem\"]", "crl_files"),
            ("password = \"sesame\"", "password"), ("cacertfile = \"ca.pem\"\nverify_mode = \"selfsigned_peer\"", "verify_mode"),
        ])
    func impliedModule(_ line: String, _ key: String) throws {
        let (configuration, notes) = try loaded(
            least + "[[listen.c2s]]\nport = 5222\n[listen.c2s.tls]\ncertfile = \"both.pem\"\n\(line)\n")
        guard case .client(let client) = try #require(configuration.listeners.first) else { return }
        #expect(client.tls?.module == .justTLS)
        #expect(client.tls?.ciphers == nil && client.tls?.protocolOptions == [])
        let note = try #require(notes.first { $0.path == "listen.c2s[1].tls.\(key)" })
        #expect(note.kind == .accepted && note.text == "module \"just_tls\" holds, since \(key) belongs to it")
    }

    @Test("without such a key it is what it was")
    func usualModule() throws {
        for line in ["", "protocol_options = [\"no_ticket\"]"] {
            let (configuration, notes) = try loaded(
                least + "[[listen.c2s]]\nport = 5222\n[listen.c2s.tls]\ncertfile = \"both.pem\"\n\(line)\n")
            guard case .client(let client) = try #require(configuration.listeners.first) else { return }
            #expect(client.tls?.module == .fastTLS && !notes.contains { $0.path.contains("tls") })
        }
    }

    @Test("the domain that speaks first is the first of hosts, unless the file says so")
    func defaultDomain() throws {
        #expect(
            try loaded("[general]\nhosts = [\"a.example\", \"b.example\"]").configuration.general.defaultServerDomain == "a.example"
        )
        let text = "[general]\nhosts = [\"a.example\", \"b.example\"]\ndefault_server_domain = \"b.example\""
        #expect(try loaded(text).configuration.general.defaultServerDomain == "b.example")
    }

    @Test("a shaper that is named itself, not by a rule, limits")
    func shaperByName() throws {
        let text = least + "[[listen.c2s]]\nport = 5222\nshaper = \"normal\"\n[shaper.normal]\nmax_rate = 1000\n"
        let (configuration, notes) = try loaded(text)
        #expect(!notes.contains { $0.path.hasPrefix("listen") }, "\(notes.map(\.description))")
        let subject = AccessSubject(local: "juliet", domain: "localhost")
        #expect(configuration.shaper(rule: "normal", for: subject, on: "localhost")?.maxRate == 1000)
        // A rule of that name goes first.
        let ruled = try loaded(text + "[access]\nnormal = [{ acl = \"all\", value = \"fast\" }]\n[shaper.fast]\nmax_rate = 5\n")
        #expect(ruled.configuration.shaper(rule: "normal", for: subject, on: "localhost")?.maxRate == 5)
    }

    private static let parts = [
        "[[listen.http]]\nport = 5280\n[[listen.http.handlers.mongoose_bosh_handler]]\nhost = \"_\"\npath = \"/http-bind\"",
        """
        [[listen.http]]
        port = 5280
        [[listen.http.handlers.mongoose_websocket_handler]]
        host = "_"
        path = "/ws-xmpp"
        timeout = 60_000
        ping_rate = 120_000
        max_stanza_size = 100
        state_timeout = 10_000
        backwards_compatible_session = false
        """,
        """
        [[listen.http]]
        port = 5561
        [[listen.http.handlers.mongoose_graphql_handler]]
        host = "_"
        path = "/api/graphql"
        schema_endpoint = "user"
        sse_idle_timeout = 5000
        """,
        """
        [[listen.c2s]]
        port = 5222
        state_timeout = 10_000
        tls.certfile = "cert.pem"
        tls.keyfile = "key.pem"
        tls.dhfile = "dh.pem"
        tls.early_data = true
        tls.keep_secrets = false
        tls.session_tickets = "stateless"
        """,
        """
        [[listen.s2s]]
        port = 5269
        shaper = "fast"
        max_connections = 1000
        reuse_port = true
        state_timeout = 1000
        max_stanza_size = 131072
        tls.mode = "starttls_required"
        tls.certfile = "cert.pem"
        tls.keyfile = "key.pem"
        tls.versions = ["tlsv1.3"]
        [shaper.fast]
        max_rate = 50000
        """,
        """
        [[listen.component]]
        port = 8888
        access = "all"
        shaper = "fast"
        ip_address = "127.0.0.1"
        password = "secret"
        tls.mode = "tls"
        tls.certfile = "cert.pem"
        tls.keyfile = "key.pem"
        """,
        """
        [s2s]
        default_policy = "allow"
        [s2s.outgoing]
        port = 5269
        shaper = "fast"
        stream_timeout = 60_000
        max_retry_delay = 30
        address = [{ host = "a.example", ip_address = "192.0.2.7", port = 5270 }]
        dns.timeout = 30
        dns.retries = 1
        tls.mode = "starttls"
        tls.certfile = "cert.pem"
        tls.keyfile = "key.pem"
        tls.verify_mode = "none"
        """,
        "[services.service_bosh]\ninactivity = 20\nmax_wait = \"infinity\"\nserver_acks = true\nmax_pause = 100\nhost_types = [\"localhost\"]",
        "[outgoing_pools.rabbit.event_pusher]\nmax_worker_queue_len = 10\nconnection.virtual_host = \"/x\"\nconnection.reconnect.attempts = 3",
        "[outgoing_pools.redis.default.connection]\nusername = \"u\"\npassword = \"p\"",
        """
        [modules.mod_fast_auth_token.validity_period]
        access = { value = 60, unit = "minutes" }
        rotate_before_expire = { value = 30, unit = "minutes" }
        """,
        "[modules.mod_caps]\nbackend = \"cets\"\niq_response_timeout = 10_000\nversions = [\"v2\"]",
        "[modules.mod_pubsub]\nmax_items_per_node = 10\ndefault_node_config.access_model = \"open\"\n[modules.mod_pubsub_old]\nhost = \"pubsub.@HOST@\"",
        "[modules.mod_blocklist]\nbackend = \"rdbms\"\n[modules.mod_broadcast]\nlease_time = 60\n[modules.mod_stanzaid]",
        "[auth]\nsasl_external = [\"common_name\"]\nsasl_external_common_name.prefix = \"a\"\n[auth.internal]",
        """
        [outgoing_pools.rdbms.default]
        scope = "host_type"
        connection = { driver = "cockroachdb", host = "db.example", port = 26257, database = "d", username = "u", password = "p" }
        """,
        """
        [[host_config]]
        host = "localhost"
        [host_config.outgoing_pools.redis.global_distrib]
        workers = 10
        [host_config.outgoing_pools.rdbms.special]
        workers = 5
        connection = { driver = "pgsql", host = "db.example", database = "d", username = "u", password = "p" }
        """,
        "[modules.mod_event_pusher.rabbit.presence_exchange]\nname = \"presence\"\ntype = \"topic\"\ndurable = true",
    ]

    @Test("every part of the newest releases' own file loads", arguments: Self.parts)
    func loads(_ part: String) throws {
        let found = problems(least + part)
        #expect(found.isEmpty, "\(part)\n\(found.map(\.description).joined(separator: "\n"))")
    }
}
