/// One element of `[[listen.service]]`, or of `[[listen.component]]`, which is another name for it (XEP-0114).
@dynamicMemberLookup
public struct ComponentListenerConfiguration: Sendable, Equatable {
    /// Which of two components for one domain has to go.
    public enum ConflictBehaviour: String, Sendable {
        /// The new one.
        case disconnect
        /// The old one.
        case kickOld = "kick_old"
    }

    public let stream: StreamListenerConfiguration
    /// The access rule that decides who may send to its components; `all` without one.
    public let access: String
    public let password: Secret
    /// The name of the shaper of what a component sends; `none` without one.
    public let shaper: String
    /// Whether what a component sends must be from its own domain.
    public let checksFrom: Bool
    /// Whether its components are left out of service discovery.
    public let hidesComponents: Bool
    public let conflictBehaviour: ConflictBehaviour
    /// From the first byte on; nil: no TLS here.
    public let tls: TLSListenerConfiguration?

    /// - Parameter index: among those under both names, from 1.
    init?(_ table: SettingTable, _ place: String, index: Int, general: GeneralConfiguration) {
        guard let password = table.secret("password") else { return nil }
        self.password = password
        stream = StreamListenerConfiguration(table, place, index: index, general, stateTimeout: "state_timeout")
        access = table.string("access") ?? "all"
        shaper = table.string("shaper_rule") ?? "none"
        checksFrom = table.boolean("check_from") ?? true
        hidesComponents = table.boolean("hidden_components") ?? false
        conflictBehaviour = table.string("conflict_behaviour").flatMap(ConflictBehaviour.init(rawValue:)) ?? .disconnect
        tls = table.table("tls").map { TLSListenerConfiguration($0, module: .justTLS) }
    }

    static func all(in tree: SettingTable, _ general: GeneralConfiguration) -> [ComponentListenerConfiguration] {
        let places = ["service", "component"].flatMap { section in
            tree.tables("listen.\(section)").enumerated().map { ("listen.\(section)[\($0.offset + 1)]", $0.element) }
        }
        return places.enumerated().compactMap { index, place in
            ComponentListenerConfiguration(place.1, place.0, index: index + 1, general: general)
        }
    }

    public subscript<Value>(dynamicMember key: KeyPath<StreamListenerConfiguration, Value>) -> Value { stream[keyPath: key] }
}
