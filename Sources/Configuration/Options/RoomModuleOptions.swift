/// Modules for rooms and for publishing.
enum RoomModuleOptions {
    static let rows: [OptionRow] = rooms + defaultRoom + lightRooms + roomLog + publishing

    private static let rooms: [OptionRow] = ModuleOptionRows.module(
        "mod_muc", "Rooms (XEP-0045).",
        [
            ModuleOptionRows.backend("mnesia", "rdbms"),
            OptionRow("host", .text(.hostPattern), .text("conference.@HOST@"), "The domain of the rooms."),
            OptionRow(
                "online_backend", .choices("mnesia", "cets"), .text("mnesia"), "Where open rooms are registered.",
                editions: .release62),
            OptionRow("access", .name, .text("all"), "The access rule for the use of rooms."),
            OptionRow("access_create", .name, .text("all"), "The access rule for the creation of rooms."),
            OptionRow("access_admin", .name, .text("none"), "The access rule for administrators of rooms."),
            OptionRow("access_persistent", .name, .text("all"), "The access rule for making rooms permanent."),
            OptionRow("history_size", .natural(), .integer(20), "How many messages a newcomer sees."),
            OptionRow("room_shaper", .name, .text("none"), "The shaper of a room's messages."),
            OptionRow("max_room_id", .naturalOrInfinity(), .infinity, "The longest local part of an address."),
            OptionRow("max_room_name", .naturalOrInfinity(), .infinity, "The longest name."),
            OptionRow("max_room_desc", .naturalOrInfinity(), .infinity, "The longest description."),
            OptionRow("min_message_interval", .natural(.seconds), .integer(0), "The shortest time between a user's messages."),
            OptionRow("min_presence_interval", .natural(.seconds), .integer(0), "The shortest time between a user's presences."),
            OptionRow("max_users", .positive(), .integer(200), "How many may be in a room."),
            OptionRow(
                "max_users_admin_threshold", .positive(), .integer(5), "How many administrators beyond that."),
            OptionRow("user_message_shaper", .name, .text("none"), "The shaper of a user's messages."),
            OptionRow("user_presence_shaper", .name, .text("none"), "The shaper of a user's presences."),
            OptionRow("max_user_conferences", .natural(), .integer(10), "How many rooms a user may be in."),
            OptionRow("http_auth_pool", .name, .text("none"), "The pool that is asked about passwords of rooms."),
            OptionRow(
                "load_permanent_rooms_at_startup", .boolean, .boolean(false), "Open permanent rooms at start."),
            OptionRow(
                "hibernate_timeout", .naturalOrInfinity(.milliseconds), .integer(90000),
                "How long a room is idle before its memory is given back."),
            OptionRow(
                "hibernated_room_check_interval", .naturalOrInfinity(.milliseconds), .infinity,
                "How often such rooms are looked at."),
            OptionRow(
                "hibernated_room_timeout", .naturalOrInfinity(.milliseconds), .infinity,
                "How long such a room stays open."),
            OptionRow("default_room", .section, .present, "What a new room is like."),
        ])

