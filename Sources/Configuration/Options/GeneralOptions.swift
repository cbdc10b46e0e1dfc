/// `[general]`: settings of the whole server.
enum GeneralOptions {
    static let rows: [OptionRow] =
        [OptionRow("general", .section, .required, "Settings of the whole server.", editions: .all)]
        + OptionRow.under("general", identity + limits + stores + outdated)

    private static let routers = [
        "mongoose_router_global", "mongoose_router_localdomain", "mongoose_router_external_localnode",
        "mongoose_router_external", "mongoose_router_dynamic_domains", "ejabberd_s2s",
    ]

    static let logLevels = [
        "none", "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug", "all",
    ]

    private static let identity: [OptionRow] = [
        OptionRow(
            "loglevel", .choice(logLevels), .text("warning"), "The lowest severity that is logged.",
            effect: "holds at once, in all processes"),
        OptionRow(
            "hosts", .list(.text(.domain), atLeastOne: false), .list([]),
            "The XMPP domains served here; a stream to another domain is refused with host-unknown.",
            effect: "a new host is served at once; streams of one that is gone are closed with host-gone, all others live on"),
        OptionRow(
            "host_types", .list(.name, atLeastOne: false), .list([]),
            "Names for kinds of domains that are added while the server runs.", state: .notYet),
        OptionRow(
            "default_server_domain", .text(.domain), .computed("the first of hosts"),
            "The domain that speaks where none is known yet, as in errors about a stream's header.", effect: ReloadEffect.newStreams
        ),
        OptionRow(
            "language", .text(.language), .text("en"),
            "The language of streams, as their headers say. Texts of errors are English, and say so.",
            effect: ReloadEffect.newStreams),
        OptionRow(
            "hide_service_name", .boolean, .boolean(false),
            "Close a connection that begins with garbage without a word, instead of with a stream error.",
            effect: ReloadEffect.newStreams),
        OptionRow(
            "http_server_name", .string, .text("Cowboy"),
            "The server header of HTTP answers.", state: .notYet),
        OptionRow(
            "domain_certfile", .sections, .unset,
            "Certificates for single domains: chosen by server name indication, or by the stream's header.",
            effect: ReloadEffect.newConnections),
        OptionRow(
            "domain_certfile[].domain", .text(.domainOrWildcard), .required,
            "The domain the certificate is for; *.example.org is every direct subdomain.", effect: ReloadEffect.newConnections),
        OptionRow(
            "domain_certfile[].certfile", .file(.certificates), .required,
            "The certificate chain and its private key, in one file.", effect: ReloadEffect.newConnections),
    ]

    private static let limits: [OptionRow] = [
        OptionRow(
            "registration_timeout", .positiveOrInfinity(.seconds), .integer(600),
            "How long an address must wait after an in-band registration before the next.",
            effect: "the next registrations follow it"),
        OptionRow(
            "replaced_wait_timeout", .positive(.milliseconds), .integer(2000),
            "How long a new session waits for the old one of the same full address to end."),
        OptionRow(
            "max_fsm_queue", .positive(), .unset,
            "How many stanzas may wait for one connection; one more ends it."),
        OptionRow(
            "route_subdomains", .choices("s2s"), .unset,
            "Send what is for a subdomain of a host of ours to other servers."),
        OptionRow(
            "all_metrics_are_global", .boolean, .boolean(false),
            "Count for the whole server only, not for each host.", state: .notYet),
        OptionRow(
            "routing_modules", .names(routers), .unset,
            "The routers in their order. Leaving out ejabberd_s2s switches federation off."),
    ]

    private static let ownStore = OptionState.accepted("one session table of our own serves every value")

    private static let stores: [OptionRow] = [
        OptionRow(
            "rdbms_server_type", .choices("mssql", "pgsql"), .unset, "The dialect of a relational database.",
            state: .accepted("the storage driver knows its own dialect")),
        OptionRow(
            "sm_backend", .choices("mnesia", "redis", "cets"), .text("mnesia"),
            "Where sessions are registered.", state: ownStore),
        OptionRow(
            "s2s_backend", .choices("mnesia", "cets"), .text("mnesia"),
            "Where links to other servers are registered.", editions: .release62, state: ownStore),
        OptionRow(
            "component_backend", .choices("mnesia", "cets"), .text("mnesia"),
            "Where components are registered.", editions: .release62, state: ownStore),
    ]

    private static let outdated: [OptionRow] = [
        OptionRow(
            "mongooseimctl_access_commands", .free, .unset, "Who may run which administrative command.",
            editions: .release5, state: .accepted("the control socket's file mode says who may")),
        OptionRow(
            "override", .names(["local", "global", "acls"]), .unset,
            "What the file replaces in a stored configuration.",
            editions: .release5, state: .accepted("the file always is the whole configuration")),
    ]
}
