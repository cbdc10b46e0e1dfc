/// Modules for presence, contacts, discovery and accounts.
enum CoreModuleOptions {
    static let rows: [OptionRow] = contacts + discovery + facts + accounts + traffic

    private static let contacts: [OptionRow] =
        ModuleOptionRows.module(
            "mod_roster", "Contact lists (RFC 6121 §2).", state: .inEffect,
            [
                ModuleOptionRows.backend("mnesia", "rdbms", "riak"),
                OptionRow(
                    "versioning", .boolean, .boolean(false), "Send a client no list that has not changed since it last asked."),
                OptionRow(
                    "store_current_id", .boolean, .boolean(false), "Keep the version of each list.",
                    state: .accepted("it is always kept")),
            ])
        + ModuleOptionRows.module(
            "mod_presence", "Presence (RFC 6121 §3, §4).", editions: [.release62, .release63], state: .inEffect)
        + ModuleOptionRows.module(
            "mod_blocking", "Blocking of addresses (XEP-0191).", state: .inEffect,
            [ModuleOptionRows.backend("mnesia", "rdbms", "riak")])
        + ModuleOptionRows.module(
            "mod_privacy", "Privacy lists (XEP-0016).", [ModuleOptionRows.backend("mnesia", "rdbms", "riak")])
        + ModuleOptionRows.module(
            "mod_shared_roster_ldap", "Contacts from a directory.", sharedRoster)

    private static let discovery: [OptionRow] =
        ModuleOptionRows.module(
            "mod_disco", "Service discovery (XEP-0030).", state: .inEffect,
            [
                OptionRow(
                    "extra_domains", .list(.text(.domain), atLeastOne: false), .list([]),
                    "Further domains that the server names as its items."),
                OptionRow("server_info", .sections, .unset, "Facts about the server (XEP-0157)."),
                OptionRow("server_info[].name", .name, .required, "The field, such as abuse-addresses."),
                OptionRow("server_info[].urls", .strings, .required, "Its values."),
                OptionRow(
                    "server_info[].modules", .strings, .unset, "The modules whose answers have the field; all if not set."),
                OptionRow(
                    "users_can_see_hidden_services", .boolean, .boolean(true),
                    "Name hidden components to users, too, not to servers and components only."),
            ])
        + ModuleOptionRows.module(
            "mod_caps", "Entity capabilities (XEP-0115).", state: .inEffect,
            [
                OptionRow(
                    "cache_size", .positive(), .integer(1000), "How many capability sets are remembered.", state: .notYet),
                OptionRow(
                    "cache_life_time", .positive(.seconds), .integer(86400), "How long they are remembered.", state: .notYet),
                OptionRow(
                    "iq_response_timeout", .positive(.milliseconds), .integer(5000),
                    "How long a client may take to say what it can.",
                    editions: .later, state: .notYet),
                OptionRow(
                    "versions", .list(.choice(["v1", "v2"]), atLeastOne: true), .list(["v1", "v2"]),
                    "Which versions of capabilities are taken: XEP-0115, XEP-0390.", editions: .later, state: .notYet),
            ])
        + ModuleOptionRows.module(
            "mod_adhoc", "Commands (XEP-0050).",
            [OptionRow("report_commands_node", .boolean, .boolean(false), "Name the list of commands in discovery.")])
        + ModuleOptionRows.module(
            "mod_extdisco", "External services such as STUN and TURN (XEP-0215).",
            [
                OptionRow("service", .sections, .unset, "A service."),
                OptionRow("service[].type", .name, .required, "What it is, such as turn."),
                OptionRow("service[].host", .name, .required, "Where it is."),
                OptionRow("service[].port", .integer(1...65534, .none), .unset, "Its port."),
                OptionRow("service[].transport", .choices("udp", "tcp"), .unset, "Its transport."),
                OptionRow("service[].username", .name, .unset, "The user name to use it."),
                OptionRow("service[].password", .secret, .unset, "The password to use it."),
                OptionRow("service[].secret", .secret, .unset, "What temporary passwords are made of.", editions: .later),
            ])

