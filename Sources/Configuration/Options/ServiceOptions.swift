/// `[services]`, `[internal_databases]` and `[instrumentation]`: what runs beside the hosts.
enum ServiceOptions {
    static let rows: [OptionRow] = services + databases + instrumentation

    private static let services: [OptionRow] =
        [OptionRow("services", .section, .unset, "What runs beside the hosts.")]
        + OptionRow.under(
            "services", state: .notYet,
            [
                OptionRow("service_domain_db", .section, .unset, "Domains that are added while the server runs."),
                OptionRow("service_domain_db.db_pool", .name, .text("global"), "The pool of database connections."),
                OptionRow(
                    "service_domain_db.event_cleaning_interval", .positive(.seconds), .integer(1800),
                    "How often old events are removed."),
                OptionRow(
                    "service_domain_db.event_max_age", .positive(.seconds), .integer(7200), "How long events are kept."),
            ] + LaterReleaseOptions.services)
        + OptionRow.under("services", state: .accepted("nothing is ever reported to anybody"), telemetry)
        + OptionRow.under(
            "services", state: .accepted("xmppctl has all commands"),
            [
                OptionRow("service_admin_extra", .section, .unset, "Administrative commands.", editions: .release5),
                OptionRow(
                    "service_admin_extra.submods",
                    .names([
                        "node", "account", "accounts", "sessions", "vcard", "gdpr", "upload", "roster", "last", "private", "stanza",
                        "stats", "domain",
                    ]), .unset, "Groups of them.", editions: .release5),
            ])

    private static let telemetry: [OptionRow] = [
        OptionRow("service_mongoose_system_metrics", .section, .unset, "Reports to the vendor of MongooseIM."),
        OptionRow("service_mongoose_system_metrics.report", .boolean, .unset, "Whether to report."),
        OptionRow(
            "service_mongoose_system_metrics.intial_report", .natural(.milliseconds), .integer(300_000),
            "When the first report is made."),
        OptionRow(
            "service_mongoose_system_metrics.initial_report", .natural(.milliseconds), .unset,
            "The same as intial_report.", alias: .of("intial_report")),
        OptionRow(
            "service_mongoose_system_metrics.periodic_report", .natural(.milliseconds), .integer(108_000_000),
            "How often a report is made."),
        OptionRow(
            "service_mongoose_system_metrics.tracking_id", .sectionOr(.name), .unset, "Where reports are collected."),
        OptionRow("service_mongoose_system_metrics.tracking_id.id", .name, .required, "The stream of data."),
        OptionRow("service_mongoose_system_metrics.tracking_id.secret", .secret, .required, "Its key."),
    ]

    private static let databases: [OptionRow] =
        [
            OptionRow(
                "internal_databases", .section, .unset, "The databases of the original's own.", editions: .release62,
                state: .accepted("the database of [xmppd] takes their place"))
        ]
        + OptionRow.under(
            "internal_databases", state: .notYet,
            [
                OptionRow("mnesia", .section, .unset, "Mnesia.", editions: .release62),
                OptionRow("cets", .section, .unset, "CETS.", editions: .release62),
                OptionRow(
                    "cets.backend", .choices("rdbms", "file"), .text("rdbms"), "How the cluster's nodes are found.",
                    editions: .release62),
                OptionRow(
                    "cets.cluster_name", .name, .text("mongooseim"), "The cluster's name.", editions: .release62),
                OptionRow(
                    "cets.node_list_file", .path, .unset, "The file that lists the nodes.", editions: .release62),
            ])

    private static let instrumentation: [OptionRow] =
        [
            OptionRow(
                "instrumentation", .section, .unset, "How measurements are handed on.", editions: .release63,
                state: .notYet)
        ]
        + OptionRow.under(
            "instrumentation", state: .notYet,
            [
                OptionRow(
                    "probe_interval", .positive(.seconds), .integer(15), "How often things are measured.",
                    editions: .release63),
                OptionRow("prometheus", .section, .unset, "For Prometheus.", editions: .release63),
                OptionRow("exometer", .section, .unset, "For Graphite.", editions: .release63),
                OptionRow(
                    "exometer.all_metrics_are_global", .boolean, .boolean(false),
                    "Count for the whole server only, not for each host.", editions: .release63),
                OptionRow("exometer.report", .section, .unset, "Where to.", editions: .release63),
                OptionRow("exometer.report.graphite", .sections, .unset, "A Graphite server.", editions: .release63),
            ] + graphite + [
                OptionRow("log", .section, .unset, "To the log.", editions: .release63),
                OptionRow(
                    "log.level", .choice(GeneralOptions.logLevels.filter { $0 != "none" }), .text("debug"),
                    "The severity of such lines.",
                    editions: .release63),
            ])

    private static let graphite: [OptionRow] = OptionRow.under(
        "exometer.report.graphite[]",
        [
            OptionRow("host", .name, .required, "The server.", editions: .release63),
            OptionRow("port", .port, .integer(2003), "Its port.", editions: .release63),
            OptionRow("interval", .positive(.milliseconds), .integer(60000), "How often.", editions: .release63),
            OptionRow(
                "connect_timeout", .positive(.milliseconds), .integer(5000), "How long a connection may take to come about.",
                editions: .release63),
            OptionRow("api_key", .password, .unset, "The key of a hosted server.", editions: .release63),
            OptionRow("prefix", .string, .unset, "What every name begins with.", editions: .release63),
            OptionRow(
                "env_prefix", .string, .unset, "The environment variable that holds what names begin with.",
                editions: .release63),
        ])
}
