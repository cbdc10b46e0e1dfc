/// `[outgoing_pools]`: connections to other services.
enum PoolOptions {
    static let rows: [OptionRow] =
        [OptionRow("outgoing_pools", .section, .unset, "Connections to other services.", effect: ReloadEffect.pools)]
        + pool("http", "Connections to a web service.", http)
        + pool("ldap", "Connections to a directory.", ldap)
        + pool("rdbms", "Connections to a relational database.", rdbms, timeoutMilliseconds: 60000)
        + pool("redis", "Redis.", redis, state: .notYet)
        + pool("rabbit", "RabbitMQ.", rabbit, state: .notYet)
        + pool("cassandra", "Cassandra.", cassandra, workers: 20, state: .notYet)
        + pool("elastic", "Elasticsearch.", elastic, state: .notYet)
        + [
            OptionRow(
                "outgoing_pools.riak", .free, .unset, "Riak.", editions: .release5,
                state: .refused("support for Riak was removed"))
        ]

    private static func pool(
        _ type: String, _ sentence: String, _ connection: [OptionRow], workers: Int64 = 10, timeoutMilliseconds: Int64 = 5000,
        state: OptionState? = nil
    ) -> [OptionRow] {
        let table = "outgoing_pools.\(type)"
        return [
            OptionRow(table, .section, .unset, sentence, state: state, effect: ReloadEffect.pools),
            OptionRow(
                "\(table).*", .section, .unset, "A pool, by the name its users know it by.", state: state,
                effect: ReloadEffect.pools),
        ]
            + OptionRow.under(
                "\(table).*", state: state, effect: ReloadEffect.pools,
                [
                    OptionRow(
                        "scope", .choices("global", "host", "host_type", "single_host"), .text("global"),
                        "Which hosts share the pool; host_type is the same as host."),
                    OptionRow("host", .text(.domain), .unset, "The host of a pool for a single one."),
                    OptionRow(
                        "workers", .positive(), .integer(workers),
                        "How many connections there are at most. They are divided among the worker processes, one for each at least."
                    ),
                    OptionRow(
                        "strategy",
                        .choices(
                            "best_worker", "random_worker", "next_worker", "available_worker", "next_available_worker"),
                        .text("best_worker"),
                        "Which connection is taken. All five mean the same here: one that is free, or else the first to become so.",
                        state: state ?? .accepted("a connection that is free is taken")),
                    OptionRow(
                        "call_timeout", .positive(.milliseconds), .integer(timeoutMilliseconds),
                        "How long an answer may take, with the wait for a free connection."),
                    OptionRow(
                        "max_worker_queue_len", .natural(), .unset, "How many requests may wait for a connection.",
                        editions: .later,
                        state: .notYet),
                    OptionRow("connection", .section, .present, "Where and how to connect."),
                ] + OptionRow.under("connection", connection + tls))
    }

