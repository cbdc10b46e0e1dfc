/// `[modules.*]`: exactly the modules that are named are loaded.
enum ModuleOptionRows {
    static let rows: [OptionRow] =
        [OptionRow("modules", .section, .present, "The modules that are loaded, and nothing else.", effect: ReloadEffect.modules)]
        + OptionRow.under("modules.*", common)
        + CoreModuleOptions.rows + MessagingModuleOptions.rows + RoomModuleOptions.rows
        + PushModuleOptions.rows + OutdatedModuleOptions.rows + LaterReleaseOptions.modules

    /// The rows of one module; `state` is that of the module, and of its keys unless they say otherwise.
    static func module(
        _ name: String, _ sentence: String, editions: Editions = .both, state: OptionState = .notYet,
        _ keys: [OptionRow] = []
    ) -> [OptionRow] {
        [OptionRow("modules.\(name)", .section, .unset, sentence, editions: editions, state: state, effect: ReloadEffect.modules)]
            + OptionRow.under("modules.\(name)", state: state, keys)
    }

    /// Where a module of the original keeps its data.
    static func backend(_ values: String...) -> OptionRow {
        OptionRow(
            "backend", .choice(values), .unset, "Where the module keeps its data.",
            state: .accepted("the database of [xmppd] serves every value"))
    }

    private static let strategies = [
        "best_worker", "random_worker", "next_worker", "available_worker", "next_available_worker",
    ]

    /// A group of senders in the original; here the loops of the workers send.
    static func senders(_ table: String) -> [OptionRow] {
        [
            OptionRow(table, .section, .unset, "How many senders there are."),
            OptionRow("\(table).workers", .positive(), .unset, "How many."),
            OptionRow("\(table).strategy", .choice(strategies), .unset, "Which of them is taken."),
            OptionRow("\(table).call_timeout", .positive(.milliseconds), .unset, "How long an answer may take."),
        ]
    }

    /// A cache of the original's.
    static func cache(_ table: String, state: OptionState? = nil) -> [OptionRow] {
        OptionRow.under(
            table, state: state,
            [
                OptionRow("module", .choices("mod_cache_users", "internal"), .text("internal"), "In which cache."),
                OptionRow("strategy", .choices("fifo", "lru"), .text("fifo"), "What is forgotten first."),
                OptionRow("time_to_live", .positiveOrInfinity(.minutes), .integer(480), "How long."),
                OptionRow("number_of_segments", .positive(), .integer(3), "How many parts the cache has."),
            ])
    }

    private static let scheduling = OptionState.accepted("every stanza of a session is handled in order")

    /// How the original schedules queries.
    static let scheduled: [OptionRow] = [
        OptionRow("iqdisc", .section, .unset, "How queries are scheduled.", state: scheduling),
        OptionRow(
            "iqdisc.type", .choices("one_queue", "no_queue", "queues", "parallel"), .unset,
            "One queue, none, several, or all at once.", state: scheduling),
        OptionRow("iqdisc.workers", .positive(), .unset, "How many queues.", state: scheduling),
    ]

    private static let common: [OptionRow] =
        scheduled + [
            backend("mnesia", "rdbms", "rdbms_async", "cets", "redis", "ldap", "cassandra", "elasticsearch", "s3"),
            OptionRow(
                "riak", .free, .unset, "Names of buckets in Riak.", editions: .release5,
                state: .accepted("support for Riak was removed")),
        ]
}
