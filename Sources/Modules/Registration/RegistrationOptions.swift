public import Configuration

/// `[modules.mod_register]`.
public struct RegistrationOptions: ModuleOptionSet {
    var access = "all"
    var welcomeSubject = ""
    var welcomeBody = ""
    var watchers: [String] = []
    var passwordStrength = 0
    var networks: [AddressPolicy] = []

    public static let keys: [ModuleOption<Self>] = [
        .init("access", \.access), .init("welcome_message.subject", \.welcomeSubject),
        .init("welcome_message.body", \.welcomeBody), .init("registration_watchers", \.watchers),
        .init("password_strength", \.passwordStrength), .init(tables: "ip_access", \.networks),
    ]

    public init() {}

    /// `[[modules.mod_register.ip_access]]`.
    struct AddressPolicy: ModuleOptionSet {
        var address = ""
        var policy = Policy.deny

        enum Policy: String, OptionChoice { case allow, deny }

        static let keys: [ModuleOption<Self>] = [.init("address", \.address), .init("policy", \.policy)]
    }
}
