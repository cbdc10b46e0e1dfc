internal import Kernel
internal import Storage
internal import XML
internal import XMPP

/// The roster's words on the wire (RFC 6121 §2.1), and the event that carries a change to all sessions of its user.
enum RosterXML {
    /// Topic of the event; its payload is the `<query/>` of the push.
    static let topic = "roster"

    static func item(_ item: RosterItem) -> Element {
        let name = item.name.flatMap { $0.isEmpty ? nil : $0 }
        return Element(
            "item", Namespace.roster,
            [
                "jid": item.contact, "name": name, "subscription": word(for: item.subscription),
                "ask": item.pendingOut ? "subscribe" : nil, "approved": item.approved ? "true" : nil,
            ],
            item.groups.map { Element("group", Namespace.roster, text: $0) })
    }

    static func removed(_ contact: String) -> Element {
        Element("item", Namespace.roster, ["jid": contact, "subscription": "remove"])
    }

    static func query(version: Int64?, _ items: [Element]) -> Element {
        Element("query", Namespace.roster, ["ver": version.map { String($0) }], items)
    }

    static func word(for subscription: RosterItem.Subscription) -> String {
        switch subscription {
        case .none: "none"
        case .to: "to"
        case .from: "from"
        case .both: "both"
        }
    }

    /// What clients are told of a change, if they see one.
    static func push(_ change: RosterChange, contact: String) -> [UInt8]? {
        guard change.isVisible else { return nil }
        let item = change.new.flatMap { $0.isListed ? self.item($0) : nil } ?? removed(contact)
        return query(version: change.version, [item]).rendered(within: Namespace.client)
    }
}
