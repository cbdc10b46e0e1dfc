public import Kernel

/// All modules; their order has no effect. A new module is one line here.
public enum Catalog {
    public static let modules: [any Module.Type] = [
        Archive.self,
        Blocking.self,
        Carbons.self,
        ClientState.self,
        Disco.self,
        EntityCapabilities.self,
        EntityTime.self,
        LastActivity.self,
        OfflineMessages.self,
        Ping.self,
        Presence.self,
        PrivateStorage.self,
        Registration.self,
        Roster.self,
        SoftwareVersion.self,
        StreamManagement.self,
        VCardTemp.self,
    ]
}
