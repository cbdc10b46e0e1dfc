import Configuration
import Testing

/// Files as the documentation of three releases of MongooseIM shows them.
@Suite(.timeLimit(.minutes(5)))
struct EditionTests {
    private static let clients5 = """
        [[listen.c2s]]
          port = 5222
          zlib = 10000
          access = "c2s"
          shaper = "c2s_shaper"
          max_stanza_size = 65536
          tls.certfile = "both.pem"
          tls.dhfile = "dh.pem"

        [[listen.c2s]]
          port = 5223
          zlib = 4096
          access = "c2s"
          shaper = "c2s_shaper"
          max_stanza_size = 65536
        """

    private static let web5 = """
        [[listen.s2s]]
          port = 5269
          shaper = "s2s_shaper"
          max_stanza_size = 131072
          tls.dhfile = "dh.pem"

        [[listen.service]]
          port = 8888
          access = "all"
          shaper_rule = "fast"
          ip_address = "127.0.0.1"
          password = "secret"

        [[listen.http]]
          port = 5280
          transport.num_acceptors = 10
          transport.max_connections = 1024

          [[listen.http.handlers.mod_bosh]]
            host = "_"
            path = "/http-bind"

          [[listen.http.handlers.mod_websockets]]
            host = "_"
            path = "/ws-xmpp"

            [listen.http.handlers.mod_websockets.service]
              access = "all"
              shaper_rule = "fast"
              password = "secret"

        [[listen.http]]
          port = 5285
          tls.certfile = "cert.pem"
          tls.keyfile = "key.pem"
          tls.password = "secret"
          protocol.compress = "true"

          [[listen.http.handlers.lasse_handler]]
            host = "_"
            path = "/api/sse"
            module = "mongoose_client_api_sse"

          [[listen.http.handlers.mongoose_client_api_messages]]
            host = "_"
            path = "/api/messages/[:with]"

          [[listen.http.handlers.cowboy_static]]
            host = "_"
            path = "/api-docs/[...]"
            type = "priv_dir"
            app = "cowboy_swagger"
            content_path = "swagger"

        [[listen.http]]
          port = 8088
          ip_address = "127.0.0.1"

          [[listen.http.handlers.mongoose_api_admin]]
            host = "localhost"
            path = "/api"
            username = "ala"
            password = "makotaipsa"
        """

    private static let web62 = """
        [[listen.c2s]]
          port = 5222
          access = "c2s"
          shaper = "c2s_shaper"
          max_stanza_size = 65536
          tls.certfile = "both.pem"
          tls.dhfile = "dh.pem"

        [[listen.http]]
          ip_address = "127.0.0.1"
          port = 5551

          [[listen.http.handlers.mongoose_graphql_handler]]
            host = "localhost"
            path = "/api/graphql"
            schema_endpoint = "admin"
            username = "admin"
            password = "secret"
            allowed_categories = ["checkAuth", "account", "http_upload"]

          [[listen.http.handlers.mongoose_admin_api]]
            host = "localhost"
            path = "/api"
            handlers = ["muc", "muc_light"]

          [[listen.http.handlers.mongoose_client_api]]
            host = "_"
            path = "/api"
            handlers = ["messages", "rooms"]
            docs = "false"

        [[listen.component]]
          port = 8889
          password = "secret"
        """

