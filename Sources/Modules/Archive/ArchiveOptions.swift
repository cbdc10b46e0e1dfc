public import Configuration

/// `[modules.mod_mam]`, for the archives of users. A key of `pm` takes precedence over the common one.
public struct ArchiveOptions: ModuleOptionSet {
    var keepsUsers = false
    var keepsGroupchat = false
    var keepsMarkers = false
    var retracts = true
    var hidesIDs = false
    var preferences = OptionalStore.none
    var isSearchable = true
    var countsNothing = false
    /// Results of a query without a number, and the most of any query: a larger number counts as the most.
    var usualResults = 50
    var mostResults = 50

    public static let keys: [ModuleOption<Self>] =
        [
            .init("archive_chat_markers", \.keepsMarkers), .init("message_retraction", \.retracts),
            .init("no_stanzaid_element", \.hidesIDs), .init("user_prefs_store", \.preferences),
            .init("full_text_search", \.isSearchable), .init("enforce_simple_queries", \.countsNothing),
            .init("default_result_limit", \.usualResults), .init("max_result_limit", \.mostResults),
        ] + users

    private static let users: [ModuleOption<Self>] = [
        .init(table: "pm", \.keepsUsers), .init("pm.archive_groupchats", \.keepsGroupchat),
        .init("pm.archive_chat_markers", over: \.keepsMarkers), .init("pm.message_retraction", over: \.retracts),
        .init("pm.no_stanzaid_element", over: \.hidesIDs), .init("pm.user_prefs_store", over: \.preferences),
        .init("pm.full_text_search", over: \.isSearchable), .init("pm.enforce_simple_queries", over: \.countsNothing),
        .init("pm.default_result_limit", over: \.usualResults), .init("pm.max_result_limit", over: \.mostResults),
    ]

    public init() {}

    var tellsIDs: Bool { !hidesIDs }
    var hasPreferences: Bool { preferences == .database }
}
