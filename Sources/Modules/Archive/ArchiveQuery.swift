internal import Kernel
internal import Storage
internal import XML
internal import XMPP

/// A query of an archive (XEP-0313 §4): a form that selects messages, and the wanted page of them.
struct ArchiveQuery {
    /// Names of the field for a search by words, and those of them that the form shows.
    private static let searches = toldSearches + ["fulltext"]
    private static let toldSearches = ["{urn:xmpp:fulltext:0}fulltext", "full-text-search", "withtext"]
    /// Most words, and most ids, in one query; a query with more is refused.
    private static let mostWords = 10
    /// Most bytes of all words together; a query with more is refused.
    private static let longestWords = 1024
    private static let mostIDs = 500

    let namespace: String
    let queryID: String?
    let page: ResultSet.Request
    let isFlipped: Bool
    private(set) var with: JID?
    /// Microseconds since 1970.
    private(set) var start: Int64?
    private(set) var end: Int64?
    private(set) var beforeID: String?
    private(set) var afterID: String?
    /// The same with the named messages included. MongooseIM's fields, like the next.
    private(set) var fromID: String?
    private(set) var toID: String?
    /// The client does not want the number of all results.
    private(set) var isSimple = false
    private(set) var ids: [String]?
    private(set) var withoutGroupchat = false
    /// In lower case.
    private(set) var words: [String] = []

    init(_ query: Element, isSearchable: Bool) throws(StanzaError) {
        namespace = query.namespace
        queryID = query["queryid"]
        page = try ResultSet.Request(in: query)
        isFlipped = query.has("flip-page")
        if let form = query.child("x", DataForm.namespace) { try read(form, isSearchable) }
    }

    private mutating func read(_ form: Element, _ isSearchable: Bool) throws(StanzaError) {
        guard let form = DataForm(form), form.kind == .submit else {
            throw StanzaError(.badRequest, text: "The form is not submitted")
        }
        guard !form.hasNamelessField else { throw StanzaError(.badRequest, text: "A field has no name") }
        for field in form.fields { try take(field.name, field.values, isSearchable) }
        // Some clients leave `FORM_TYPE` out; there is only one.
        guard form.formType == nil || form.formType == namespace else {
            throw StanzaError(.badRequest, text: "The form is of another type")
        }
    }

    private mutating func take(_ name: String, _ values: [String], _ isSearchable: Bool) throws(StanzaError) {
        let value = values.first ?? ""
        switch name {
        case "with" where !value.isEmpty:
            guard let jid = JID(value) else { throw StanzaError(.jidMalformed) }
            with = jid
        case "start" where !value.isEmpty: start = try Self.time(value)
        case "end" where !value.isEmpty: end = try Self.time(value)
        case "before-id" where !value.isEmpty: beforeID = value
        case "after-id" where !value.isEmpty: afterID = value
        case "from-id" where !value.isEmpty: fromID = value
        case "to-id" where !value.isEmpty: toID = value
        case "simple": isSimple = value == "true" || value == "1"
        case "ids":
            guard values.count <= Self.mostIDs else { throw StanzaError(.notAcceptable, text: "Too many ids") }
            if !values.isEmpty { ids = values }
        case "include-groupchat": withoutGroupchat = value == "false" || value == "0"
        case "with", "start", "end", "before-id", "after-id", "from-id", "to-id": break
        case let name where isSearchable && Self.searches.contains(name):
            guard value.utf8.count <= Self.longestWords else { throw StanzaError(.notAcceptable, text: "The words are too long") }
            words = value.lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.count <= Self.mostWords else { throw StanzaError(.notAcceptable, text: "Too many words") }
        default: throw StanzaError(.featureNotImplemented, text: "There is no field \(name)")
        }
    }

    private static func time(_ text: String) throws(StanzaError) -> Int64 {
        guard let time = DateTime.microseconds(text) else {
            throw StanzaError(.badRequest, text: "\(text) is not a point of time")
        }
        return time
    }

    /// The selection of the form without its ids.
    var selection: ArchiveSelection {
        var selection = ArchiveSelection()
        let shift = ArchiveRepository.idShift
        let range: ClosedRange<Int64> = 0...(Int64.max >> shift) - 1
        if let start { selection.after = (min(max(start, range.lowerBound), range.upperBound) << shift) - 1 }
        if let end { selection.before = end < 0 ? 0 : (min(end, range.upperBound) + 1) << shift }
        selection.peer = with.map { UserKey($0) }
        selection.withoutGroupchat = withoutGroupchat
        return selection
    }

    /// The conditions that the database cannot check; nil if there are none.
    var condition: (@Sendable ([UInt8]) -> Bool)? {
        let address = with.flatMap { $0.isFull ? $0.description : nil }
        guard address != nil || !words.isEmpty else { return nil }
        let words = WordSearch(words)
        return { stanza in
            let stanza = KeptStanza(stanza)
            return (address.map { stanza.isWith($0) } ?? true) && (words.isEmpty || stanza.hasWords(words))
        }
    }

    /// The form with all fields (XEP-0313 §4.1.5).
    static func form(_ namespace: String, isSearchable: Bool) -> Element {
        let validation = "http://jabber.org/protocol/xdata-validate"
        let open = Element("validate", validation, ["datatype": "xs:string"], [Element("open", validation)])
        var fields: [DataForm.Field] = [
            .init("with", type: "jid-single"), .init("start", type: "text-single"), .init("end", type: "text-single"),
            .init("before-id", type: "text-single"), .init("after-id", type: "text-single"),
            .init("ids", type: "list-multi", extra: [open]), .init("include-groupchat", type: "boolean"),
        ]
        if isSearchable { fields += toldSearches.map { .init($0, type: "text-single") } }
        return Element("query", namespace, [:], [DataForm(.form, formType: namespace, fields).element])
    }
}
