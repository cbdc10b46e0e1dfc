/// `[[listen.http]]`: listeners for HTTP, with the handlers behind their paths.
enum HTTPListenerOptions {
    static let rows: [OptionRow] =
        OptionRow.under("listen.http[]", state: .notYet, ListenerOptions.address + listener)
        + OptionRow.under("listen.http[].handlers", state: .notYet, handlers)

    private static let listener: [OptionRow] = [
        OptionRow("transport", .section, .present, "How connections are accepted."),
        OptionRow(
            "transport.num_acceptors", .positive(), .integer(100),
            "How many connections may be in the act of being accepted."),
        OptionRow(
            "transport.max_connections", .naturalOrInfinity(), .integer(1024),
            "How many connections are served at once; further ones wait."),
        OptionRow("protocol", .section, .present, "How HTTP is spoken."),
        OptionRow(
            "protocol.compress", .booleanOrSpelling, .boolean(false),
            "Compress answers for clients that accept it."),
        OptionRow("tls", .section, .unset, "HTTPS; without the table it is HTTP."),
        OptionRow(
            "tls.verify_mode", .choices("peer", "selfsigned_peer", "none"),
            .computed("\"peer\" with a cacertfile, else \"none\""), "Whether a client is asked for a certificate."),
        OptionRow(
            "tls.verify_peer", .boolean, .unset, "true is verify_mode \"peer\", false is \"none\".",
            editions: .release5, alias: .verifyPeer),
        OptionRow("tls.certfile", .file(.certificates), .required, "The certificate chain presented."),
        OptionRow(
            "tls.cacertfile", .file(.certificates), .unset, "The authorities whose certificates count as good."),
        OptionRow("tls.dhfile", .file(.dhParameters), .unset, "The Diffie-Hellman group for TLS 1.2."),
        OptionRow("tls.ciphers", .name, .unset, "The cipher suites, as an OpenSSL cipher list."),
        OptionRow(
            "tls.versions", .names(["tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]), .unset,
            "The TLS versions that are spoken."),
        OptionRow("tls.keyfile", .file(.privateKey), .unset, "The private key, if it is not in certfile."),
        OptionRow("tls.password", .password, .unset, "What opens an encrypted keyfile."),
        OptionRow("handlers", .section, .present, "What answers below which path; nothing else does."),
    ]

    private static let place: [OptionRow] = [
        OptionRow("host", .name, .required, "The host name asked for; _ is any."),
        OptionRow("path", .text(.route), .required, "The path, in which :name is one part and [...] any rest."),
    ]

    private static let credentials: [OptionRow] = [
        OptionRow("username", .string, .unset, "The user name that must be given."),
        OptionRow("password", .secret, .unset, "The password that must be given."),
    ]

    private static func handler(
        _ name: String, _ sentence: String, _ editions: Editions, _ keys: [OptionRow] = []
    ) -> [OptionRow] {
        [OptionRow(name, .sections, .unset, sentence, editions: editions)]
            + OptionRow.under("\(name)[]", place + keys)
    }

    private static let handlers: [OptionRow] =
        handler("mod_bosh", "BOSH (XEP-0124, XEP-0206).", .both)
        + handler("mod_websockets", "XMPP over WebSocket (RFC 7395).", .both, webSocket)
        + handler("mongoose_bosh_handler", "The same as mod_bosh.", .release63)
        + handler("mongoose_websocket_handler", "The same as mod_websockets.", .release63, webSocket)
        + handler("mongoose_graphql_handler", "GraphQL.", .release62, graphQL)
        + handler("mongoose_admin_api", "REST for administrators.", .release62, administrators)
        + handler("mongoose_client_api", "REST for users.", .release62, users)
        + handler("mongoose_api_admin", "REST for administrators.", .release5, credentials)
        + handler("mongoose_domain_handler", "REST for dynamic domains.", .release5, credentials)
        + handler("mongoose_api", "Metrics.", .release5, metrics)
        + handler("mongoose_prometheus_handler", "Metrics for Prometheus.", .release63)
        + ["messages", "contacts", "rooms", "rooms_config", "rooms_users", "rooms_messages"].flatMap { part in
            handler("mongoose_client_api_\(part)", "REST for users: \(part).", .release5)
        }
        + handler("lasse_handler", "Events for users.", .release5, events)
        + handler("cowboy_swagger_redirect_handler", "Leads to the description of the REST interface.", .release5)
        + handler("cowboy_swagger_json_handler", "Describes the REST interface.", .release5)
        + handler("cowboy_static", "The pages that show the REST interface.", .release5, pages)

    private static let webSocket: [OptionRow] =
        [
            OptionRow(
                "timeout", .naturalOrInfinity(.milliseconds), .infinity,
                "How long a client may send nothing before it is disconnected."),
            OptionRow("ping_rate", .positive(.milliseconds), .unset, "How often a ping frame is sent."),
            OptionRow("max_stanza_size", .positiveOrInfinity(.bytes), .infinity, "The largest stanza."),
            OptionRow(
                "c2s_state_timeout", .naturalOrInfinity(.milliseconds), .integer(5000),
                "How long a client may be silent in each step before its session is established.",
                editions: .release62),
            OptionRow(
                "state_timeout", .naturalOrInfinity(.milliseconds), .unset, "The same as c2s_state_timeout.",
                editions: .release63, alias: .of("c2s_state_timeout")),
            OptionRow(
                "backwards_compatible_session", .boolean, .boolean(true),
                "Offer the session element of RFC 3921, as optional.", editions: .release62),
            OptionRow(
                "service", .section, .unset, "Take components over WebSocket, too.", editions: .release5),
        ]
        + OptionRow.under("service", ServerListenerOptions.componentSession)
        + [
            OptionRow(
                "service.max_fsm_queue", .positive(), .computed("general.max_fsm_queue"),
                "How many stanzas may wait for the component.", editions: .release5)
        ]

    static let categories = [
        "checkAuth", "account", "domain", "last", "muc", "muc_light", "session", "stanza", "roster", "vcard",
        "private", "http_upload", "httpUpload", "server", "metric", "stat", "gdpr", "mnesia", "cets", "inbox",
        "offline", "token",
    ]

    private static let graphQL: [OptionRow] =
        [
            OptionRow(
                "schema_endpoint", .choices("admin", "domain_admin", "user"), .required,
                "For whom: administrators of the server, of one domain, or users."),
            OptionRow(
                "allowed_categories", .list(.choice(categories), atLeastOne: true), .unset,
                "The categories that may be asked; all if not set."),
            OptionRow(
                "sse_idle_timeout", .positiveOrInfinity(.milliseconds), .integer(3_600_000),
                "How long a stream of events may be without one.", editions: .later),
        ] + credentials

    private static let administrators: [OptionRow] =
        credentials + [
            OptionRow(
                "handlers",
                .names([
                    "contacts", "users", "sessions", "messages", "stanzas", "muc_light", "muc", "inbox", "domain",
                    "metrics",
                ]), .unset, "The parts that are served; all if not set.")
        ]

    private static let users: [OptionRow] = [
        OptionRow(
            "handlers",
            .names(["sse", "messages", "contacts", "rooms", "rooms_config", "rooms_users", "rooms_messages"]),
            .unset, "The parts that are served; all if not set."),
        OptionRow("docs", .booleanOrSpelling, .boolean(true), "Serve a description of the interface at /api-docs."),
    ]

    private static let metrics: [OptionRow] = [
        OptionRow(
            "handlers", .names(["mongoose_api_metrics", "mongoose_api_users"]), .required, "The parts that are served.")
    ]
    private static let events: [OptionRow] = [
        OptionRow("module", .choices("mongoose_client_api_sse"), .required, "The source of the events.")
    ]
    private static let pages: [OptionRow] = [
        OptionRow("type", .choices("priv_dir"), .required, "Where the pages are: bundled with an application."),
        OptionRow("app", .choices("cowboy_swagger"), .required, "The application that has them."),
        OptionRow("content_path", .choices("swagger"), .required, "Where the application has them."),
    ]
}
