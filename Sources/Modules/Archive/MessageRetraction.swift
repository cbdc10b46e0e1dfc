internal import Storage
internal import XML
internal import XMPP

/// XEP-0424: a message is taken back, and a tombstone takes its place in the archives.
struct MessageRetraction: Sendable, Equatable {
    static let namespace = "urn:xmpp:message-retract:1"
    static let earlier = "urn:xmpp:message-retract:0"
    /// MongooseIM's way to name the message by the id that its archive has given it.
    static let byStanzaID = "urn:esl:message-retract-by-stanza-id:0"
    private static let fastening = "urn:xmpp:fasten:0"

    /// The id of the message that is taken back.
    let target: String
    /// It is that of the archive.
    let isByStanzaID: Bool
    /// The id of the message that takes it back.
    let id: String?
    let sender: JID

    /// Nil for a message that takes nothing back.
    init?(_ message: Stanza) {
        guard let sender = message.from else { return nil }
        guard let child = message.element.children.filter(Self.isOne).last, let target = child["id"] else { return nil }
        self.target = target
        isByStanzaID = child.has("retract", Self.byStanzaID)
        self.sender = sender
        id = message.id
    }

    /// Whether this takes a message back; without saying which, it says nothing.
    static func isOne(_ child: Element) -> Bool {
        guard child["id"]?.isEmpty == false else { return false }
        return child.is("retract", namespace)
            || child.is("apply-to", fastening) && (child.has("retract", earlier) || child.has("retract", byStanzaID))
    }

    /// What stands in the place of a stanza that is kept, if it is the one that is meant: from the same user, with the id as
    /// its own or as that of its origin (XEP-0424 §5, XEP-0359 §2.2).
    ///
    /// - Parameters:
    ///   - stanza: as `Stanza.rendered` writes it, in which a quote inside a value is never a quote.
    ///   - stanzaID: what the archive calls it.
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
