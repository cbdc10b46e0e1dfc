/// `[modules.*]`: exactly the modules that are named are loaded.
enum ModuleOptionRows {
    static let rows: [OptionRow] =
        [OptionRow("modules", .section, .present, "The modules that are loaded, and nothing else.")]
        + OptionRow.under("modules.*", common)
        + CoreModuleOptions.rows + MessagingModuleOptions.rows + RoomModuleOptions.rows
        + PushModuleOptions.rows + OutdatedModuleOptions.rows

    /// The rows of one module; `state` is that of the module, and of its keys unless they say otherwise.
    static func module(
        _ name: String, _ sentence: String, editions: Editions = .both, state: OptionState = .notYet,
        _ keys: [OptionRow] = []
    ) -> [OptionRow] {
        [OptionRow("modules.\(name)", .section, .unset, sentence, editions: editions, state: state)]
            + OptionRow.under("modules.\(name)", state: state, keys)
    }

    private static let scheduling = OptionState.accepted("every stanza of a session is handled in order")

    private static let common: [OptionRow] = [
        OptionRow(
            "backend", .name, .unset, "Where the module keeps its data.",
            state: .accepted("the database of [xmppd] serves every value")),
        OptionRow("iqdisc", .section, .unset, "How queries are scheduled.", state: scheduling),
        OptionRow(
            "iqdisc.type", .choices("one_queue", "no_queue", "queues", "parallel"), .unset,
            "One queue, none, several, or all at once.", state: scheduling),
        OptionRow("iqdisc.workers", .positive(), .unset, "How many queues.", state: scheduling),
        OptionRow(
            "riak", .free, .unset, "Names of buckets in Riak.", editions: .release5,
            state: .accepted("support for Riak was removed")),
    ]
}
