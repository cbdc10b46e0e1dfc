/// Modules that carry, keep and copy messages.
enum MessagingModuleOptions {
    static let rows: [OptionRow] = offline + copies + archive + oldArchive + inbox + upload

    private static let offline: [OptionRow] =
        ModuleOptionRows.module(
            "mod_offline", "Messages for users who are not there (XEP-0160).", state: .inEffect,
            [
                ModuleOptionRows.backend("mnesia", "rdbms", "riak"),
                OptionRow(
                    "access_max_user_messages", .name, .text("max_user_offline_messages"),
                    "The access rule whose value says how many messages a user may have."),
                OptionRow(
                    "store_groupchat_messages", .boolean, .boolean(false), "Keep messages of rooms, too."),
            ])
        + ModuleOptionRows.module("mod_offline_stub", "Drop messages for users who are not there, without an error.")
        + ModuleOptionRows.module(
            "mod_offline_chatmarkers", "Keep chat markers for users who are not there.",
            [
                ModuleOptionRows.backend("mnesia", "rdbms", "riak"),
                OptionRow(
                    "store_groupchat_messages", .boolean, .boolean(false), "Keep those of rooms, too."),
            ])

    private static let copies: [OptionRow] =
        ModuleOptionRows.module(
            "mod_carboncopy", "A user's other resources see both sides of a conversation (XEP-0280).", state: .inEffect)
        + ModuleOptionRows.module("mod_amp", "Conditions on delivery (XEP-0079).")
        + ModuleOptionRows.module(
            "mod_smart_markers", "The last chat markers of each conversation.",
            [
                ModuleOptionRows.backend("rdbms", "rdbms_async"),
                OptionRow("keep_private", .boolean, .boolean(false), "Keep private markers in rooms."),
                OptionRow("async_writer", .section, .unset, "Writing in batches."),
                OptionRow("async_writer.pool_size", .natural(), .unset, "How many writers there are."),
            ])

    private static let code = OptionState.accepted("there is no code to choose; the usual one is built in")
    private static let format = OptionState.accepted("messages are kept in one form, as XML")
    private static let remembered = OptionState.accepted("each worker remembers the numbers of 20,000 addresses")
    private static let gathered = OptionState.accepted(
        "what has gathered is committed together, at once or after 50 ms, and nobody's message is acknowledged before")

    /// What holds for all archives, and may be said anew for those of users and of rooms.
    private static let everyArchive: [OptionRow] = [
        ModuleOptionRows.backend("rdbms", "cassandra", "elasticsearch", "riak"),
        OptionRow("no_stanzaid_element", .boolean, .boolean(false), "Add no archive id to messages.", state: .inEffect),
        OptionRow(
            "is_archivable_message", .choices("mod_mam_utils"), .text("mod_mam_utils"),
            "The code that decides what is archived.", state: code),
        OptionRow(
            "send_message", .choices("mod_mam_utils"), .text("mod_mam_utils"), "The code that sends results.", state: code),
        OptionRow("archive_chat_markers", .boolean, .boolean(false), "Archive chat markers.", state: .inEffect),
        OptionRow(
            "message_retraction", .boolean, .boolean(true), "Put a tombstone in the place of a message that is retracted.",
            state: .inEffect),
        OptionRow(
            "user_prefs_store", .either([.choices("rdbms", "cassandra", "mnesia"), .boolean]), .unset,
            "Where preferences are kept: with any value in the database, without one users have none.", state: .inEffect),
        OptionRow(
            "full_text_search", .boolean, .boolean(true), "Let archives be searched by words, 16 MiB of messages with one query.",
            state: .inEffect),
        OptionRow(
            "cache_users", .boolean, .boolean(true), "Remember archive ids of users.", state: remembered),
        OptionRow(
            "default_result_limit", .natural(), .integer(50), "How many results a query has if it names no number.",
            state: .inEffect),
        OptionRow("max_result_limit", .natural(), .integer(50), "How many results a query has at most.", state: .inEffect),
        OptionRow("enforce_simple_queries", .boolean, .boolean(false), "Never count results.", state: .inEffect),
        OptionRow(
            "delete_domain_limit", .naturalOrInfinity(), .infinity, "How many rows are deleted at once.",
            state: .accepted("archives are removed in the background, 500 messages at a time")),
        OptionRow(
            "db_jid_format", .choices("mam_jid_rfc", "mam_jid_rfc_trust", "mam_jid_mini"), .unset,
            "How addresses are stored.", state: format),
        OptionRow(
            "db_message_format", .choices("mam_message_xml", "mam_message_eterm", "mam_message_compressed_eterm"), .unset,
            "How messages are stored.", state: format),
        OptionRow(
            "extra_fin_element", .choices("mod_mam_utils"), .unset, "Code that adds to the end of results.", state: code),
        OptionRow("extra_lookup_params", .choices("mod_mam_utils"), .unset, "Code that adds to queries.", state: code),
    ]

    private static let writer: [OptionRow] = [
        OptionRow("async_writer.enabled", .boolean, .boolean(true), "Whether to.", state: gathered),
        OptionRow(
            "async_writer.flush_interval", .natural(.milliseconds), .integer(2000), "How long a message waits.", state: gathered),
        OptionRow("async_writer.batch_size", .natural(), .integer(30), "How many messages make a batch.", state: gathered),
        OptionRow(
            "async_writer.pool_size", .natural(), .computed("4 a processor"), "How many writers there are.", state: gathered),
    ]

