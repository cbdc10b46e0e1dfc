/// Keys that the releases after 6.3 have brought, each for the table that has it.
enum LaterReleaseOptions {
    /// What the library does anyway.
    static let clientTLS: [OptionRow] = [
        OptionRow(
            "early_data", .boolean, .boolean(false), "Take data of a client before the handshake is complete.", editions: .later,
            state: .accepted("such data could be played back by others, and are not taken")),
        OptionRow(
            "keep_secrets", .boolean, .boolean(false), "Keep the secrets of the handshake, so that it can be read later.",
            editions: .later, state: .accepted("they are not kept")),
        OptionRow(
            "session_tickets", .choices("stateless"), .unset, "Let clients take up an earlier TLS session.", editions: .later,
            state: .accepted("the TLS library takes them up by itself")),
    ]

    /// Streams of servers and of components have what those of clients have.
    static let streams: [OptionRow] = [
        OptionRow(
            "max_connections", .positiveOrInfinity(), .infinity, "How many connections are served at once.", editions: .later),
        OptionRow(
            "reuse_port", .boolean, .boolean(false), "Let another process of the same user bind the same address and port.",
            editions: .later),
        OptionRow(
            "state_timeout", .naturalOrInfinity(.milliseconds), .integer(5000),
            "How long the other side may be silent in each step.",
            editions: .later),
    ]

