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

        /// Reads the `<set/>` in a query; without one everything is wanted.
        init(in query: Element) throws(StanzaError) {
            guard let set = query.child("set", ResultSet.namespace) else { return }
            if let text = set.child("max")?.text {
                guard let number = Int(text), number >= 0 else { throw StanzaError(.badRequest, text: "max is not a number") }
                max = number
            }
            after = set.child("after").map(\.text)
            before = set.child("before").map(\.text)
            // A place from the beginning would have to be counted (XEP-0059 §2.6 allows to refuse it); the first is the first.
            if let index = set.child("index")?.text, index != "0" {
                throw StanzaError(.featureNotImplemented, text: "Results cannot be asked for by their number")
            }
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