    private static func writerTable(_ kind: OptionKind, _ default: OptionDefault) -> OptionRow {
        OptionRow("async_writer", kind, `default`, "Writing in batches.", state: gathered)
    }

    /// Archives of users, and of rooms: each may have most keys anew, and without an own value has the common one.
    private static func parts(_ writerTable: OptionRow, _ own: [OptionRow] = []) -> [OptionRow] {
        let anew =
            everyArchive.map { OptionRow($0.path, $0.kind, .unset, $0.sentence, state: $0.declaredState) } + own
            + [writerTable] + writer
        let rooms = anew.map { row in
            let state: OptionState = row.state == .inEffect ? .notYet : row.state
            return OptionRow(row.path, row.kind, row.default, row.sentence, state: state)
        }
        return [OptionRow("pm", .section, .unset, "Archives of users; without this table there are none.", state: .inEffect)]
            + OptionRow.under(
                "pm",
                [
                    OptionRow(
                        "archive_groupchats", .boolean, .boolean(false), "Archive messages of rooms, too.", state: .inEffect),
                    OptionRow(
                        "same_mam_id_for_peers", .boolean, .boolean(false), "Give both sides the same archive id.",
                        state: .accepted("a message between two users of this server always has one id")),
                ] + anew)
            + [OptionRow("muc", .section, .unset, "Archives of rooms.", state: .notYet)]
            + OptionRow.under(
                "muc", state: .notYet,
                [OptionRow("host", .text(.hostPattern), .text("conference.@HOST@"), "The domain of the rooms.")] + rooms)
    }

    private static let cache =
        [OptionRow("cache", .section, .present, "How they are remembered.", state: remembered)]
        + ModuleOptionRows.cache("cache", state: remembered)

    private static let archive: [OptionRow] = ModuleOptionRows.module(
        "mod_mam", "Archives of messages (XEP-0313).", editions: [.release62, .release63], state: .inEffect,
        everyArchive + cache + [writerTable(.section, .present)] + writer + parts(writerTable(.section, .unset)))

    /// Release 5 has these keys beside the tables, or instead of them.
    private static let oldWriter: [OptionRow] = [
        OptionRow(
            "flush_interval", .natural(.milliseconds), .unset, "How long a message waits.", state: gathered),
        OptionRow("max_batch_size", .natural(), .unset, "How many messages make a batch.", state: gathered),
        OptionRow(
            "rdbms_message_format", .choices("internal", "simple"), .unset, "How messages are stored.", state: format),
    ]

    private static let oldArchive: [OptionRow] = ModuleOptionRows.module(
        "mod_mam_meta", "Archives of messages: the old name of mod_mam.", editions: .release5, state: .inEffect,
        everyArchive + cache + [writerTable(.sectionOr(.boolean), .unset)] + writer + oldWriter
            + parts(writerTable(.sectionOr(.boolean), .unset), oldWriter))

    private static let inbox: [OptionRow] = ModuleOptionRows.module(
        "mod_inbox", "A user's conversations with what is unread.",
        [
            ModuleOptionRows.backend("rdbms", "rdbms_async"),
            OptionRow("async_writer", .section, .present, "Writing in batches.", editions: .release62),
            OptionRow(
                "async_writer.pool_size", .natural(), .computed("2 a processor"), "How many writers there are.",
                editions: .release62),
            OptionRow("boxes", .strings, .list([]), "Further boxes.", editions: .release62),
            OptionRow("bin_ttl", .natural(.days), .integer(30), "How long the bin is kept.", editions: .release62),
            OptionRow(
                "bin_clean_after", .natural(.hours), .integer(1), "How often the bin is emptied.", editions: .release62),
            OptionRow(
                "delete_domain_limit", .naturalOrInfinity(), .infinity, "How many rows are deleted at once.",
                editions: .release62),
            OptionRow(
                "reset_markers", .names(["displayed", "received", "acknowledged"]), .list(["displayed"]),
                "The chat markers that make messages read."),
            OptionRow(
                "groupchat", .names(["muc", "muclight"]), .list(["muclight"]), "The kinds of rooms that are listed."),
            OptionRow("aff_changes", .boolean, .boolean(true), "List changes of membership."),
            OptionRow("remove_on_kicked", .boolean, .boolean(true), "Remove a room the user was thrown out of."),
            OptionRow(
                "max_result_limit", .positiveOrInfinity(), .infinity, "How many conversations a query has.",
                editions: .release62),
        ])

    private static let upload: [OptionRow] = ModuleOptionRows.module(
        "mod_http_upload", "Slots for the upload of files (XEP-0363).",
        [
            ModuleOptionRows.backend("s3"),
            OptionRow("host", .text(.hostPattern), .text("upload.@HOST@"), "The domain of the service."),
            OptionRow("expiration_time", .positive(.seconds), .integer(60), "How long a slot can be used."),
            OptionRow("token_bytes", .positive(.bytes), .integer(32), "The length of the random part of a name."),
            OptionRow("max_file_size", .positive(.bytes), .unset, "The largest file."),
            OptionRow("s3", .section, .required, "A store of the kind of Amazon S3."),
            OptionRow("s3.bucket_url", .name, .required, "The address of the bucket."),
            OptionRow("s3.add_acl", .boolean, .boolean(false), "Ask for files that everybody can read."),
            OptionRow("s3.region", .string, .required, "The region."),
            OptionRow("s3.access_key_id", .string, .required, "The name of the key."),
            OptionRow("s3.secret_access_key", .secret, .required, "The key."),
        ])
}
