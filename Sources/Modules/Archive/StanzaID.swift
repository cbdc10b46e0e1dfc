internal import XML
internal import XMPP

/// The ids that an account gives the messages of its archive (XEP-0359).
enum StanzaID {
    static let namespace = "urn:xmpp:sid:0"

    static func element(_ id: String, by user: JID) -> Element {
        Element("stanza-id", namespace, ["by": user.bareText, "id": id])
    }

    /// The stanza with an id at its end, as `element` writes it.
    static func add(_ id: String, by user: JID, to stanza: Stanza) -> Stanza {
        var stanza = stanza
        stanza.element = stanza.element.appending("stanza-id", namespace, ["by": user.bareText, "id": id])
        return stanza
    }

    /// The stanza without ids that somebody else has given it in the account's name (XEP-0359 §3.1, rule 2).
    static func withoutForged(_ stanza: Stanza, by user: JID) -> Stanza {
        guard stanza.element.has("stanza-id", namespace) else { return stanza }
        var stanza = stanza
        stanza.element = stanza.element.replacingContents(
            stanza.element.contents.filter { content in
                guard case .element(let child) = content, child.is("stanza-id", namespace) else { return true }
                return child["by"].flatMap { JID($0) }?.bare != user.bare
            })
        return stanza
    }
}
