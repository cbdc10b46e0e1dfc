/// Renders elements as XML 1.0 in UTF-8 (RFC 6120 §11): no declaration, no comments, default-namespace declarations only.
public struct ElementWriter: ~Copyable {
    /// What has been written.
    public private(set) var output: [UInt8]

    public init(reserving capacity: Int = 256) {
        output = []
        output.reserveCapacity(capacity)
    }

    /// Gives the bytes away and ends the writer.
    public consuming func finish() -> [UInt8] { output }

    /// Writes a whole element, for a place whose default namespace is `context`.
    ///
    /// `replacing` names attributes of the outermost element that are written with other values, or not at all
    /// where the value is `nil`; a name that the element does not have is added.
    public mutating func write(
        _ element: Element, within context: String, replacing: KeyValuePairs<String, String?> = [:]
    ) {
        element.tape.lend { nodes, bytes in
            var context = context
            context.withUTF8 { context in
                self.element(Int(element.index), Place(nodes: nodes, bytes: bytes), context, replacing)
            }
        }
    }

    /// Writes bytes that are XML already.
    public mutating func raw(_ bytes: [UInt8]) { output.append(contentsOf: bytes) }
    /// Writes a string that is XML already.
    public mutating func raw(_ text: StaticString) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    /// Writes text with the characters escaped that markup gives a meaning.
    public mutating func escaped(_ text: String) {
        var text = text
        text.withUTF8 { escape($0, inAttribute: true) }
    }

    private struct Place {
        let nodes: UnsafePointer<Node>
        let bytes: UnsafePointer<UInt8>

        func slice(_ offset: UInt32, _ length: Int) -> UnsafeBufferPointer<UInt8> {
            UnsafeBufferPointer(start: bytes + Int(offset), count: length)
        }
    }

    private mutating func element(
        _ index: Int, _ place: Place, _ context: UnsafeBufferPointer<UInt8>, _ replacing: KeyValuePairs<String, String?>
    ) {
        let node = place.nodes[index]
        let name = place.slice(node.a, node.nameLength)
        let namespace = place.slice(node.c, node.namespaceLength)
        output.append(UInt8(ascii: "<"))
        output.append(contentsOf: name)
        if namespace.count != context.count
            || !equalBytes(place.bytes + Int(node.c), context.baseAddress, context.count) {
            raw(" xmlns='")
            escape(namespace, inAttribute: true)
            output.append(UInt8(ascii: "'"))
        }
        var at = index + 1
        let end = Int(node.d)
        var prefixes = 0
        while at < end, place.nodes[at].kind == .attribute {
            attribute(place.nodes[at], place, replacing, &prefixes)
            at += 1
        }
        for (name, value) in replacing {
            if let value { plain(name, value) }
        }
        guard at < end else { return raw("/>") }
        output.append(UInt8(ascii: ">"))
        while at < end {
            let inner = place.nodes[at]
            if inner.kind == .element {
                element(at, place, namespace, [:])
                at = Int(inner.d)
            } else {
                escape(place.slice(inner.a, Int(inner.d)), inAttribute: false)
                at += 1
            }
        }
        raw("</")
        output.append(contentsOf: name)
        output.append(UInt8(ascii: ">"))
    }

    private mutating func attribute(
        _ node: Node, _ place: Place, _ replacing: KeyValuePairs<String, String?>, _ prefixes: inout Int
    ) {
        let name = place.slice(node.a, node.nameLength)
        if replacing.contains(where: { same(place.bytes + Int(node.a), node.nameLength, $0.key) }) { return }
        output.append(UInt8(ascii: " "))
        if let separator = name.firstIndex(of: ElementParser.separator) {
            let prefix = Array("ns\(prefixes)".utf8)
            prefixes += 1
            raw("xmlns:")
            output.append(contentsOf: prefix)
            raw("='")
            escape(UnsafeBufferPointer(rebasing: name[..<separator]), inAttribute: true)
            raw("' ")
            output.append(contentsOf: prefix)
            output.append(UInt8(ascii: ":"))
            output.append(contentsOf: name[(separator + 1)...])
        } else {
            output.append(contentsOf: name)
        }
        raw("='")
        escape(place.slice(node.c, Int(node.d)), inAttribute: true)
        output.append(UInt8(ascii: "'"))
    }

    private mutating func plain(_ name: String, _ value: String) {
        output.append(UInt8(ascii: " "))
        output.append(contentsOf: name.utf8)
        raw("='")
        escaped(value)
        output.append(UInt8(ascii: "'"))
    }

    /// Copies runs of ordinary bytes whole. In attributes white space other than blanks is written as
    /// references, since a reader would turn it into blanks (XML 1.0 §3.3.3).
    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>, inAttribute: Bool) {
        var start = 0
        for index in text.indices {
            let replacement: StaticString
            switch text[index] {
            case UInt8(ascii: "&"): replacement = "&amp;"
            case UInt8(ascii: "<"): replacement = "&lt;"
            case UInt8(ascii: ">"): replacement = "&gt;"
            case UInt8(ascii: "'") where inAttribute: replacement = "&apos;"
            case UInt8(ascii: "\"") where inAttribute: replacement = "&quot;"
            case 9 where inAttribute: replacement = "&#9;"
            case 10 where inAttribute: replacement = "&#10;"
            case 13: replacement = "&#13;"
            default: continue
            }
            output.append(contentsOf: text[start..<index])
            raw(replacement)
            start = index + 1
        }
        output.append(contentsOf: text[start...])
    }
}

extension Element {
    /// The element as bytes, for a place whose default namespace is `context`.
    public func rendered(within context: String) -> [UInt8] {
        var writer = ElementWriter()
        writer.write(self, within: context)
        return writer.finish()
    }
}
