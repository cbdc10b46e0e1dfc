public import Configuration

/// `[modules.mod_offline]`.
public struct OfflineOptions: ModuleOptionSet {
    var limitRule = "max_user_offline_messages"
    var keepsGroupchat = false

    public static let keys: [ModuleOption<Self>] = [
        .init("access_max_user_messages", \.limitRule), .init("store_groupchat_messages", \.keepsGroupchat),
    ]

    public init() {}
}
