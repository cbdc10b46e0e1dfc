public import Configuration
public import Network

/// One function of the server that an operator switches on by naming it in `[modules]`.
///
/// Everything a module does for a host it declares in `install`: IQ handlers, hooks, features, topics. It keeps what belongs
/// to a session under a `SessionKey`, and reaches other workers only through the router and the host's events.
@LoopActor
public protocol Module: AnyObject, SendableMetatype {
    /// The name in the configuration, `mod_roster`.
    nonisolated static var name: String { get }
    nonisolated static var implements: [XEP] { get }
    /// Names that older releases have for it.
    nonisolated static var oldNames: [String] { get }
    /// Loaded also where the configuration does not name it.
    nonisolated static var isAlwaysOn: Bool { get }

    /// What the module reads of its section, once.
    associatedtype Options: ModuleOptionSet

    init(options: Options)

    /// Declares what the module does for a host. Handlers that reach it later refer to it unowned, or by their argument.
    func install(_ declarations: inout Declarations, on host: Host)
}

/// Modules declare the same, or an order that there cannot be. Only another program helps: a worker with such modules does
/// not start.
public struct ModuleConflict: Error, CustomStringConvertible {
    let faults: [String]

    public var description: String { "modules contradict each other: " + faults.joined(separator: "; ") }
}

extension Module {
    public nonisolated static var oldNames: [String] { [] }
    public nonisolated static var isAlwaysOn: Bool { false }

    static func make(_ settings: ModuleSettings) -> Self { Self(options: settings.options()) }
}
