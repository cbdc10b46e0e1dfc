public import Configuration
public import Kernel
internal import Network
internal import XML
internal import XMPP

/// XEP-0202: the server's time and its offset from UTC.
public final class EntityTime: Module {
    public nonisolated static let name = "mod_time"
    public nonisolated static let implements = [XEP(202, "Entity Time", version: "2.0")]

    private static let namespace = "urn:xmpp:time"

    public init(options: NoModuleOptions) {}

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.advertise(Self.namespace)
        declarations.iq.on("time", Self.namespace, at: .server) { (request) throws(StanzaError) in
            guard !request.isSet else { throw StanzaError(.notAllowed) }
            let now = ClockText.now
            return Element(
                "time", Self.namespace, [:],
                [
                    Element("tzo", Self.namespace, text: ClockText.offset(seconds: ClockText.localOffset(at: now))),
                    Element("utc", Self.namespace, text: ClockText.utc(now)),
                ])
        }
    }
}
