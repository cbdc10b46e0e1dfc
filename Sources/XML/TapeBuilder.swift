/// Writes a tape: elements are opened and closed in document order. Its memory is kept between uses.
struct TapeBuilder: ~Copyable {
    private var nodes: UnsafeMutablePointer<Node>
    private var bytes: UnsafeMutablePointer<UInt8>
    private var nodeCapacity: Int
    private var byteCapacity: Int
    private(set) var nodeCount = 0
    private(set) var byteCount = 0
    /// The element being written. Its node's `d` names its parent in the same way until it is closed.
    private var open = TapeBuilder.none
    /// Nodes before this one belong to what is closed: text that follows is not theirs.
    private var closed = 0

    private static let none = UInt32.max

    init(nodes: Int = 16, bytes: Int = 256) {
        nodeCapacity = nodes
        byteCapacity = bytes
        self.nodes = .allocate(capacity: nodes)
        self.bytes = .allocate(capacity: bytes)
    }

    deinit {
        nodes.deallocate()
        bytes.deallocate()
    }

    var isEmpty: Bool { nodeCount == 0 }

    /// Whether what was opened has been closed, and there is something.
    var isComplete: Bool { open == Self.none && nodeCount > 0 }

    mutating func clear() {
        nodeCount = 0
        byteCount = 0
        open = Self.none
        closed = 0
    }

    /// Gives back memory that an unusually large stanza took.
    mutating func shrink(above limit: Int) {
        guard byteCapacity > limit || nodeCapacity * MemoryLayout<Node>.stride > limit else { return }
        self = TapeBuilder()
    }

    /// Opens an element; answers whether its namespace is another than that of the element around it.
    @discardableResult
    mutating func startElement(_ name: UnsafeBufferPointer<UInt8>, namespace: UnsafeBufferPointer<UInt8>) -> Bool {
        let name = cut(name, Node.longestName)
        let namespace = cut(namespace, Node.longestNamespace)
        let (start, isNew) = namespaceStart(namespace)
        let node = Node.element(
            name: add(name), length: name.count, namespace: start, namespaceLength: namespace.count, next: open)
        open = UInt32(nodeCount)
        add(node)
        return isNew
    }

    mutating func startElement(_ name: String, namespace: String) {
        var (name, namespace) = (name, namespace)
        name.withUTF8 { name in namespace.withUTF8 { _ = startElement(name, namespace: $0) } }
    }

