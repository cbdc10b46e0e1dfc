/// `[s2s]`: links to other servers.
enum FederationOptions {
    static let rows: [OptionRow] =
        [OptionRow("s2s", .section, .present, "Links to other servers.")]
        + OptionRow.under("s2s", policy + outgoing + LaterReleaseOptions.federation)

    private static let policy: [OptionRow] = [
        OptionRow(
            "default_policy", .choices("allow", "deny"), .text("allow"),
            "Whether domains without a policy of their own may be talked to."),
        OptionRow("host_policy", .sections, .unset, "Policies for single remote domains."),
        OptionRow("host_policy[].host", .text(.domain), .required, "The remote domain."),
        OptionRow("host_policy[].policy", .choices("allow", "deny"), .required, "Whether it may be talked to."),
        OptionRow(
            "use_starttls", .choices("false", "optional", "required", "required_trusted"), .text("false"),
            "Encryption of links; required_trusted also wants a certificate that verifies."),
        OptionRow(
            "certfile", .file(.certificates), .unset,
            "The certificate chain presented to other servers, with its private key."),
        OptionRow("shared", .secret, .computed("a random one"), "The secret of server dialback (XEP-0220)."),
        OptionRow("domain_certfile", .sections, .unset, "Certificates for single domains.", editions: .release5),
        OptionRow(
            "domain_certfile[].domain", .text(.domain), .required, "The domain the certificate is for.",
            editions: .release5),
        OptionRow(
            "domain_certfile[].certfile", .file(.certificates), .required,
            "The certificate chain and its private key, in one file.", editions: .release5),
    ]

    private static let outgoing: [OptionRow] = [
        OptionRow("address", .sections, .unset, "Addresses that are not looked up."),
        OptionRow("address[].host", .text(.domain), .required, "The remote domain."),
        OptionRow("address[].ip_address", .text(.ipAddress), .required, "Its address."),
        OptionRow("address[].port", .integer(1...65535, .none), .computed("s2s.outgoing.port"), "Its port."),
        OptionRow(
            "ciphers", .name, .text("TLSv1.2:TLSv1.3"), "The cipher suites of outgoing links, as an OpenSSL list."),
        OptionRow(
            "max_retry_delay", .positive(.seconds), .integer(300), "The longest pause before a link is tried again."),
        OptionRow("outgoing", .section, .present, "Outgoing links."),
        OptionRow(
            "outgoing.port", .integer(1...65535, .none), .integer(5269), "The port where DNS names none."),
        OptionRow(
            "outgoing.ip_versions", .list(.integers([4, 6]), atLeastOne: true), .computed("[4, 6]"),
            "The IP versions, in the order they are tried."),
        OptionRow(
            "outgoing.connection_timeout", .positiveOrInfinity(.milliseconds), .integer(10000),
            "How long a connection may take to come about."),
        OptionRow("dns", .section, .present, "How names are looked up."),
        OptionRow("dns.timeout", .positive(.seconds), .integer(10), "How long a look-up may take."),
        OptionRow("dns.retries", .positive(), .integer(2), "How often a look-up is tried."),
    ]
}