    private static let tls: [OptionRow] = [
        OptionRow("tls", .section, .unset, "TLS; without the table there is none."),
        OptionRow(
            "tls.required", .boolean, .boolean(false),
            "Refuse a database without TLS also where verify_mode is \"none\"; where its certificate is verified it always is."),
        OptionRow(
            "tls.verify_mode", .choices("peer", "selfsigned_peer", "none"), .text("peer"),
            "Whether the service's certificate is verified."),
        OptionRow(
            "tls.verify_peer", .boolean, .unset, "true is verify_mode \"peer\", false is \"none\".",
            editions: .release5, alias: .verifyPeer),
        OptionRow("tls.certfile", .file(.certificates), .unset, "The certificate presented."),
        OptionRow(
            "tls.cacertfile", .file(.certificates), .unset, "The authorities that are trusted; without it those of the system."),
        OptionRow(
            "tls.dhfile", .file(.dhParameters), .unset, "A Diffie-Hellman group.", editions: .release5,
            state: .accepted("the service chooses the group")),
        OptionRow("tls.keyfile", .file(.privateKey), .unset, "The private key."),
        OptionRow("tls.password", .secret, .unset, "What opens an encrypted keyfile."),
        OptionRow("tls.ciphers", .name, .unset, "The cipher suites, as an OpenSSL cipher list."),
        OptionRow(
            "tls.versions", .names(["tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]), .unset,
            "The TLS versions that are spoken."),
        OptionRow(
            "tls.server_name_indication", .free, .unset,
            "Ask for the service by name, which must be in its certificate: true, false, or a table of enabled, host and protocol."),
    ]

    private static let http: [OptionRow] = [
        OptionRow("host", .name, .required, "The service: http or https, a name, and a port."),
        OptionRow("path_prefix", .name, .text("/"), "What every path begins with."),
        OptionRow("request_timeout", .positive(.milliseconds), .integer(2000), "How long an answer may take."),
    ]

    private static let ldap: [OptionRow] = [
        OptionRow("servers", .list(.name, atLeastOne: true), .list(["localhost"]), "The directory's servers."),
        OptionRow("port", .integer(1...65535, .none), .computed("389, with TLS 636"), "Their port."),
        OptionRow("root_dn", .string, .text(""), "The name to bind with."),
        OptionRow("rootdn", .string, .unset, "The same as root_dn.", editions: .release5, alias: .of("root_dn")),
        OptionRow("password", .either([.secret, .string]), .unset, "The password to bind with."),
        OptionRow("encrypt", .choices("none", "tls"), .text("none"), "Whether TLS is used.", editions: .release5),
        OptionRow(
            "connect_interval", .positive(.milliseconds), .integer(10000), "The pause before a server is tried again."),
    ]

    private static let rdbms: [OptionRow] = [
        OptionRow(
            "driver", .choices("pgsql", "mysql", "odbc", "cockroachdb"), .required,
            "The kind of database: pgsql; for the others there is no driver."),
        OptionRow("host", .name, .unset, "The database server."),
        OptionRow(
            "port", .integer(1...65535, .none), .computed("5432 for pgsql, 3306 for mysql, 26257 for cockroachdb"), "Its port."),
        OptionRow("database", .name, .unset, "The database."),
        OptionRow("username", .name, .unset, "The user name to connect with."),
        OptionRow("password", .secret, .unset, "The password to connect with."),
        OptionRow("settings", .secret, .unset, "The connection string for odbc."),
        OptionRow(
            "keepalive_interval", .positive(.seconds), .unset, "How often an idle connection is asked something."),
        OptionRow(
            "query_timeout", .positive(.milliseconds), .integer(5000), "How long a query may take.",
            editions: .release62),
        OptionRow("call_timeout", .positive(.milliseconds), .unset, "How long a call may take.", editions: .release5),
        OptionRow(
            "max_start_interval", .positive(.seconds), .integer(30), "The longest pause between tries to connect.",
            editions: .release62),
    ]

    private static let redis: [OptionRow] = [
        OptionRow("host", .name, .text("127.0.0.1"), "The server."),
        OptionRow("port", .integer(1...65534, .none), .integer(6379), "Its port."),
        OptionRow("database", .natural(), .integer(0), "The database's number."),
        OptionRow("username", .name, .unset, "The user name to connect with.", editions: .later),
        OptionRow("password", .either([.secret, .string]), .unset, "The password to connect with."),
    ]

    private static let rabbit: [OptionRow] = [
        OptionRow("host", .name, .text("localhost"), "The server.", editions: .release62),
        OptionRow("port", .integer(1...65535, .none), .integer(5672), "Its port.", editions: .release62),
        OptionRow("username", .name, .text("guest"), "The user name to connect with.", editions: .release62),
        OptionRow("password", .secret, .unset, "The password to connect with.", editions: .release62),
        OptionRow("amqp_host", .name, .unset, "The same as host.", editions: .release5, alias: .of("host")),
        OptionRow(
            "amqp_port", .integer(1...65535, .none), .unset, "The same as port.", editions: .release5,
            alias: .of("port")),
        OptionRow(
            "amqp_username", .name, .unset, "The same as username.", editions: .release5, alias: .of("username")),
        OptionRow(
            "amqp_password", .secret, .unset, "The same as password.", editions: .release5, alias: .of("password")),
        OptionRow("virtual_host", .name, .text("/"), "The part of the server that is used.", editions: .later),
        OptionRow("reconnect", .section, .unset, "Connecting again.", editions: .later),
        OptionRow("reconnect.attempts", .natural(), .integer(0), "How often it is tried.", editions: .later),
        OptionRow("reconnect.delay", .natural(.milliseconds), .integer(2000), "The pause before.", editions: .later),
        OptionRow("confirms_enabled", .boolean, .boolean(false), "Wait for confirmations."),
        OptionRow("max_worker_queue_len", .naturalOrInfinity(), .integer(1000), "How many messages may wait."),
    ]

    private static let cassandra: [OptionRow] = [
        OptionRow("servers", .sections, .computed("localhost, 9042"), "The cluster's servers."),
        OptionRow("servers[].host", .name, .unset, "The server.", editions: .release62),
        OptionRow("servers[].ip_address", .name, .unset, "The same as host.", editions: .release5, alias: .of("host")),
        OptionRow("servers[].port", .integer(1...65535, .none), .integer(9042), "Its port."),
        OptionRow("keyspace", .name, .text("mongooseim"), "The keyspace."),
        OptionRow("auth", .section, .unset, "How to log in."),
        OptionRow("auth.plain", .section, .unset, "With a password."),
        OptionRow("auth.plain.username", .name, .required, "The user name."),
        OptionRow("auth.plain.password", .secret, .required, "The password."),
    ]

    private static let elastic: [OptionRow] = [
        OptionRow("host", .name, .text("localhost"), "The server."),
        OptionRow("port", .integer(1...65535, .none), .integer(9200), "Its port."),
    ]
}
