/// One element of `[[listen.c2s]]`. What all streams have is found in it as if it were its own.
@dynamicMemberLookup
public struct ClientListenerConfiguration: Sendable, Equatable {
    public let stream: StreamListenerConfiguration
    /// The name of an access rule.
    public let access: String
    /// The name of the access rule that yields a shaper's name; `none` without one.
    public let shaper: String
    /// In bytes; nil: no compression.
    public let zlib: Int?
    public let backwardsCompatibleSession: Bool
    /// Nil: all that the host has.
    public let allowedAuthMethods: [AuthenticationMethod]?
    /// Nil: no TLS here.
    public let tls: TLSListenerConfiguration?

    init(_ table: SettingTable, index: Int, general: GeneralConfiguration) {
        stream = StreamListenerConfiguration(
            table, "listen.c2s[\(index)]", index: index, general, stateTimeout: "c2s_state_timeout")
        access = table.string("access") ?? "all"
        shaper = table.string("shaper") ?? "none"
        zlib = table.integer("zlib")
        backwardsCompatibleSession = table.boolean("backwards_compatible_session") ?? true
        allowedAuthMethods = table.strings("allowed_auth_methods")?
            .compactMap(AuthenticationMethod.init(rawValue:))
        tls = table.table("tls").map { TLSListenerConfiguration($0) }
    }

    public subscript<Value>(dynamicMember key: KeyPath<StreamListenerConfiguration, Value>) -> Value { stream[keyPath: key] }
}
