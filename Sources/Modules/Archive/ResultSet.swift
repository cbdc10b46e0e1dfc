internal import XML
internal import XMPP

/// The wanted part of a long answer, and the part that was sent (XEP-0059).
enum ResultSet {
    static let namespace = "http://jabber.org/protocol/rsm"

    struct Request: Equatable {
        /// Most results; nil: the default.
        var max: Int?
        /// Only results after this one.
        var after: String?
        /// Only results before this one, the last page of them; empty: the last page of all.
        var before: String?
        /// The index of the first wanted result.
        var index = 0

        /// Most results that are counted from the beginning for an index; a larger index is refused, as XEP-0059 §2.6 allows.
        private static let mostSkipped = 1000

        /// Reads the `<set/>` of a query; without one all results are wanted. Some clients leave its namespace out.
        init(in query: Element) throws(StanzaError) {
            guard let set = query.child("set", ResultSet.namespace) ?? query.child("set", query.namespace) else { return }
            if let text = set.child("max")?.text {
                guard let number = Int(text), number >= 0 else { throw StanzaError(.badRequest, text: "max is not a number") }
                max = number
            }
            // An empty `<after/>` stands before the first result.
            after = set.child("after").map(\.text).flatMap { $0.isEmpty ? nil : $0 }
            before = set.child("before").map(\.text)
            guard let text = set.child("index")?.text else { return }
            guard let number = Int(text), number >= 0, number == 0 || after == nil && before == nil else {
                throw StanzaError(.badRequest, text: "index is not a number, or not alone")
            }
            guard number <= Self.mostSkipped else {
                throw StanzaError(
                    .featureNotImplemented, text: "Results this far from the first cannot be asked for by their number")
            }
            index = number
        }
    }

    /// The `<set/>` of an answer; without results it has no `<first/>` and `<last/>`.
    static func answer(first: String? = nil, last: String? = nil, index: Int? = nil, count: Int? = nil) -> Element {
        var children: [Element] = []
        if let first { children.append(Element("first", namespace, ["index": index.map { String($0) }], text: first)) }
        if let last { children.append(Element("last", namespace, text: last)) }
        if let count { children.append(Element("count", namespace, text: String(count))) }
        return Element("set", namespace, [:], children)
    }
}
