internal import XML
internal import XMPP

/// The framing of a stream over TCP: one XML document, whose root is the stream and whose children are its elements
/// (RFC 6120 §4.1). It finds the parts and keeps the beginning of one that has not come whole.
///
/// What the server writes needs no more than `StreamMarkup`: the document's root has declared the namespaces of all that
/// stands in it.
struct DocumentFraming {
    private var framer: StanzaFramer
    private var namespaces = StreamNamespaces.client
    /// The default namespace of the peer's elements, which are read as those of a client's stream.
    private let content: String
    /// Bytes of a part whose end has not come.
    private var beginning: [UInt8] = []

    /// - Parameter content: the default namespace that the peer declares.
    init(limits: Limits, content: String) {
        framer = StanzaFramer(limits: limits)
        self.content = content
    }

    var limits: Limits {
        get { framer.limits }
        set { framer.limits = newValue }
    }

    /// The next part in `bytes` from `offset` on. Of an unfinished one the bytes are kept.
    mutating func next(_ bytes: UnsafeRawBufferPointer, from offset: Int) throws(Malformed) -> StanzaFramer.Found {
        let found = try framer.next(bytes, from: offset)
        if case .incomplete(let from) = found, from < bytes.count { beginning.append(contentsOf: bytes[from...]) }
        return found
    }

    /// A whole part whose last bytes are `end`, if its beginning had been kept; nil: `end` is all of it, the usual case,
    /// in which nothing is copied.
    mutating func completed(with end: UnsafeRawBufferPointer) -> [UInt8]? {
        guard !beginning.isEmpty else { return nil }
        beginning.append(contentsOf: end)
        let whole = beginning
        beginning = []
        return whole
    }

    /// What a header says; what it declares holds for the elements after it.
    mutating func header(_ bytes: UnsafeRawBufferPointer, _ parser: ElementParser) throws(Malformed) -> StreamHeader {
        let header = try parser.header(bytes, limits: framer.limits)
        namespaces =
            header.namespaces.content == content ? header.namespaces.with(content: Namespace.client) : header.namespaces
        return header
    }

    func element(_ bytes: UnsafeRawBufferPointer, _ parser: ElementParser) throws(Malformed) -> Element {
        try parser.element(bytes, in: namespaces, limits: framer.limits)
    }

    func isFooter(_ bytes: UnsafeRawBufferPointer) -> Bool { namespaces.isFooter(bytes) }

    /// The next bytes begin a new document (RFC 6120 §4.3.3).
    mutating func restart() { framer.restart() }

    /// Forgets the beginning of a part.
    mutating func discard() { beginning = [] }

    /// Gives back what no part is kept in.
    mutating func trim() {
        if beginning.isEmpty { beginning = [] }
    }
}
