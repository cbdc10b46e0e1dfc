internal import SASL
internal import XML
internal import XMPP

/// The features element (RFC 6120 §4.3.2) before and after authentication.
enum StreamFeatures {
    private static let channelBinding = "urn:xmpp:sasl-cb:0"

    static func beforeAuthentication(
        tls: StreamOptions.TLSMode, mechanisms: [Mechanism], bindings: [ChannelBindingType], registers: Bool
    ) -> Element {
        var features: [Element] = []
        switch tls {
        case .none, .direct: break
        case .optional: features.append(Element("starttls", Namespace.tls))
        case .required:
            features.append(Element("starttls", Namespace.tls, [:], [Element("required", Namespace.tls)]))
        }
        if !mechanisms.isEmpty {
            let names = mechanisms.map { Element("mechanism", Namespace.sasl, text: $0.name) }
            features.append(Element("mechanisms", Namespace.sasl, [:], names))
        }
        if mechanisms.contains(where: \.bindsChannel) {
            // XEP-0440: a client cannot know otherwise which types will do.
            let types = bindings.map { Element("channel-binding", channelBinding, ["type": $0.rawValue]) }
            features.append(Element("sasl-channel-binding", channelBinding, [:], types))
        }
        if registers { features.append(Element("register", Namespace.registerFeature)) }
        return Element("features", Namespace.stream, [:], features)
    }

    /// The method of XEP-0138 that everyone has to have.
    static let compressionMethod = "zlib"

    static func afterAuthentication(compresses: Bool, listsSession: Bool, extra: [Element]) -> Element {
        var features: [Element] = []
        if compresses {
            let method = Element("method", Namespace.compressionFeature, text: compressionMethod)
            features.append(Element("compression", Namespace.compressionFeature, [:], [method]))
        }
        features.append(Element("bind", Namespace.bind))
        if listsSession {
            features.append(Element("session", Namespace.session, [:], [Element("optional", Namespace.session)]))
        }
        return Element("features", Namespace.stream, [:], features + extra)
    }
}
