internal import XML
internal import XMPP

/// The words of dialback (XEP-0220) and of streams in both directions (XEP-0288).
enum DialbackXML {
    static let namespace = "jabber:server:dialback"
    private static let feature = "urn:xmpp:features:dialback"

    /// Bytes of a key that is taken. Ours have 64, those of others are theirs to choose; a longer one is refused.
    static let longestKey = 512
    /// Bytes of a stream's id that is taken in a request to check a key. A longer one is refused.
    static let longestID = 512

    /// Says that errors are understood, so that more pairs may be tried on a stream.
    static var featureWithErrors: Element { Element("dialback", feature, [:], [Element("errors", feature)]) }

    static func takesErrors(_ features: Element) -> Bool { features.child("dialback", feature)?.has("errors", feature) ?? false }

    static func isOffered(_ features: Element) -> Bool { features.has("dialback", feature) }

    /// The request to be taken for `pair.local`.
    static func result(_ pair: DomainPair, key: String) -> Element {
        Element("result", namespace, ["from": pair.local, "to": pair.remote], text: key)
    }

    /// The request to check a key.
    static func verify(_ request: DialbackRequest) -> Element {
        Element(
            "verify", namespace, ["from": request.pair.local, "to": request.pair.remote, "id": request.streamID],
            text: request.key)
    }

    /// The answer to a request that came for the pair; `id` for one to check a key.
    static func answer(_ name: String, _ pair: DomainPair, id: String? = nil, _ answer: DialbackAnswer) -> Element {
        let (type, children): (String, [Element]) =
            switch answer {
            case .valid: ("valid", [])
            case .invalid: ("invalid", [])
            case .error(let condition, _): ("error", [StanzaError(condition).element])
            }
        return Element(name, namespace, ["from": pair.local, "to": pair.remote, "id": id, "type": type], children)
    }

    /// The pair of an element from a peer; nil if an address is missing or is not that of a server.
    static func pair(of element: Element) -> DomainPair? {
        guard let from = element["from"].flatMap(JID.preparedDomain), let to = element["to"].flatMap(JID.preparedDomain) else {
            return nil
        }
        return DomainPair(local: to, remote: from)
    }

    /// What the answer of a peer says; nil if it is no answer. The condition is that of the peer.
    static func answer(in element: Element) -> DialbackAnswer? {
        switch element["type"] {
        case "valid": .valid
        case "invalid": .invalid
        case "error":
            // Peers differ in the namespace of the error, which nobody but us needs to look at.
            .error(condition(in: element) ?? .undefinedCondition, reason: words(in: element))
        default: nil
        }
    }

    private static func error(in element: Element) -> Element? { element.children.first { $0.isNamed("error") } }

    private static func condition(in element: Element) -> StanzaError.Condition? {
        guard let error = error(in: element) else { return nil }
        return error.children.lazy.filter { $0.isIn(Namespace.stanzas) }.compactMap { StanzaError.Condition(rawValue: $0.name) }
            .first
    }

    private static func words(in element: Element) -> String {
        let text = error(in: element)?.child("text", Namespace.stanzas).map { PeerText.short($0.text) } ?? ""
        let name = condition(in: element)?.rawValue ?? "no condition"
        return text.isEmpty ? name : "\(name): \(text)"
    }
}

/// A request for both directions (XEP-0288).
enum BidiXML {
    static let namespace = "urn:xmpp:bidi"
    private static let feature = "urn:xmpp:features:bidi"

    static var offered: Element { Element("bidi", feature) }

    static func isOffered(_ features: Element) -> Bool { features.has("bidi", feature) }

    static func request(_ limits: StreamLimits) -> Element {
        Element("bidi", namespace, [:], limits.element.map { [$0] } ?? [])
    }
}

/// What a peer says for people, on its way into a log or a bounce.
enum PeerText {
    /// Characters of it that are kept; the rest is cut off.
    static let longest = 200

    static func short(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(longest).map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}

extension Element {
    /// The text directly inside it without white space around it, which people and old servers put there.
    var trimmedText: String {
        let text = text.utf8
        func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0a, 0x0d].contains(byte) }
        let start = text.firstIndex { !isSpace($0) } ?? text.endIndex
        let end = text.lastIndex { !isSpace($0) }.map { text.index(after: $0) } ?? start
        return String(text[start..<end]) ?? ""
    }
}
