/// One XML element with everything in it: an immutable value that shares its storage with the elements inside it.
///
/// Strings are made only when asked for; `is`, `attribute(_:equals:)` and `child` compare bytes.
/// An attribute in a namespace is named `namespace` U+0001 `local`, except `xml:lang` and its like, which keep the `xml:` prefix.
public struct Element: Sendable {
    nonisolated(unsafe) let tape: Tape
    let index: UInt32

    /// An element with child elements.
    public init(
        _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String?> = [:],
        _ children: [Element] = []
    ) {
        self = Element.build(name, namespace, attributes) { builder in
            for child in children { builder.append(child) }
        }
    }

    /// An element with text.
    public init(
        _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String?> = [:], text: String
    ) {
        self = Element.build(name, namespace, attributes) { $0.text(text) }
    }

    /// An element with mixed content and attributes known only at run time.
    public init(_ name: String, _ namespace: String, attributes: [(name: String, value: String)], contents: [Content]) {
        var builder = TapeBuilder()
        builder.startElement(name, namespace: namespace)
        for attribute in attributes { builder.attribute(attribute.name, attribute.value) }
        for content in contents {
            switch content {
            case .element(let element): builder.append(element)
            case .text(let text): builder.text(text)
            }
        }
        builder.endElement()
        self = builder.finish()
    }

    init(tape: Tape, index: UInt32) {
        self.tape = tape
        self.index = index
    }

    private static func build(
        _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String?>,
        content: (inout TapeBuilder) -> Void
    ) -> Element {
        var builder = TapeBuilder()
        builder.startElement(name, namespace: namespace)
        for (name, value) in attributes {
            if let value { builder.attribute(name, value) }
        }
        content(&builder)
        builder.endElement()
        return builder.finish()
    }

    /// What is inside an element, in document order.
    public enum Content: Sendable, Hashable {
        case element(Element)
        case text(String)
    }

    var node: TapeNode { tape.lend { nodes, _ in nodes[Int(index)] } }

    /// The local name.
    public var name: String {
        let node = node
        return tape.string(at: node.a, length: node.nameLength)
    }

    /// The namespace name, empty if there is none.
    public var namespace: String {
        let node = node
        return tape.string(at: node.c, length: node.namespaceLength)
    }

    /// Whether it has this local name and this namespace.
    public func `is`(_ name: String, _ namespace: String) -> Bool {
        tape.lend { nodes, bytes in
            let node = nodes[Int(index)]
            return same(bytes + Int(node.a), node.nameLength, name)
                && same(bytes + Int(node.c), node.namespaceLength, namespace)
        }
    }

    /// Whether it has this local name, in any namespace.
    public func isNamed(_ name: String) -> Bool {
        tape.lend { nodes, bytes in
            same(bytes + Int(nodes[Int(index)].a), nodes[Int(index)].nameLength, name)
        }
    }

    /// Whether it is in this namespace.
    public func isIn(_ namespace: String) -> Bool {
        tape.lend { nodes, bytes in
            same(bytes + Int(nodes[Int(index)].c), nodes[Int(index)].namespaceLength, namespace)
        }
    }

    /// The value of an attribute.
    public subscript(_ attribute: String) -> String? {
        tape.lend { nodes, bytes in
            guard let node = find(attribute, nodes, bytes) else { return nil }
            return String(decoding: UnsafeBufferPointer(start: bytes + Int(node.c), count: Int(node.d)), as: UTF8.self)
        }
    }

    /// Whether an attribute is there and has this value.
    public func attribute(_ attribute: String, equals value: String) -> Bool {
        tape.lend { nodes, bytes in
            guard let node = find(attribute, nodes, bytes) else { return false }
            return same(bytes + Int(node.c), Int(node.d), value)
        }
    }

    /// All attributes, in the order they were written.
    public var attributes: [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        forEachAttribute { result.append((tape.string(at: $0.a, length: $0.nameLength), tape.string(at: $0.c, length: Int($0.d)))) }
        return result
    }

    /// The text directly inside it, joined.
    public var text: String {
        tape.lend { nodes, bytes in
            var result = ""
            var at = Int(index) + 1
            let end = Int(nodes[Int(index)].d)
            while at < end {
                let node = nodes[at]
                if node.kind == .text {
                    result += String(
                        decoding: UnsafeBufferPointer(start: bytes + Int(node.a), count: Int(node.d)), as: UTF8.self)
                }
                at = node.kind == .element ? Int(node.d) : at + 1
            }
            return result
        }
    }

    /// A copy with an attribute set, or taken away with `nil`.
    public func setting(_ attribute: String, to value: String?) -> Element {
        var list = attributes.filter { $0.name != attribute }
        if let value { list.append((attribute, value)) }
        return Element(name, namespace, attributes: list, contents: contents)
    }

    /// A copy with one more child at its end.
    public func appending(_ child: Element) -> Element {
        var builder = TapeBuilder(nodes: 32, bytes: 768)
        builder.append(self)
        builder.reopen()
        builder.append(child)
        builder.endElement()
        return builder.finish()
    }

    /// A copy with other content and the same name and attributes.
    public func replacingContents(_ contents: [Content]) -> Element {
        Element(name, namespace, attributes: attributes, contents: contents)
    }

    private func find(_ name: String, _ nodes: UnsafePointer<TapeNode>, _ bytes: UnsafePointer<UInt8>) -> TapeNode? {
        var at = Int(index) + 1
        let end = Int(nodes[Int(index)].d)
        while at < end, nodes[at].kind == .attribute {
            if same(bytes + Int(nodes[at].a), nodes[at].nameLength, name) { return nodes[at] }
            at += 1
        }
        return nil
    }

    func forEachAttribute(_ body: (TapeNode) -> Void) {
        tape.lend { nodes, _ in
            var at = Int(index) + 1
            let end = Int(nodes[Int(index)].d)
            while at < end, nodes[at].kind == .attribute {
                body(nodes[at])
                at += 1
            }
        }
    }
}

extension Element: Hashable {
    /// The same tree: names, namespaces, attributes in any order, content.
    public static func == (one: Element, other: Element) -> Bool {
        if one.tape === other.tape, one.index == other.index { return true }
        guard one.name == other.name, one.namespace == other.namespace else { return false }
        let (mine, theirs) = (one.attributes, other.attributes)
        guard mine.count == theirs.count,
            mine.allSatisfy({ attribute in theirs.contains { $0 == attribute } })
        else { return false }
        return one.contents == other.contents
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(namespace)
    }
}

extension Element: CustomStringConvertible {
    /// The element as XML, for logs and tests.
    public var description: String { String(decoding: rendered(within: ""), as: UTF8.self) }
}