    private static let defaultRoom: [OptionRow] = OptionRow.under(
        "modules.mod_muc.default_room", state: .notYet,
        [
            OptionRow("title", .string, .text(""), "Its title."),
            OptionRow("description", .string, .text(""), "Its description."),
            OptionRow("allow_change_subj", .boolean, .boolean(true), "Everybody may change the subject."),
            OptionRow("allow_query_users", .boolean, .boolean(true), "Occupants may send queries to one another."),
            OptionRow("allow_private_messages", .boolean, .boolean(true), "Occupants may write to one another."),
            OptionRow("allow_visitor_status", .boolean, .boolean(true), "Visitors may send a status."),
            OptionRow("allow_visitor_nickchange", .boolean, .boolean(true), "Visitors may change their names."),
            OptionRow("public", .boolean, .boolean(true), "The room is listed."),
            OptionRow("public_list", .boolean, .boolean(true), "Its occupants are listed."),
            OptionRow("persistent", .boolean, .boolean(false), "It stays when it is empty."),
            OptionRow("moderated", .boolean, .boolean(true), "Only those with a voice may speak."),
            OptionRow("members_by_default", .boolean, .boolean(true), "Who enters has a voice."),
            OptionRow("members_only", .boolean, .boolean(false), "Only members may enter."),
            OptionRow("allow_user_invites", .boolean, .boolean(false), "Everybody may invite."),
            OptionRow("allow_multiple_sessions", .boolean, .boolean(false), "A user may enter several times."),
            OptionRow("password_protected", .boolean, .boolean(false), "A password is needed."),
            OptionRow("password", .either([.secret, .string]), .unset, "The password."),
            OptionRow("anonymous", .boolean, .boolean(true), "Real addresses are hidden."),
            OptionRow("max_users", .positiveOrInfinity(), .integer(200), "How many may be in it."),
            OptionRow("logging", .boolean, .boolean(false), "It is logged."),
            OptionRow(
                "maygetmemberlist", .names(["moderator", "participant", "visitor"]), .list([]),
                "Who may ask for the list of members."),
            OptionRow("affiliations", .sections, .unset, "Who belongs to it."),
            OptionRow("affiliations[].user", .name, .required, "The user."),
            OptionRow("affiliations[].server", .text(.domain), .required, "The user's domain."),
            OptionRow("affiliations[].resource", .string, .required, "The user's resource."),
            OptionRow("affiliations[].affiliation", .name, .required, "What the user is there."),
            OptionRow("subject", .string, .text(""), "Its subject."),
            OptionRow("subject_author", .string, .text(""), "Who set the subject."),
        ])

    private static let lightRooms: [OptionRow] = ModuleOptionRows.module(
        "mod_muc_light", "Light rooms, with membership instead of presence.",
        [
            ModuleOptionRows.backend("mnesia", "rdbms"),
            OptionRow("host", .text(.hostPattern), .text("muclight.@HOST@"), "The domain of the rooms."),
            OptionRow("cache_affs", .section, .unset, "Remember who belongs to a room."),
            OptionRow("allow_multiple_owners", .boolean, .boolean(false), "Rooms may have several owners.", editions: .later),
            OptionRow(
                "promote_on_last_owner_leave", .boolean, .boolean(true), "Somebody becomes the owner when the last one leaves.",
                editions: .later),
            OptionRow("equal_occupants", .boolean, .boolean(false), "Rooms have no owner."),
            OptionRow("legacy_mode", .boolean, .boolean(false), "Speak the protocol of ordinary rooms."),
            OptionRow("rooms_per_user", .positiveOrInfinity(), .infinity, "How many rooms a user may be in."),
            OptionRow("blocking", .boolean, .boolean(true), "Users may block rooms and users."),
            OptionRow("all_can_configure", .boolean, .boolean(false), "Everybody may change a room."),
            OptionRow("all_can_invite", .boolean, .boolean(false), "Everybody may add users."),
            OptionRow("max_occupants", .positiveOrInfinity(), .infinity, "How many may be in a room."),
            OptionRow("rooms_per_page", .positiveOrInfinity(), .integer(10), "How many rooms an answer lists."),
            OptionRow("rooms_in_rosters", .boolean, .boolean(false), "Show rooms in contact lists."),
            OptionRow("config_schema", .sections, .unset, "A setting that rooms have."),
            OptionRow("config_schema[].field", .name, .required, "Its name."),
            OptionRow("config_schema[].string_value", .string, .unset, "Its default, a string."),
            OptionRow("config_schema[].integer_value", .integer(Int64.min...Int64.max, .none), .unset, "Its default, an integer."),
            OptionRow("config_schema[].float_value", .float, .unset, "Its default, a number."),
            OptionRow("config_schema[].internal_key", .name, .unset, "The name it is stored under."),
        ] + ModuleOptionRows.cache("cache_affs"))

    private static let roomLog: [OptionRow] = ModuleOptionRows.module(
        "mod_muc_log", "Logs of rooms in files.",
        [
            OptionRow("outdir", .path, .text("www/muc"), "The directory of the logs."),
            OptionRow("access_log", .name, .text("muc_admin"), "The access rule for switching logs on."),
            OptionRow("dirtype", .choices("subdirs", "plain"), .text("subdirs"), "Directories for months, or none."),
            OptionRow("dirname", .choices("room_jid", "room_name"), .text("room_jid"), "How a room's directory is named."),
            OptionRow("file_format", .choices("html", "plaintext"), .text("html"), "What the files are."),
            OptionRow("css_file", .file(.any), .unset, "The style of HTML files."),
            OptionRow("timezone", .choices("local", "universal"), .text("local"), "The time in the files."),
            OptionRow("top_link", .section, .unset, "The link at the top of HTML files."),
            OptionRow("top_link.target", .name, .required, "Where it leads."),
            OptionRow("top_link.text", .name, .required, "What it says."),
            OptionRow("spam_prevention", .boolean, .boolean(true), "Keep search engines from following links."),
        ])