    mutating func attribute(
        prefix: StaticString = "", _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
    ) {
        let name = cut(name, Node.longestName - prefix.utf8CodeUnitCount)
        let start = byteCount
        if prefix.utf8CodeUnitCount > 0 {
            _ = add(UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount))
        }
        _ = add(name)
        let length = byteCount - start
        add(.attribute(name: start, length: length, value: add(value), valueLength: value.count))
    }

    mutating func attribute(_ name: String, _ value: String) {
        var (name, value) = (name, value)
        name.withUTF8 { name in value.withUTF8 { attribute(name, $0) } }
    }

    /// Adds text; directly after other text it becomes one with it.
    mutating func text(_ text: UnsafeBufferPointer<UInt8>) {
        guard !text.isEmpty else { return }
        if nodeCount > closed, nodes[nodeCount - 1].kind == .text {
            nodes[nodeCount - 1].d += UInt32(text.count)
            _ = add(text)
        } else {
            add(.text(at: add(text), length: text.count))
        }
    }

    mutating func text(_ text: String) {
        var text = text
        text.withUTF8 { self.text($0) }
    }

    mutating func endElement() {
        guard open != Self.none else { return }
        let parent = nodes[Int(open)].d
        nodes[Int(open)].d = UInt32(nodeCount)
        open = parent
        closed = nodeCount
    }

    /// Opens the one element that has been written again, so that more is added at its end.
    mutating func reopen() {
        guard isComplete else { return }
        nodes[0].d = Self.none
        open = 0
    }

    /// Copies a finished element in.
    mutating func append(_ element: borrowing Element) {
        element.tape.lend { source, strings, size in
            if element.index == 0 {
                appendWhole(source, strings, size)
            } else {
                appendPart(source, strings, from: Int(element.index))
            }
        }
        closed = nodeCount
    }

    private mutating func appendWhole(
        _ source: UnsafePointer<Node>, _ strings: UnsafePointer<UInt8>, _ size: TapeSize
    ) {
        let (firstNode, shift) = (UInt32(nodeCount), UInt32(byteCount))
        _ = add(UnsafeBufferPointer(start: strings, count: size.bytes))
        for index in 0..<size.nodes {
            var node = source[index]
            node.a += shift
            node.c += shift
            if node.kind == .element { node.d += firstNode }
            add(node)
        }
    }

    private mutating func appendPart(_ source: UnsafePointer<Node>, _ strings: UnsafePointer<UInt8>, from: Int) {
        let firstNode = nodeCount
        for index in from..<Int(source[from].d) {
            var node = source[index]
            switch node.kind {
            case .element:
                node.c = UInt32(namespaceStart(slice(strings, node.c, node.namespaceLength)).0)
                node.a = UInt32(add(slice(strings, node.a, node.nameLength)))
                node.d = UInt32(Int(node.d) - from + firstNode)
            case .attribute:
                node.a = UInt32(add(slice(strings, node.a, node.nameLength)))
                node.c = UInt32(add(slice(strings, node.c, Int(node.d))))
            case .text:
                node.a = UInt32(add(slice(strings, node.a, Int(node.d))))
            }
            add(node)
        }
    }

    /// What was written, as a value of its own.
    func finish() -> Element {
        Element(
            tape: .make(
                nodes: UnsafeBufferPointer(start: nodes, count: nodeCount),
                bytes: UnsafeBufferPointer(start: bytes, count: byteCount)),
            index: 0)
    }

    private func slice(_ bytes: UnsafePointer<UInt8>, _ offset: UInt32, _ length: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes + Int(offset), count: length)
    }

    /// Names longer than a node can say do not come from a peer; better a wrong name than a torn tape.
    private func cut(_ name: UnsafeBufferPointer<UInt8>, _ longest: Int) -> UnsafeBufferPointer<UInt8> {
        name.count <= longest ? name : UnsafeBufferPointer(rebasing: name.prefix(longest))
    }

    private mutating func add(_ node: Node) {
        if nodeCount == nodeCapacity {
            nodes = grown(nodes, nodeCount, to: nodeCapacity * 2)
            nodeCapacity *= 2
        }
        nodes[nodeCount] = node
        nodeCount += 1
    }

    private mutating func add(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        let at = byteCount
        if text.count > byteCapacity - at {
            byteCapacity = max(byteCapacity * 2, at + text.count)
            bytes = grown(bytes, at, to: byteCapacity)
        }
        if let source = text.baseAddress { (bytes + at).update(from: source, count: text.count) }
        byteCount += text.count
        return at
    }

    private func grown<T>(_ old: UnsafeMutablePointer<T>, _ count: Int, to capacity: Int) -> UnsafeMutablePointer<T> {
        let new = UnsafeMutablePointer<T>.allocate(capacity: capacity)
        new.moveInitialize(from: old, count: count)
        old.deallocate()
        return new
    }

    /// A child mostly has its parent's namespace or that of the element before it: those are stored once.
    private mutating func namespaceStart(_ namespace: UnsafeBufferPointer<UInt8>) -> (Int, isNew: Bool) {
        if open != Self.none, holds(nodes[Int(open)], namespace) { return (Int(nodes[Int(open)].c), false) }
        if nodeCount > 0, nodes[nodeCount - 1].kind == .element, holds(nodes[nodeCount - 1], namespace) {
            return (Int(nodes[nodeCount - 1].c), true)
        }
        return (add(namespace), true)
    }

    private func holds(_ node: Node, _ namespace: UnsafeBufferPointer<UInt8>) -> Bool {
        node.namespaceLength == namespace.count
            && equalBytes(bytes + Int(node.c), namespace.baseAddress, namespace.count)
    }
}
