public import Kernel

/// All modules, in the order in which their handlers are installed. A new module is one line here.
public enum Catalog {
    public static let modules: [any Module.Type] = [
        Presence.self,
        Roster.self,
    ]
}