    private static let rest = """
        [auth]
          methods = ["rdbms", "internal"]
          password.format = "scram"
          [auth.internal]
          [auth.rdbms]
          [auth.external]
            program = "/usr/bin/auth"
          [auth.anonymous]
          [auth.ldap]
            base = "ou=Users,dc=esl,dc=com"
            filter = "(&(objectClass=shadowAccount)(memberOf=Jabber Users))"
          [auth.jwt]
            secret.value = "secretkey123"
            algorithm = "HS256"
            username_key = "user"
          [auth.http]
            basic_auth = "mongooseim:DzviNQw3qyGJDrJDu+ClyA"
          [auth.pki]
          [auth.dummy]

        [outgoing_pools.http.auth]
          connection.host = "https://auth-service:8000"
        [outgoing_pools.ldap]
          default.connection.rootdn = "cn=admin,dc=esl,dc=com"
          default.connection.password = "secret"
          bind.connection.servers = ["ldap-server.example.com"]
        [outgoing_pools.rdbms.default]
          scope = "global"
          workers = 5
          [outgoing_pools.rdbms.default.connection]
            driver = "pgsql"
            host = "localhost"
            database = "mongooseim"
            username = "mongooseim"
            password = "mongooseim_secret"
            tls.required = true
            tls.cacertfile = "ca.pem"
            tls.server_name_indication.enabled = false

        [services.service_mongoose_system_metrics]
          report = false
          tracking_id = { id = "G-12345678", secret = "Secret" }
        [services.service_domain_db]
          db_pool = "global"

        [modules.mod_mam]
          backend = "rdbms"
          pm = {}
          muc.host = "muc.@HOST@"
          async_writer.flush_interval = 2000
        [modules.mod_muc]
          host = "muc.@HOST@"
          access_create = "muc_create"
          default_room.password_protected = true
        [modules.mod_auth_token]
          validity_period.access = { value = 13, unit = "minutes" }
        [modules.mod_vcard]
          host = "vjud.@HOST@"
        [modules.mod_adhoc]
          iqdisc.type = "one_queue"
        [modules.mod_event_pusher]
          push.wpool.workers = 200
          http.handlers = [{ pool_name = "http_pool", path = "/notifications" }]

        [shaper.normal]
          max_rate = 1000
        [shaper.fast]
          max_rate = 50_000

        [acl]
          local = [{}]
        [access]
          max_user_sessions = [{ acl = "all", value = 10 }]
          c2s = [{ acl = "all", value = "allow" }]
          c2s_shaper = [{ acl = "admin", value = "none" }, { acl = "all", value = "normal" }]

        [s2s]
          default_policy = "allow"
          use_starttls = "optional"
          certfile = "both.pem"
          outgoing.port = 5299
          address = [{ host = "fed1", ip_address = "127.0.0.1" }]

        [instrumentation]
          probe_interval = 5
          [instrumentation.prometheus]
          [[instrumentation.exometer.report.graphite]]
            host = "127.0.0.1"
        """

    @Test func release5() throws {
        let (configuration, notes) = try loaded(least + Self.clients5 + "\n" + Self.web5)
        let places = ["listen.c2s[1]", "listen.c2s[2]", "listen.s2s[1]", "listen.service[1]"]
        #expect(configuration.listeners.map(\.stream.place) == places)
        #expect(!notes.contains { $0.path == "listen.c2s[2].zlib" })
        #expect(notes.contains { $0.path == "listen.http[2].protocol.compress" && $0.kind == .warning })
    }

    @Test func release62() throws {
        #expect(try loaded(least + Self.web62).configuration.listeners.count == 2)
    }

    @Test func otherSections() throws {
        let (configuration, notes) = try loaded(least + Self.rest)
        #expect(configuration.host("localhost").authentication.methods == [.rdbms, .internal])
        #expect(configuration.shapers["fast"]?.maxRate == 50000)
        let silent = Set(notes.map(\.path))
        #expect(silent.isSuperset(of: ["modules.mod_mam.muc", "modules.mod_muc", "instrumentation"]))
        #expect(!silent.contains("modules.mod_muc.host"), "what is inside a module that is not in effect is not said again")
    }

    @Test func filesOfEveryKindAreReadOnce() throws {
        let files = DiskFiles()
        #expect(throws: FileFailure.self) { try files.read("/nonexistent") }
        #expect(throws: FileFailure("not a regular file")) { try files.read("/") }
        _ = try files.read(#filePath)
        _ = try files.read(#filePath)
        #expect(files.files.map(\.path) == [#filePath])
        #expect(try BundledFiles(files.files).read(#filePath).count > 100)
    }
}
