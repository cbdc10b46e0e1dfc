internal import XML
internal import XMPP

/// The ids that an account gives the messages of its archive (XEP-0359).
enum StanzaID {
    static let namespace = "urn:xmpp:sid:0"

    static func element(_ id: String, by user: JID) -> Element {
        Element("stanza-id", namespace, ["by": user.bareText, "id": id])
    }

    /// Puts an id at the end of a stanza.
    static func add(_ id: String, by user: JID, to stanza: inout Stanza) {
        var writer = ElementWriter(reserving: 128)
        writer.raw("<stanza-id xmlns='urn:xmpp:sid:0' by='")
        writer.escaped(user.local)
        writer.raw("@")
        writer.escaped(user.domain)
        writer.raw("' id='")
        writer.escaped(id)
        writer.raw("'/>")
        stanza.append(writer.finish()) { element(id, by: user) }
    }

    static func hasAny(_ stanza: Stanza) -> Bool { stanza.element.has("stanza-id", namespace) }

    /// Most ids of a stanza whose `by` is examined; further ones are removed unread. A message has one for each archive that it
    /// went through, and preparing an address costs far more than sending it.
    static let mostExamined = 16

    /// The stanza without ids that its sender has forged in the account's name (XEP-0359 §3.1, rule 2).
    static func withoutForged(_ stanza: Stanza, by user: JID) -> Stanza {
        guard hasAny(stanza) else { return stanza }
        var stanza = stanza
        var examined = 0
        stanza.element = stanza.element.replacingContents(
            stanza.element.contents.filter { content in
                guard case .element(let child) = content, child.is("stanza-id", namespace) else { return true }
                examined += 1
                guard examined <= mostExamined else { return false }
                return child["by"].flatMap { JID($0) }?.bare != user.bare
            })
        return stanza
    }
}