    /// TLS of streams of servers and of components, beside what 6.2 has for servers.
    static let streamTLS: [OptionRow] =
        [
            OptionRow(
                "mode", .choices("tls", "starttls", "starttls_required"), .text("starttls"),
                "TLS from the first byte, or after STARTTLS, which may be required.", editions: .later),
            OptionRow("keyfile", .file(.privateKey), .unset, "The private key.", editions: .later),
            OptionRow("password", .password, .unset, "What opens an encrypted keyfile.", editions: .later),
            OptionRow(
                "disconnect_on_failure", .boolean, .boolean(true), "Whether a certificate that is not trusted ends the handshake.",
                editions: .later),
            OptionRow(
                "versions", .names(["tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]), .unset, "The TLS versions that are spoken.",
                editions: .later),
            OptionRow(
                "crl_files", .list(.file(.revocations), atLeastOne: false), .unset, "Lists of revoked certificates.",
                editions: .later),
        ] + clientTLS

    /// `[[listen.component]]`
    static let component: [OptionRow] = [
        OptionRow("shaper", .name, .unset, "The same as shaper_rule.", editions: .later, alias: .of("shaper_rule")),
        OptionRow("tls", .section, .unset, "TLS for streams of components.", editions: .later),
    ]

    static let componentTLS: [OptionRow] =
        [
            OptionRow(
                "verify_mode", .choices("peer", "selfsigned_peer", "none"), .computed("\"peer\" with a cacertfile, else \"none\""),
                "Whether a component is asked for a certificate.", editions: .later),
            OptionRow("certfile", .file(.certificates), .required, "The certificate chain presented.", editions: .later),
            OptionRow(
                "cacertfile", .file(.certificates), .unset, "The authorities whose certificates count as good.", editions: .later),
            OptionRow("dhfile", .file(.dhParameters), .unset, "The Diffie-Hellman group for TLS 1.2.", editions: .later),
            OptionRow("ciphers", .name, .unset, "The cipher suites, as an OpenSSL cipher list.", editions: .later),
        ] + streamTLS

    private static let outgoingKeys: Set<String> = ["cacertfile", "ciphers", "keyfile", "password", "versions", "crl_files"]

    /// `[s2s.outgoing]`: the place of what stood in `[s2s]` before, and more.
    static let federation: [OptionRow] =
        [
            OptionRow("outgoing.address", .sections, .unset, "Addresses that are not looked up.", editions: .later),
            OptionRow("outgoing.address[].host", .text(.domain), .required, "The remote domain.", editions: .later),
            OptionRow("outgoing.address[].ip_address", .text(.ipAddress), .required, "Its address.", editions: .later),
            OptionRow(
                "outgoing.address[].port", .integer(1...65535, .none), .computed("s2s.outgoing.port"), "Its port.", editions: .later
            ),
            OptionRow(
                "outgoing.address[].tls", .boolean, .unset, "Whether TLS is spoken there from the first byte.", editions: .later),
            OptionRow("outgoing.dns", .section, .unset, "How names are looked up.", editions: .later),
            OptionRow("outgoing.dns.timeout", .positive(.seconds), .integer(10), "How long a look-up may take.", editions: .later),
            OptionRow("outgoing.dns.retries", .positive(), .integer(2), "How often a look-up is tried.", editions: .later),
            OptionRow(
                "outgoing.max_retry_delay", .positive(.seconds), .integer(300), "The longest pause before a link is tried again.",
                editions: .later),
            OptionRow("outgoing.max_stanza_size", .positiveOrInfinity(.bytes), .infinity, "The largest stanza.", editions: .later),
            OptionRow("outgoing.shaper", .name, .text("none"), "The shaper of what other servers answer.", editions: .later),
            OptionRow(
                "outgoing.state_timeout", .naturalOrInfinity(.milliseconds), .integer(5000),
                "How long the other server may be silent in each step.", editions: .later),
            OptionRow(
                "outgoing.stream_timeout", .naturalOrInfinity(.milliseconds), .integer(600_000), "How long an idle link is kept.",
                editions: .later),
            OptionRow(
                "outgoing.tls", .section, .unset, "TLS of outgoing links; without the table there is none.", editions: .later),
        ]
        + OptionRow.under("outgoing.tls", componentTLS.filter { outgoingKeys.contains($0.path) })
        + OptionRow.under(
            "outgoing.tls", state: .notYet, componentTLS.filter { $0.path != "certfile" && !outgoingKeys.contains($0.path) })
        + [
            OptionRow("outgoing.tls.certfile", .file(.certificates), .unset, "The certificate chain presented.", editions: .later),
            OptionRow(
                "outgoing.tls.server_name_indication", .free, .unset, "Ask for the other server by name.", editions: .later,
                state: .accepted("the other server is always asked for by the name of its domain")),
        ]

    static let services: [OptionRow] = [
        OptionRow("service_bosh", .section, .unset, "What mod_bosh was before, for all hosts.", editions: .later),
        OptionRow(
            "service_bosh.backend", .choices("mnesia", "cets"), .unset, "Where sessions are registered.", editions: .later,
            state: .accepted("one session table of our own serves every value")),
        OptionRow(
            "service_bosh.inactivity", .positiveOrInfinity(.seconds), .integer(30), "How long a client may have no request open.",
            editions: .later),
        OptionRow(
            "service_bosh.max_wait", .positiveOrInfinity(.seconds), .infinity, "The longest wait that a client may ask for.",
            editions: .later),
        OptionRow("service_bosh.server_acks", .boolean, .boolean(false), "Acknowledge requests.", editions: .later),
        OptionRow(
            "service_bosh.max_pause", .positive(.seconds), .integer(120), "The longest pause that a client may ask for.",
            editions: .later),
        OptionRow(
            "service_bosh.host_types", .strings, .unset, "The hosts, or kinds of them, that have it; all if not set.",
            editions: .later),
    ]

    static let modules: [OptionRow] =
        ModuleOptionRows.module(
            "mod_blocklist", "Accounts that may not log in.", editions: .later, [ModuleOptionRows.backend("rdbms")])
        + ModuleOptionRows.module(
            "mod_broadcast", "Messages from administrators to all accounts.", editions: .later,
            [
                ModuleOptionRows.backend("rdbms"),
                OptionRow(
                    "lease_time", .integer(10...Int64(Int32.max), .seconds), .integer(600),
                    "When another node takes a broadcast over.", editions: .later),
            ])
        + ModuleOptionRows.module(
            "mod_external_filter", "A service outside judges messages.", editions: .later,
            [OptionRow("pool_tag", .name, .required, "The pool of connections to it.", editions: .later)])
        + ModuleOptionRows.module(
            "mod_fast_auth_token", "Tokens for quick logins (XEP-0484).", editions: .later,
            [
                ModuleOptionRows.backend("rdbms"),
                OptionRow("validity_period", .section, .unset, "How long tokens are valid.", editions: .later),
            ]
                + ["access", "rotate_before_expire"].flatMap { token in
                    [
                        OptionRow(
                            "validity_period.\(token)", .section, .unset,
                            "How long, or how long before the end a new one is given.", editions: .later),
                        OptionRow("validity_period.\(token).value", .natural(), .required, "The number.", editions: .later),
                        OptionRow(
                            "validity_period.\(token).unit", .choices("days", "hours", "minutes", "seconds"), .required, "Of what.",
                            editions: .later),
                    ]
                })
        + ModuleOptionRows.module("mod_stanzaid", "Stable ids of stanzas (XEP-0359).", editions: .later)
}
