internal import Configuration
public import Kernel
internal import Network
internal import Storage
internal import XML
internal import XMPP

/// XEP-0313: archives the messages that users send and receive, for their clients to query.
///
/// A message gets its id before it is routed, so that its recipients can be told (XEP-0359); it is archived after that, once
/// for both sides (`ArchiveWriter`). It is acknowledged to its sender when it is committed; delivery does not wait.
public final class Archive: Module {
    public nonisolated static let name = "mod_mam"
    public nonisolated static let oldNames = ["mod_mam_meta"]
    public nonisolated static let implements = [
        XEP(59, "Result Set Management", version: "1.0"),
        XEP(313, "Message Archive Management", version: "1.1.3"),
        XEP(359, "Unique and Stable Stanza IDs", version: "0.7.0"),
        XEP(424, "Message Retraction", version: "0.4.2"),
        XEP(441, "Message Archive Management Preferences", version: "0.2.0"),
    ]

    nonisolated static let namespace = "urn:xmpp:mam:2"
    /// The namespace of version 0.5, which many clients still use; the answers are the same.
    nonisolated static let earlierNamespace = "urn:xmpp:mam:1"
    nonisolated static let namespaces = [namespace, earlierNamespace]

    private let options: ArchiveOptions

    public init(options: ArchiveOptions) { self.options = options }

    public func install(_ declarations: inout Declarations, on host: Host) {
        guard options.keepsUsers else { return }
        let writer = ArchiveWriter.of(host.server)
        let preferences = options.hasPreferences ? ArchivePreferenceCache(host) : nil
        preferences?.install(&declarations)
        advertise(in: &declarations)
        writer.install(&declarations, on: host)
        ArchiveHooks(host, writer, options, preferences).install(&declarations)
        ArchiveQueryHandler(host, writer, options).install(&declarations)
        ArchivePreferenceService.install(&declarations, preferences)
        declarations.hooks.accountRemoved.add { user in
            preferences?.announceChange(of: user.local)
            writer.collectGarbage()
        }
        writer.collectGarbage()
    }

    private func advertise(in declarations: inout Declarations) {
        var features = Self.namespaces + [Self.namespace + "#extended", Self.namespace + "#groupchat-field", ResultSet.namespace]
        if options.keepsGroupchat { features.append(Self.namespace + "#groupchat-available") }
        for namespace in [MessageRetraction.namespace, MessageRetraction.earlier] {
            features.append(namespace)
            if options.retracts { features.append(namespace + "#tombstone") }
        }
        if options.retracts { features.append(MessageRetraction.byStanzaID) }
        // XEP-0313 §6 has them on the account; some clients ask the server.
        for feature in features {
            declarations.features.advertise(feature)
            declarations.features.advertiseAccount(feature)
        }
        if options.tellsIDs { declarations.features.advertiseAccount(StanzaID.namespace) }
    }
}
