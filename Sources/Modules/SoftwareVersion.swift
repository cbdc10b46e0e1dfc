public import Configuration
internal import Glibc
internal import IPC
public import Kernel
internal import Network
internal import XML
internal import XMPP

/// XEP-0092: the server's name and version, and the operating system if the operator allows it (`os_info`).
public final class SoftwareVersion: Module {
    public nonisolated static let name = "mod_version"
    public nonisolated static let implements = [XEP(92, "Software Version", version: "1.1")]

    private static let namespace = "jabber:iq:version"

    private let answer: Element

    public init(options: SoftwareVersionOptions) {
        var facts = [("name", ServerVersion.name), ("version", ServerVersion.number)]
        if options.namesSystem, let system = Self.system() { facts.append(("os", system)) }
        answer = Element("query", Self.namespace, [:], facts.map { Element($0, Self.namespace, text: $1) })
    }

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.advertise(Self.namespace)
        declarations.iq.on("query", Self.namespace, at: .server) { [answer] (request) throws(StanzaError) in
            guard !request.isSet else { throw StanzaError(.notAllowed) }
            return answer
        }
    }

    /// The name and release of the operating system, `Linux 6.1.0`.
    private static func system() -> String? {
        var names = utsname()
        guard uname(&names) == 0 else { return nil }
        return text(&names.sysname) + " " + text(&names.release)
    }

    /// The text in a field of fixed size.
    private static func text<Field>(_ field: inout Field) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// `[modules.mod_version]`.
public struct SoftwareVersionOptions: ModuleOptionSet {
    var namesSystem = false

    public static let keys: [ModuleOption<Self>] = [.init("os_info", \.namesSystem)]

    public init() {}
}
