/// Writes a tape: elements are opened and closed in document order. Its memory is kept between uses.
struct TapeBuilder: ~Copyable {
    private var nodes: UnsafeMutablePointer<TapeNode>
    private var bytes: UnsafeMutablePointer<UInt8>
    private var nodeCapacity: Int
    private var byteCapacity: Int
    private(set) var nodeCount = 0
    private(set) var byteCount = 0
    /// The element being written. Its node's `d` names its parent in the same way until it is closed.
    private var open = TapeBuilder.none
    /// Nodes before this one belong to what is closed: text that follows is not theirs.
    private var closed = 0
    /// Elements whose namespaces were stored lately, by a hash of them: so that a few long ones that alternate are stored once. What
    /// it says is compared with what is there, so that it need not be cleared.
    private var stored: [UInt32] = []
    private static let salt = UInt64.random(in: 1...UInt64.max) | 1

    private static let none = UInt32.max
    /// Bytes of a namespace that are copied for each element rather than looked up.
    private static let longNamespace = 64

    init(nodes: Int = 16, bytes: Int = 256) {
        nodeCapacity = nodes
        byteCapacity = bytes
        self.nodes = .allocate(capacity: nodes)
        self.bytes = .allocate(capacity: bytes)
    }

    /// Has namespaces stored once also where others come between. Worth it for what comes from a peer.
    mutating func storeNamespacesOnce() { stored = Array(repeating: Self.none, count: 256) }

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
        guard byteCapacity > limit || nodeCapacity * MemoryLayout<TapeNode>.stride > limit else { return }
        let isStoringOnce = !stored.isEmpty
        self = TapeBuilder()
        if isStoringOnce { storeNamespacesOnce() }
    }

    /// Opens an element; answers whether its namespace is another than that of the element around it.
    @discardableResult
    mutating func startElement(_ name: UnsafeBufferPointer<UInt8>, namespace: UnsafeBufferPointer<UInt8>) -> Bool {
        let name = cut(name, TapeNode.longestName)
        let namespace = cut(namespace, TapeNode.longestNamespace)
        let (start, isNew) = namespaceStart(namespace)
        let node = TapeNode.element(
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
        let name = cut(name, TapeNode.longestName - prefix.utf8CodeUnitCount)
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
        _ source: UnsafePointer<TapeNode>, _ strings: UnsafePointer<UInt8>, _ size: TapeSize
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

    private mutating func appendPart(_ source: UnsafePointer<TapeNode>, _ strings: UnsafePointer<UInt8>, from: Int) {
        let firstNode = nodeCount
        // Where long namespaces, which many elements of the source may share, lie here.
        var shared: [UInt32: UInt32] = [:]
        for index in from..<Int(source[from].d) {
            var node = source[index]
            switch node.kind {
            case .element:
                let source = node.c
                if node.namespaceLength > Self.longNamespace, let copy = shared[source] {
                    node.c = copy
                } else {
                    node.c = UInt32(namespaceStart(slice(strings, source, node.namespaceLength)).0)
                    if node.namespaceLength > Self.longNamespace { shared[source] = node.c }
                }
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

    private mutating func add(_ node: TapeNode) {
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
        if stored.isEmpty { return (add(namespace), true) }
        let place = Int(truncatingIfNeeded: Self.hash(namespace) & 255)
        let known = Int(stored[place])
        if known < nodeCount, nodes[known].kind == .element, holds(nodes[known], namespace) { return (Int(nodes[known].c), true) }
        // The element that is being opened becomes the next node.
        stored[place] = UInt32(nodeCount)
        return (add(namespace), true)
    }

    private static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard let base = text.baseAddress else { return 0 }
        let bytes = UnsafeRawPointer(base)
        var (hash, at) = (salt ^ UInt64(text.count), 0)
        while at + 8 <= text.count {
            hash = (hash ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* salt
            hash ^= hash >> 29
            at += 8
        }
        while at < text.count {
            hash = (hash ^ UInt64(base[at])) &* salt
            at += 1
        }
        return hash ^ hash >> 32
    }

    private func holds(_ node: TapeNode, _ namespace: UnsafeBufferPointer<UInt8>) -> Bool {
        node.namespaceLength == namespace.count
            && equalBytes(bytes + Int(node.c), namespace.baseAddress, namespace.count)
    }
}
