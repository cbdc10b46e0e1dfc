internal import Storage
internal import XML
internal import XMPP

/// XEP-0424: a message retracts an earlier one, which a tombstone replaces in the archives.
struct MessageRetraction: Sendable, Equatable {
    static let namespace = "urn:xmpp:message-retract:1"
    static let earlier = "urn:xmpp:message-retract:0"
    /// MongooseIM's feature: the message is named by its id in the archive.
    static let byStanzaID = "urn:esl:message-retract-by-stanza-id:0"
    private static let fastening = "urn:xmpp:fasten:0"

    /// The id of the retracted message.
    let target: String
    /// Whether that is its id in the archive.
    let isByStanzaID: Bool
    /// The id of the retracting message.
    let id: String?
    let sender: JID

    /// Nil for a message that retracts none.
    init?(_ message: Stanza) {
        guard let sender = message.from else { return nil }
        guard let child = message.element.children.filter(Self.isOne).last, let target = child["id"] else { return nil }
        self.target = target
        isByStanzaID = child.has("retract", Self.byStanzaID)
        self.sender = sender
        id = message.id
    }

    /// Whether an element retracts a message; without an id it has no effect.
    static func isOne(_ child: Element) -> Bool {
        guard child["id"]?.isEmpty == false else { return false }
        return child.is("retract", namespace)
            || child.is("apply-to", fastening) && (child.has("retract", earlier) || child.has("retract", byStanzaID))
    }

    /// The tombstone of an archived stanza, if it is the retracted one: from the same user, with the id as its own or as its
    /// origin id (XEP-0424 §5, XEP-0359 §2.2).
    ///
    /// - Parameters:
    ///   - stanza: as `Stanza.rendered` writes it, in which a quote inside a value is never a quote.
    ///   - stanzaID: its id in the archive.
    func tombstone(of stanza: [UInt8], _ stanzaID: @autoclosure () -> String?, at stamp: String) -> [UInt8]? {
        guard let start = KeptStanza(stanza).startTag else { return nil }
        let bare = KeptStanza.escaped(sender.bareText)
        guard start.contains(" from='\(bare)'") || start.contains(" from='\(bare)/") else { return nil }
        guard isByStanzaID ? stanzaID() == target : isNamed(by: target, stanza, start) else { return nil }
        var attributes = " stamp='\(stamp)'"
        if let id { attributes += " id='\(KeptStanza.escaped(id))'" }
        return Array("\(start)><retracted xmlns='\(Self.namespace)'\(attributes)/></message>".utf8)
    }
}

extension MessageRetraction {
    private func isNamed(by id: String, _ stanza: [UInt8], _ start: String) -> Bool {
        let wanted = KeptStanza.escaped(id)
        return start.contains(" id='\(wanted)'")
            || KeptStanza(stanza).contains("<origin-id xmlns='\(StanzaID.namespace)' id='\(wanted)'")
    }
}
