internal import Kernel
internal import Storage
internal import XML
internal import XMPP

/// Renders rosters and pushes (RFC 6121 §2.1), and names the event that carries a change to all sessions of its user.
enum RosterXML {
    /// Topic of the event; its payload is the `<query/>` of the push.
    static let topic = "roster"

    /// The `<query/>` with these items, rendered as it is made: a roster may have thousands.
    static func query(version: Int64?, _ items: some Sequence<RosterItem>) -> [UInt8] {
        query(version) { writer in
            for item in items { write(item, &writer) }
        }
    }

    private static func query(_ version: Int64?, _ content: (inout ElementWriter) -> Void) -> [UInt8] {
        var writer = ElementWriter()
        writer.raw("<query xmlns='jabber:iq:roster'")
        attribute("ver", version.map { String($0) }, &writer)
        writer.raw(">")
        content(&writer)
        writer.raw("</query>")
        return writer.finish()
    }

    private static func write(_ item: RosterItem, _ writer: inout ElementWriter) {
        writer.raw("<item")
        attribute("jid", item.contact, &writer)
        attribute("name", item.name.flatMap { $0.isEmpty ? nil : $0 }, &writer)
        attribute("subscription", word(for: item.subscription), &writer)
        attribute("ask", item.pendingOut ? "subscribe" : nil, &writer)
        attribute("approved", item.approved ? "true" : nil, &writer)
        writer.raw(">")
        for group in item.groups {
            writer.raw("<group>")
            writer.escaped(group)
            writer.raw("</group>")
        }
        writer.raw("</item>")
    }

    private static func attribute(_ name: StaticString, _ value: String?, _ writer: inout ElementWriter) {
        guard let value else { return }
        writer.raw(" ")
        writer.raw(name)
        writer.raw("='")
        writer.escaped(value)
        writer.raw("'")
    }

    static func word(for subscription: RosterItem.Subscription) -> String {
        switch subscription {
        case .none: "none"
        case .to: "to"
        case .from: "from"
        case .both: "both"
        }
    }

    /// The push of a change; nil if clients see no difference.
    static func push(_ change: RosterChange, contact: String, isVersioned: Bool) -> [UInt8]? {
        guard change.isVisible else { return nil }
        return query(isVersioned ? change.version : nil) { writer in
            if let item = change.new, item.isListed { return write(item, &writer) }
            writer.raw("<item")
            attribute("jid", contact, &writer)
            writer.raw(" subscription='remove'/>")
        }
    }
}
