extension Element {
    /// The elements directly inside another, in document order.
    public struct Children: Sequence, IteratorProtocol, Sendable {
        nonisolated(unsafe) let tape: Tape
        var at: Int
        let end: Int

        public mutating func next() -> Element? {
            while at < end {
                let node = tape.lend { nodes, _ in nodes[at] }
                guard node.kind == .element else {
                    at += 1
                    continue
                }
                defer { at = Int(node.d) }
                return Element(tape: tape, index: UInt32(at))
            }
            return nil
        }
    }

    /// The child elements.
    public var children: Children {
        Children(tape: tape, at: Int(index) + 1, end: Int(node.d))
    }

    /// The first child element, of any name.
    public var firstChild: Element? {
        var children = children
        return children.next()
    }

    /// The first child with this name, in this element's own namespace or the given one.
    public func child(_ name: String, _ namespace: String? = nil) -> Element? {
        tape.lend { nodes, bytes in
            let own = nodes[Int(index)]
            var at = Int(index) + 1
            while at < Int(own.d) {
                let node = nodes[at]
                guard node.kind == .element else {
                    at += 1
                    continue
                }
                if same(bytes + Int(node.a), node.nameLength, name), isNamespace(node, namespace, of: own, bytes) {
                    return Element(tape: tape, index: UInt32(at))
                }
                at = Int(node.d)
            }
            return nil
        }
    }

    /// Whether there is a child with this name, in this element's own namespace or the given one.
    public func has(_ name: String, _ namespace: String? = nil) -> Bool { child(name, namespace) != nil }

    /// The first child in this namespace.
    public func child(in namespace: String) -> Element? { children.first { $0.isIn(namespace) } }

    /// The content in document order: elements and runs of text.
    public var contents: [Content] {
        var result: [Content] = []
        var at = Int(index) + 1
        let end = Int(node.d)
        while at < end {
            let node = tape.lend { nodes, _ in nodes[at] }
            switch node.kind {
            case .attribute: at += 1
            case .text:
                result.append(.text(tape.string(at: node.a, length: Int(node.d))))
                at += 1
            case .element:
                result.append(.element(Element(tape: tape, index: UInt32(at))))
                at = Int(node.d)
            }
        }
        return result
    }

    private func isNamespace(_ node: TapeNode, _ wanted: String?, of parent: TapeNode, _ bytes: UnsafePointer<UInt8>) -> Bool {
        if let wanted { return same(bytes + Int(node.c), node.namespaceLength, wanted) }
        return node.namespaceLength == parent.namespaceLength
            && equalBytes(bytes + Int(node.c), bytes + Int(parent.c), parent.namespaceLength)
    }
}
