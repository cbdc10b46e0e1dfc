/// `[auth]`: how users prove who they are.
enum AuthenticationOptions {
    static let rows: [OptionRow] =
        [OptionRow("auth", .section, .present, "How users prove who they are.", effect: ReloadEffect.newLogins)]
        + OptionRow.under("auth", effect: ReloadEffect.newLogins, common + password + methods)
        + OptionRow.under("auth.anonymous", effect: ReloadEffect.newLogins, anonymous)
        + OptionRow.under("auth.dummy", effect: ReloadEffect.newLogins, dummy)
        + OptionRow.under("auth.external", effect: ReloadEffect.newLogins, external)
        + OptionRow.under("auth.http", effect: ReloadEffect.newLogins, http)
        + OptionRow.under("auth.jwt", effect: ReloadEffect.newLogins, jwt)
        + OptionRow.under("auth.ldap", effect: ReloadEffect.newLogins, ldap)
        + OptionRow.under("auth.rdbms", effect: ReloadEffect.newLogins, rdbms)

    /// What `auth.sasl_mechanisms` may name, the strongest first.
    static let mechanisms = SASLMechanism.allCases.map(\.rawValue)
    static let hashes = PasswordHash.allCases.map(\.rawValue)

    private static let common: [OptionRow] = [
        OptionRow(
            "methods", .names(ClientListenerOptions.methods), .computed("those with a table, by name"),
            "The methods in the order they are asked."),
        OptionRow(
            "sasl_mechanisms", .names(mechanisms), .computed("all but external and digest, the strongest first"),
            "The SASL mechanisms that are offered, in this order, as far as the methods can serve them."),
        OptionRow(
            "sasl_external", .names(ExternalRule.allCases.map(\.rawValue)), .list(["standard"]),
            "How a client certificate becomes a user: by its XMPP addresses, without those by its common name, or without those as the client says; tried in this order."
        ),
        OptionRow(
            "sasl_external_common_name", .section, .unset, "What a common name has around it in a user name.", editions: .later,
            state: .notYet),
        OptionRow("sasl_external_common_name.prefix", .string, .text(""), "Before it.", editions: .later, state: .notYet),
        OptionRow("sasl_external_common_name.suffix", .string, .text(""), "After it.", editions: .later, state: .notYet),
        OptionRow(
            "max_users_per_domain", .positiveOrInfinity(), .infinity,
            "How many accounts a domain may have.", editions: .release62, effect: "the next registrations follow it"),
    ]

    private static let password: [OptionRow] = [
        OptionRow("password", .section, .present, "How passwords are kept."),
        OptionRow(
            "password.format", .choices("scram", "plain"), .text("scram"),
            "As keys that cannot be turned back, or as they are.", effect: ReloadEffect.newPasswords),
        OptionRow(
            "password.hash", .list(.choice(hashes), atLeastOne: true), .list(hashes),
            "The hash functions that keys are kept for; the SCRAM mechanisms of others are not offered."),
        OptionRow(
            "password.scram_iterations", .positive(), .integer(10000),
            "How often a new password is hashed; accounts of auth.internal that have another number follow at their next login with "
                + "PLAIN, and until then their number tells strangers that they exist.", editions: .release62,
            effect: ReloadEffect.newPasswords),
        OptionRow(
            "scram_iterations", .positive(), .unset, "The same as password.scram_iterations.",
            editions: .release5, alias: .of("password.scram_iterations")),
    ]

    private static let methods: [OptionRow] = [
        OptionRow("internal", .section, .unset, "Accounts in the server's own database."),
        OptionRow(
            "anonymous", .section, .unset, "Users without an account; what is stored for one goes with the last session."),
        OptionRow(
            "dummy", .section, .unset, "Everybody is let in after a pause; for tests of load only."),
        OptionRow("external", .section, .unset, "A program of your own is asked."),
        OptionRow(
            "http", .section, .unset,
            "A web service is asked, by the pool outgoing_pools.http.auth. One that has no get_password serves PLAIN only: name that in sasl_mechanisms."
        ),
        OptionRow("jwt", .section, .unset, "The password is a signed token."),
        OptionRow(
            "ldap", .section, .unset,
            "A directory is asked, and only read: accounts are made and passwords changed elsewhere."),
        OptionRow("pki", .section, .unset, "A verified client certificate is enough."),
        OptionRow(
            "rdbms", .section, .unset,
            "Accounts in a relational database: the table users of the pool outgoing_pools.rdbms.default."),
        OptionRow(
            "riak", .free, .unset, "Accounts in Riak.", editions: .release5,
            state: .refused("support for Riak was removed")),
    ]

