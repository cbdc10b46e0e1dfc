public import XML

/// A message, presence or IQ on its way: the element as it was sent, with the addresses that the server vouches for.
///
/// `from` and `to` stand beside the element and win over its attributes, so that stamping an address costs nothing.
public struct Stanza: Sendable {
    public enum Kind: UInt8, Sendable {
        case message, presence, iq

        public var name: String {
            switch self {
            case .message: "message"
            case .presence: "presence"
            case .iq: "iq"
            }
        }
    }

    public let kind: Kind
    public var from: JID? { didSet { bytes = nil } }
    public var to: JID? { didSet { bytes = nil } }
    public var element: Element {
        get { addition.map { content.appending($0.child()) } ?? content }
        set { (content, addition, bytes) = (newValue, nil, nil) }
    }

    private var content: Element
    /// What stands behind the rest of the content.
    private var addition: Addition?
    /// What the stanza is without the addition, once somebody has had it rendered.
    private var bytes: [UInt8]?

    private final class Addition: Sendable {
        let bytes: [UInt8]
        let child: @Sendable () -> Element

        init(_ bytes: [UInt8], _ child: @escaping @Sendable () -> Element) {
            self.bytes = bytes
            self.child = child
        }
    }

    public init(_ kind: Kind, from: JID?, to: JID?, element: Element) {
        self.kind = kind
        self.from = from
        self.to = to
        content = element
    }

    /// A stanza made by the server.
    public init(
        _ kind: Kind, type: String? = nil, id: String? = nil, from: JID?, to: JID?, _ children: [Element] = []
    ) {
        self.init(
            kind, from: from, to: to,
            element: Element(kind.name, Namespace.client, ["type": type, "id": id], children))
    }

    /// Reads the kind from a top-level element; `nil` if it is none of the three.
    public static func kind(of element: Element) -> Kind? {
        if element.is("message", Namespace.client) { return .message }
        if element.is("presence", Namespace.client) { return .presence }
        if element.is("iq", Namespace.client) { return .iq }
        return nil
    }

    public var id: String? { content["id"] }
    /// The `type` attribute as it stands there.
    public var type: String? { content["type"] }

    public func isType(_ type: String) -> Bool { content.attribute("type", equals: type) }

    public var isError: Bool { isType("error") }
    public var isRequest: Bool { kind == .iq && (isType("get") || isType("set")) }

    /// The bytes for a client's stream, addresses included.
    public func rendered() -> [UInt8] {
        if let bytes {
            guard let addition else { return bytes }
            if let whole = inserting(addition.bytes, into: bytes) { return whole }
        }
        var writer = ElementWriter(reserving: 384)
        write(to: &writer)
        return writer.finish()
    }

    /// The same for one who sends the stanza on: it need not be rendered again.
    public mutating func renderedForLater() -> [UInt8] {
        let rendered = rendered()
        if addition == nil { bytes = rendered }
        return rendered
    }

    /// Nil for a stanza without content, which has no end tag to put it before.
    private func inserting(_ child: [UInt8], into bytes: [UInt8]) -> [UInt8]? {
        let place = bytes.count - kind.name.utf8.count - 3
        guard place > 0, bytes[place] == UInt8(ascii: "<"), bytes[place + 1] == UInt8(ascii: "/") else { return nil }
        var whole: [UInt8] = []
        whole.reserveCapacity(bytes.count + child.count)
        whole += bytes[..<place]
        whole += child
        whole += bytes[place...]
        return whole
    }

    /// Writes it for a place whose default namespace is `jabber:client`.
    public func write(to writer: inout ElementWriter) {
        writer.write(element, within: Namespace.client) { writer in
            if let from {
                writer.raw(" from='")
                from.write(to: &writer)
                writer.raw("'")
            }
            if let to {
                writer.raw(" to='")
                to.write(to: &writer)
                writer.raw("'")
            }
        }
    }

    /// The element with the addresses written into it, for wrapping it into another.
    public var addressed: Element {
        var list = element.attributes.filter { $0.name != "from" && $0.name != "to" }
        if let from { list.append(("from", from.description)) }
        if let to { list.append(("to", to.description)) }
        return Element(element.name, element.namespace, attributes: list, contents: element.contents)
    }

    /// A copy with one more child at its end. Costs little.
    public func appending(_ child: Element) -> Stanza {
        var copy = self
        copy.element = element.appending(child)
        return copy
    }

    /// Adds a child at its end that may never be looked at: `bytes` are what it is as XML within `jabber:client`.
    public mutating func append(_ bytes: [UInt8], for child: @escaping @Sendable () -> Element) {
        if addition != nil {
            let whole = element
            element = whole
        }
        addition = Addition(bytes, child)
    }

    /// A copy with more children at its end.
    public func appending(_ children: [Element]) -> Stanza {
        var copy = self
        copy.element = element.replacingContents(element.contents + children.map { .element($0) })
        return copy
    }

    /// The answer to a request.
    public func result(_ payload: Element? = nil) -> Stanza {
        Stanza(.iq, type: "result", id: id, from: to, to: from, payload.map { [$0] } ?? [])
    }

    /// The stanza that tells its sender why it was not processed, its content included (RFC 6120 §8.3.1) unless that may
    /// hold a password (XEP-0077 §3.3).
    public func failure(_ error: StanzaError) -> Stanza {
        let isSecret = kind == .iq && element.child(in: Namespace.register) != nil
        let children = isSecret ? [] : Array(element.children)
        return Stanza(kind, type: "error", id: id, from: to, to: from, children + [error.element])
    }
}

extension Stanza: Equatable {
    public static func == (one: Stanza, other: Stanza) -> Bool {
        one.kind == other.kind && one.from == other.from && one.to == other.to && one.element == other.element
    }
}
