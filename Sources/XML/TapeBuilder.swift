/// Writes a tape: elements are opened and closed in document order. Its arrays are kept between uses.
struct TapeBuilder {
    private(set) var nodes: [Node] = []
    private(set) var bytes: [UInt8] = []
    private var open: [Int] = []

    var depth: Int { open.count }
    var isEmpty: Bool { nodes.isEmpty }

    mutating func clear() {
        nodes.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        open.removeAll(keepingCapacity: true)
    }

    /// Gives back memory that an unusually large stanza took.
    mutating func shrink(above limit: Int) {
        if bytes.capacity > limit { bytes = [] }
        if nodes.capacity * MemoryLayout<Node>.stride > limit { nodes = [] }
    }

    mutating func startElement(_ name: UnsafeBufferPointer<UInt8>, namespace: UnsafeBufferPointer<UInt8>) {
        let (start, length) = namespaceRange(namespace)
        let at = add(name)
        open.append(nodes.count)
        nodes.append(.element(name: at, length: name.count, namespace: start, namespaceLength: length))
    }

    mutating func startElement(_ name: String, namespace: String) {
        var (name, namespace) = (name, namespace)
        name.withUTF8 { name in namespace.withUTF8 { startElement(name, namespace: $0) } }
    }

    mutating func attribute(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        let (nameAt, valueAt) = (add(name), add(value))
        nodes.append(.attribute(name: nameAt, length: name.count, value: valueAt, valueLength: value.count))
    }

    mutating func attribute(_ name: String, _ value: String) {
        var (name, value) = (name, value)
        name.withUTF8 { name in value.withUTF8 { attribute(name, $0) } }
    }

    /// Adds text; directly after other text it becomes one with it.
    mutating func text(_ text: UnsafeBufferPointer<UInt8>) {
        guard !text.isEmpty else { return }
        if let last = nodes.indices.last, nodes[last].kind == .text,
            Int(nodes[last].a) + Int(nodes[last].d) == bytes.count {
            nodes[last].d += UInt32(text.count)
            _ = add(text)
        } else {
            nodes.append(.text(at: add(text), length: text.count))
        }
    }

    mutating func text(_ text: String) {
        var text = text
        text.withUTF8 { self.text($0) }
    }

    mutating func endElement() {
        if let start = open.popLast() { nodes[start].d = UInt32(nodes.count) }
    }

    /// Copies a finished element in.
    mutating func append(_ element: Element) {
        element.tape.lend { source, strings in
            let from = Int(element.index)
            let end = Int(source[from].d)
            for index in from..<end {
                var node = source[index]
                switch node.kind {
                case .element:
                    node.c = UInt32(namespaceRange(slice(strings, node.c, node.namespaceLength)).0)
                    node.a = UInt32(add(slice(strings, node.a, node.nameLength)))
                    node.d = UInt32(Int(node.d) - from + nodes.count - (index - from))
                case .attribute:
                    node.a = UInt32(add(slice(strings, node.a, node.nameLength)))
                    node.c = UInt32(add(slice(strings, node.c, Int(node.d))))
                case .text:
                    node.a = UInt32(add(slice(strings, node.a, Int(node.d))))
                }
                nodes.append(node)
            }
        }
    }

    func finish() -> Element {
        nodes.withUnsafeBufferPointer { nodes in
            bytes.withUnsafeBufferPointer { Element(tape: .make(nodes: nodes, bytes: $0), index: 0) }
        }
    }

    private func slice(_ bytes: UnsafePointer<UInt8>, _ offset: UInt32, _ length: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes + Int(offset), count: length)
    }

    private mutating func add(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        let at = bytes.count
        bytes.append(contentsOf: text)
        return at
    }

    /// A child mostly has its parent's namespace or that of the element before it: those are stored once.
    private mutating func namespaceRange(_ namespace: UnsafeBufferPointer<UInt8>) -> (Int, Int) {
        if let parent = open.last, holds(nodes[parent], namespace) { return (Int(nodes[parent].c), namespace.count) }
        if let last = nodes.last, last.kind == .element, holds(last, namespace) { return (Int(last.c), namespace.count) }
        return (add(namespace), namespace.count)
    }

    private func holds(_ node: Node, _ namespace: UnsafeBufferPointer<UInt8>) -> Bool {
        guard node.namespaceLength == namespace.count else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return namespace.isEmpty }
            return equalBytes(start + Int(node.c), namespace.baseAddress, namespace.count)
        }
    }
}