    private static let facts: [OptionRow] =
        ModuleOptionRows.module(
            "mod_last", "Last activity (XEP-0012).", state: .inEffect, [ModuleOptionRows.backend("mnesia", "rdbms", "riak")])
        + ModuleOptionRows.module("mod_time", "The server's time (XEP-0202).", state: .inEffect)
        + ModuleOptionRows.module(
            "mod_version", "The server's version (XEP-0092).", state: .inEffect,
            [OptionRow("os_info", .boolean, .boolean(false), "Name the operating system, too.")])
        + ModuleOptionRows.module("mod_sic", "Tell clients the address they come from (XEP-0279).")
        + ModuleOptionRows.module(
            "mod_private", "Private data of clients (XEP-0049).", state: .inEffect,
            [ModuleOptionRows.backend("mnesia", "rdbms", "riak")])
        + ModuleOptionRows.module(
            "mod_vcard", "Visiting cards (XEP-0054).", state: .inEffect,
            [
                OptionRow(
                    "host", .text(.hostPattern), .text("vjud.@HOST@"), "The domain of the search service.",
                    state: .notYet),
                OptionRow("search", .boolean, .boolean(true), "Offer a search service.", state: .notYet),
                OptionRow(
                    "matches", .naturalOrInfinity(), .integer(30), "How many results a search has.", state: .notYet),
                ModuleOptionRows.backend("ldap", "rdbms", "mnesia", "riak"),
            ] + VCardDirectoryOptions.rows)

    private static let accounts: [OptionRow] =
        ModuleOptionRows.module(
            "mod_register", "Registration of accounts by clients (XEP-0077).", state: .inEffect,
            [
                OptionRow("access", .name, .text("all"), "The access rule that decides which names may be registered."),
                OptionRow("welcome_message", .section, .unset, "A message to every new user."),
                OptionRow("welcome_message.subject", .string, .text(""), "Its subject."),
                OptionRow("welcome_message.body", .string, .text(""), "Its text."),
                OptionRow(
                    "registration_watchers", .list(.text(.bareAddress), atLeastOne: false), .list([]),
                    "Addresses that are told of every new account."),
                OptionRow(
                    "password_strength", .natural(), .integer(0), "The least entropy of a password, in bits."),
                OptionRow(
                    "ip_access", .sections, .unset,
                    "From where accounts may be registered: the first entry with the address counts; without one it may."),
                OptionRow("ip_access[].address", .text(.network), .required, "An address or a range."),
                OptionRow("ip_access[].policy", .choices("allow", "deny"), .required, "Whether it may."),
            ])
        + ModuleOptionRows.module(
            "mod_auth_token", "Tokens instead of passwords.",
            [
                ModuleOptionRows.backend("mnesia", "rdbms"),
                OptionRow(
                    "validity_period", .sectionOr(.list(.free, atLeastOne: false)),
                    .computed("access 1 hour, refresh 25 days"),
                    "How long tokens are good; release 5 has an array of tables with token, value and unit."),
            ] + ["access", "refresh"].flatMap(validity))
        + ModuleOptionRows.module(
            "mod_keystore", "Keys for tokens.",
            [
                OptionRow("ram_key_size", .natural(.bytes), .integer(2048), "The size of keys that are made at start."),
                OptionRow("keys", .sections, .unset, "A key."),
                OptionRow("keys[].name", .name, .required, "Its name."),
                OptionRow("keys[].type", .choices("ram", "file"), .required, "Made at start, or read from a file."),
                OptionRow("keys[].path", .file(.any), .unset, "The file."),
            ])
        + ModuleOptionRows.module(
            "mod_cache_users", "A cache of which users exist.",
            [
                OptionRow(
                    "time_to_live", .positiveOrInfinity(.minutes), .integer(480), "How long an answer is remembered."),
                OptionRow("number_of_segments", .positive(), .integer(3), "How many parts the cache has."),
                OptionRow(
                    "strategy", .choices("fifo", "lru"), .text("fifo"), "What is forgotten first.",
                    editions: .release62),
            ])

    private static func validity(_ token: String) -> [OptionRow] {
        [
            OptionRow("validity_period.\(token)", .section, .unset, "How long a token of this kind is good."),
            OptionRow("validity_period.\(token).value", .natural(), .required, "The number."),
            OptionRow("validity_period.\(token).unit", .choice(periodUnits), .required, "What it counts."),
        ]
    }

    static let periodUnits = ["days", "hours", "minutes", "seconds"]

