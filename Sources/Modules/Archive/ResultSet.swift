internal import XML
internal import XMPP

/// Which part of a long answer is wanted, and which one came (XEP-0059).
enum ResultSet {
    static let namespace = "http://jabber.org/protocol/rsm"

    struct Request: Equatable {
        /// The most results that are wanted; nil: as many as is usual.
        var max: Int?
        /// Only what comes after this one.
        var after: String?
        /// Only what comes before this one, the last of them first; empty: the last of all.
        var before: String?
        /// So many of the first are not wanted.
        var index = 0

        /// Places from the beginning have to be counted, which XEP-0059 §2.6 allows to refuse; so many are.
        private static let mostSkipped = 1000

        /// Reads the `<set/>` in a query; without one everything is wanted. There are clients that leave out its namespace.
        init(in query: Element) throws(StanzaError) {
            guard let set = query.child("set", ResultSet.namespace) ?? query.child("set", query.namespace) else { return }
            if let text = set.child("max")?.text {
                guard let number = Int(text), number >= 0 else { throw StanzaError(.badRequest, text: "max is not a number") }
                max = number
            }
            // An empty one is before the first.
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

    /// The `<set/>` of an answer. Without results there is no first and no last one.
    static func answer(first: String? = nil, last: String? = nil, index: Int? = nil, count: Int? = nil) -> Element {
        var children: [Element] = []
        if let first { children.append(Element("first", namespace, ["index": index.map { String($0) }], text: first)) }
        if let last { children.append(Element("last", namespace, text: last)) }
        if let count { children.append(Element("count", namespace, text: String(count))) }
        return Element("set", namespace, [:], children)
    }
}
