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
        let bytes = bytes ?? renderedContent()
        return addition.map { inserting($0.bytes, into: bytes) } ?? bytes
    }

    /// The same for one who sends the stanza on: it need not be rendered again.
    public mutating func renderedForLater() -> [UInt8] {
        if bytes == nil { bytes = renderedContent() }
        return rendered()
    }

    /// What it is without the addition, for a place whose default namespace is `jabber:client`.
    private func renderedContent() -> [UInt8] {
        var writer = ElementWriter(reserving: 384)
        writer.write(content, within: Namespace.client) { writer in
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
        return writer.finish()
    }

    /// Puts a child before the end tag, or between two tags where there is but one.
    private func inserting(_ child: [UInt8], into bytes: [UInt8]) -> [UInt8] {
        let end = Array("</\(kind.name)>".utf8)
        var whole: [UInt8] = []
        whole.reserveCapacity(bytes.count + child.count + end.count)
        if bytes.suffix(2).elementsEqual("/>".utf8) {
            whole += bytes.dropLast(2)
            whole.append(UInt8(ascii: ">"))
        } else {
            whole += bytes.dropLast(end.count)
        }
        whole += child
        whole += end
        return whole
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

    /// The same for a child that is there as bytes only. Whoever looks into the stanza all the same has them read.
    public mutating func append(_ bytes: [UInt8]) {
        append(bytes) {
            let read = try? bytes.withUnsafeBytes {
                try ElementParser().element(
                    $0, in: .client, limits: Limits(bytes: .max, depth: Limits.deepest, attributes: .max))
            }
            return read ?? Element("unreadable", "")
        }
    }

    /// The answer to a request, with a payload that is XML within `jabber:client` already.
    public func result(rendered payload: [UInt8]?) -> Stanza {
        var result = result()
        if let payload { result.append(payload) }
        return result
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