    private static let traffic: [OptionRow] =
        ModuleOptionRows.module(
            "mod_ping", "Pings, from and to clients (XEP-0199).", state: .inEffect,
            [
                OptionRow("send_pings", .boolean, .boolean(false), "Ping clients that are silent."),
                OptionRow("ping_interval", .positive(.seconds), .integer(60), "After how long a silence."),
                OptionRow(
                    "timeout_action", .choices("none", "kill"), .text("none"),
                    "What happens to a client that does not answer."),
                OptionRow("ping_req_timeout", .positive(.seconds), .integer(32), "How long an answer may take."),
            ])
        + ModuleOptionRows.module(
            "mod_csi", "Clients say that nobody looks (XEP-0352).", state: .inEffect,
            [
                OptionRow(
                    "buffer_max", .naturalOrInfinity(), .integer(20), "How many stanzas are held back for one client.")
            ])
        + ModuleOptionRows.module("mod_domain_isolation", "No stanzas between the hosts served here.")
        + ModuleOptionRows.module("mod_bind2", "Bind 2 (XEP-0386).", editions: [.release62, .release63])
        + ModuleOptionRows.module("mod_sasl2", "Extensible SASL profile (XEP-0388).", editions: [.release62, .release63])
        + ModuleOptionRows.module(
            "mod_stream_management", "Acknowledgement and resumption of streams (XEP-0198).", state: .inEffect,
            streamManagement)
        + ModuleOptionRows.module(
            "mod_bosh", "Sessions over HTTP (XEP-0124, XEP-0206).",
            [
                ModuleOptionRows.backend("mnesia", "cets"),
                OptionRow("inactivity", .positiveOrInfinity(.seconds), .integer(30), "How long a client may not ask."),
                OptionRow("max_wait", .positiveOrInfinity(.seconds), .infinity, "How long an answer may wait."),
                OptionRow("server_acks", .boolean, .boolean(false), "Acknowledge requests."),
                OptionRow("max_pause", .positive(.seconds), .integer(120), "The longest pause a client may ask for."),
            ])

    private static let streamManagement: [OptionRow] = [
        ModuleOptionRows.backend("mnesia", "cets"),
        OptionRow("buffer", .boolean, .boolean(true), "Keep what is not acknowledged."),
        OptionRow("buffer_max", .positiveOrInfinity(), .integer(100), "How many stanzas are kept."),
        OptionRow("ack", .boolean, .boolean(true), "Ask for acknowledgements."),
        OptionRow("ack_freq", .positive(), .integer(1), "After how many stanzas."),
        OptionRow("resume_timeout", .positive(.seconds), .integer(600), "How long a session can be resumed."),
        OptionRow("stale_h", .section, .present, "Remember the counters of sessions that are gone."),
        OptionRow("stale_h.enabled", .boolean, .boolean(false), "Whether to."),
        OptionRow("stale_h.repeat_after", .positive(.seconds), .integer(1800), "How often old ones are removed."),
        OptionRow("stale_h.geriatric", .positive(.seconds), .integer(3600), "When they are old."),
    ]

    private static let sharedRosterKeys: [(key: String, kind: OptionKind, default: OptionDefault, sentence: String)] = [
        ("pool_tag", .name, .computed("auth.ldap.pool_tag"), "The pool of connections."),
        ("base", .name, .computed("auth.ldap.base"), "Where groups are searched."),
        ("deref", .choices("never", "always", "finding", "searching"), .computed("auth.ldap.deref"), "When aliases are followed."),
        ("groupattr", .name, .text("cn"), "The attribute with a group's name."),
        ("groupdesc", .name, .computed("groupattr"), "The attribute with a group's title."),
        ("userdesc", .name, .text("cn"), "The attribute with a user's title."),
        ("useruid", .name, .text("cn"), "The attribute with a user's id."),
        ("memberattr", .name, .text("memberUid"), "The attribute with the members' ids."),
        ("memberattr_format", .name, .text("%u"), "What a member's id looks like."),
        ("memberattr_format_re", .string, .text(""), "The same as a regular expression."),
        ("auth_check", .boolean, .boolean(true), "Show members with an account only."),
        ("user_cache_validity", .positive(.seconds), .integer(300), "How long users are remembered."),
        ("group_cache_validity", .positive(.seconds), .integer(300), "How long groups are remembered."),
        ("user_cache_size", .positive(), .integer(1000), "How many users are remembered."),
        ("group_cache_size", .positive(), .integer(1000), "How many groups are remembered."),
        ("rfilter", .string, .text(""), "The filter for all groups."),
        ("gfilter", .string, .text(""), "The filter for a group's members."),
        ("ufilter", .string, .text(""), "The filter for a user's title."),
        ("filter", .string, .text(""), "A filter that is added to the others."),
    ]

    private static let sharedRoster: [OptionRow] = sharedRosterKeys.flatMap { row in
        [
            OptionRow(row.key, row.kind, row.default, row.sentence, editions: .release62),
            OptionRow(
                "ldap_\(row.key)", row.kind, .unset, "The same as \(row.key).", editions: .release5,
                alias: .of(row.key)),
        ]
    }
}
