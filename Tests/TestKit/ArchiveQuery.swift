/// A client's question for its own archive (XEP-0313), page after page.
struct ArchiveQuery {
    static let namespace = "urn:xmpp:mam:2"

    /// Whether it began at the beginning.
    var everything: Bool
    /// The id that the next page begins after.
    var after: String?
    /// Both the id of the IQ and that of its results.
    var id = ""

    var text: String {
        let after = after.map { "<after>\($0)</after>" } ?? ""
        return "<iq type='set' id='\(id)'><query xmlns='\(Self.namespace)' queryid='\(id)'>"
            + "<set xmlns='http://jabber.org/protocol/rsm'><max>50</max>\(after)</set></query></iq>"
    }
}