    private static let anonymous: [OptionRow] = [
        OptionRow(
            "allow_multiple_connections", .boolean, .boolean(false), "Let one anonymous user have several sessions."),
        OptionRow(
            "protocol", .choices("sasl_anon", "login_anon", "both"), .text("sasl_anon"),
            "The ANONYMOUS mechanism, any user name without a password, or both."),
        OptionRow(
            "backend", .choices("mnesia", "cets"), .text("mnesia"), "Where anonymous users are registered.",
            editions: .release62, state: .accepted("one session table of our own serves every value")),
    ]

    private static let dummy: [OptionRow] = [
        OptionRow("base_time", .natural(.milliseconds), .integer(50), "The shortest pause."),
        OptionRow("variance", .positive(.milliseconds), .integer(450), "How much longer it may be."),
    ]

    private static let external: [OptionRow] = [
        OptionRow(
            "program", .path, .required, "The program that is asked, run as the user that workers run as; arguments may follow."),
        OptionRow("instances", .positive(), .integer(1), "How many processes of it a worker runs at most, for each host."),
    ]

    private static let http: [OptionRow] = [
        OptionRow("basic_auth", .secret, .unset, "User name and password for the web service, with a colon between.")
    ]

    private static let jwt: [OptionRow] = [
        OptionRow("secret", .section, .required, "The key that tokens are checked with: one of file, env and value."),
        OptionRow("secret.file", .file(.any), .unset, "The file that holds the key; all of it counts, a line's end, too."),
        OptionRow("secret.env", .variable, .unset, "The variable of the server's environment that holds the key."),
        OptionRow("secret.value", .secret, .unset, "The key itself."),
        OptionRow(
            "algorithm",
            .choices(
                "HS256", "HS384", "HS386", "HS512", "RS256", "RS384", "RS386", "RS512", "ES256", "ES384", "ES386",
                "ES512"), .required, "The signature algorithm; 386 is an old spelling of 384."),
        OptionRow("username_key", .name, .required, "The claim that holds the user name."),
    ]

    private static let ldap: [OptionRow] = [
        OptionRow("pool_tag", .name, .text("default"), "The pool of connections that searches."),
        OptionRow("bind_pool_tag", .name, .text("bind"), "The pool of connections that checks passwords."),
        OptionRow("base", .name, .required, "Where users are searched."),
        OptionRow("uids", .sections, .computed("[{attr = \"uid\"}]"), "The attributes that hold the user name."),
        OptionRow("uids[].attr", .name, .required, "The attribute."),
        OptionRow("uids[].format", .name, .text("%u"), "What it looks like; %u is the user name."),
        OptionRow("filter", .name, .unset, "A condition on users, as an LDAP filter."),
        OptionRow("dn_filter", .section, .unset, "A condition on the entry that was found."),
        OptionRow("dn_filter.filter", .name, .required, "The filter."),
        OptionRow("dn_filter.attributes", .strings, .required, "The attributes the filter uses."),
        OptionRow("local_filter", .section, .unset, "A condition checked by this server."),
        OptionRow(
            "local_filter.operation", .choices("equal", "notequal"), .required, "What must hold of the attribute."),
        OptionRow("local_filter.attribute", .name, .required, "The attribute."),
        OptionRow("local_filter.values", .strings, .required, "What it is compared with."),
        OptionRow(
            "deref", .choices("never", "always", "finding", "searching"), .text("never"), "When aliases are followed."),
    ]

    private static let rdbms: [OptionRow] = [
        OptionRow(
            "users_number_estimate", .boolean, .boolean(false),
            "Count users by the database's estimate, which is that of all domains together.")
    ]
}