    private static let publishing: [OptionRow] =
        ModuleOptionRows.module(
            "mod_pubsub", "Publishing and subscribing (XEP-0060, XEP-0163).",
            nodes + [
                OptionRow(
                    "max_items_per_node", .naturalOrInfinity(), .infinity, "The most items that a node may keep.", editions: .later)
            ])
        + ModuleOptionRows.module("mod_pubsub_old", "What mod_pubsub was before.", editions: .later, nodes)

    private static let nodes: [OptionRow] =
        [
            ModuleOptionRows.backend("mnesia", "rdbms"),
            OptionRow("host", .text(.hostPattern), .text("pubsub.@HOST@"), "The domain of the service."),
            OptionRow("access_createnode", .name, .text("all"), "The access rule for creating nodes."),
            OptionRow("max_items_node", .natural(), .integer(10), "How many items a node keeps."),
            OptionRow("max_subscriptions_node", .natural(), .unset, "How many subscribers a node has."),
            OptionRow("nodetree", .choices("tree", "dag"), .text("tree"), "How nodes are arranged."),
            OptionRow("ignore_pep_from_offline", .boolean, .boolean(true), "Send no items of users who are not there."),
            OptionRow(
                "last_item_cache", .choices("mnesia", "rdbms", "false"), .text("false"),
                "Where last items are remembered."),
            OptionRow("plugins", .names(["flat", "hometree", "dag", "push", "pep"]), .list(["flat"]), "The kinds of nodes."),
            OptionRow("pep_mapping", .sections, .unset, "Kinds of nodes for single namespaces."),
            OptionRow("pep_mapping[].namespace", .name, .required, "The namespace."),
            OptionRow("pep_mapping[].node", .name, .required, "The kind."),
            OptionRow("default_node_config", .section, .unset, "What a new node is like."),
            OptionRow("item_publisher", .boolean, .boolean(false), "Say who published an item."),
            OptionRow("sync_broadcast", .boolean, .boolean(false), "Answer after everybody was told."),
        ] + nodeConfiguration + ModuleOptionRows.senders("wpool")

    private static let nodeConfiguration: [OptionRow] = OptionRow.under(
        "default_node_config",
        [
            OptionRow("access_model", .name, .unset, "Who may subscribe."),
            OptionRow("deliver_notifications", .boolean, .unset, "Tell subscribers of items."),
            OptionRow("deliver_payloads", .boolean, .unset, "Send the items themselves."),
            OptionRow("max_items", .naturalOrInfinity(), .unset, "How many items a node keeps."),
            OptionRow("max_payload_size", .natural(.bytes), .unset, "The largest item."),
            OptionRow("node_type", .name, .unset, "Whether a node holds items or nodes."),
            OptionRow("notification_type", .name, .unset, "The type of the messages."),
            OptionRow("notify_config", .boolean, .unset, "Tell of a change of the node's settings."),
            OptionRow("notify_delete", .boolean, .unset, "Tell of the end of a node."),
            OptionRow("notify_retract", .boolean, .unset, "Tell of the removal of items."),
            OptionRow("persist_items", .boolean, .unset, "Keep items."),
            OptionRow("presence_based_delivery", .boolean, .unset, "Send to who is there only."),
            OptionRow("publish_model", .name, .unset, "Who may publish."),
            OptionRow("purge_offline", .boolean, .unset, "Remove items of who goes away."),
            OptionRow("roster_groups_allowed", .strings, .unset, "Groups of contacts that may subscribe."),
            OptionRow("send_last_published_item", .name, .unset, "When a subscriber gets the last item."),
            OptionRow("subscribe", .boolean, .unset, "Let others subscribe."),
        ])
}
