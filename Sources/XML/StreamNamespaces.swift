/// The namespaces that a stream header declares: what the prefixes in the stream's elements mean.
///
/// Nearly every client declares the same, so connections share one value each instead of a parser each.
public final class StreamNamespaces: Sendable {
    /// The default namespace, empty if none is declared.
    public let content: String
    /// The header's start tag without other attributes, from which a parser learns the declarations again.
    let prelude: [UInt8]
    /// The qualified name that the footer must repeat, `stream:stream` as a rule.
    let rootName: [UInt8]

    /// In the order of their prefixes.
    private let declarations: [(prefix: String, uri: String)]

    init(rootName: [UInt8], declarations: [(prefix: String, uri: String)]) {
        // In one order and without `xml`, which is always there, so that what means the same looks the same.
        let declarations = declarations.filter { $0.prefix != "xml" }.sorted { $0.prefix < $1.prefix }
        content = declarations.first { $0.prefix.isEmpty }?.uri ?? ""
        self.rootName = rootName
        self.declarations = declarations
        var writer = ElementWriter()
        writer.raw("<")
        writer.raw(rootName)
        for (prefix, uri) in declarations {
            writer.raw(prefix.isEmpty ? " xmlns='" : " xmlns:")
            if !prefix.isEmpty {
                writer.raw(Array(prefix.utf8))
                writer.raw("='")
            }
            writer.escaped(uri)
            writer.raw("'")
        }
        writer.raw(">")
        prelude = writer.finish()
    }

    /// What clients declare as a rule (RFC 6120 §4.8.5).
    public static let client = StreamNamespaces(
        rootName: Array("stream:stream".utf8),
        declarations: [("", "jabber:client"), ("stream", "http://etherx.jabber.org/streams")])

    /// The same with another default namespace: the stanzas of servers and components mean what those of clients do, and are
    /// read as such.
    public func with(content: String) -> StreamNamespaces {
        guard content != self.content else { return self }
        let others = declarations.filter { !$0.prefix.isEmpty }
        return StreamNamespaces(rootName: rootName, declarations: others + [("", content)]).shared
    }

    /// The one object for what clients declare as a rule, if this is that.
    var shared: StreamNamespaces { means(.client) ? .client : self }

    /// Whether a parser that stands inside a stream with `other` reads this stream's elements as well.
    func means(_ other: StreamNamespaces?) -> Bool { other === self || other?.prelude == prelude }

    /// Whether these bytes are the end tag of the stream.
    public func isFooter(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= rootName.count + 3 else { return false }
        let inner = bytes.dropFirst(2).dropLast()
        return inner.prefix(rootName.count).elementsEqual(rootName)
            && inner.dropFirst(rootName.count).allSatisfy { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
    }
}

/// The start tag of a stream (RFC 6120 §4.2).
public struct StreamHeader: Sendable {
    /// Local name and namespace of the tag: `stream` in `http://etherx.jabber.org/streams` if all is well.
    public let name: String
    public let namespace: String
    /// Its attributes, namespace declarations left out.
    public let attributes: [(name: String, value: String)]
    public let namespaces: StreamNamespaces

    public init(
        name: String, namespace: String, attributes: [(name: String, value: String)], namespaces: StreamNamespaces
    ) {
        self.name = name
        self.namespace = namespace
        self.attributes = attributes
        self.namespaces = namespaces
    }

    public subscript(_ attribute: String) -> String? { attributes.first { $0.name == attribute }?.value }
}
