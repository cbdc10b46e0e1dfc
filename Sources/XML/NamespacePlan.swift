/// Where the namespaces of an element are declared, each once, so that many short names do not become many long declarations.
///
/// A namespace of several elements or attributes gets a prefix, declared at the innermost element around all of them. The time it
/// takes is in proportion to the tape.
struct NamespacePlan {
    /// Declarations that one tag gets; what else belongs to it is declared where it is used.
    private static let mostOfTag = 100

    struct Namespace {
        let name: UnsafeBufferPointer<UInt8>
        fileprivate(set) var uses = 1
        /// The innermost element around all uses, as an index of the tape.
        fileprivate(set) var place: Int
        fileprivate(set) var prefix: [UInt8]?
    }

    private(set) var namespaces: [Namespace] = []
    /// The prefixed ones of an element's tag.
    private(set) var declarations: [Int: [Int]] = [:]
    let first: Int
    /// For each node from the first on, the number of its namespace, and its parent; -1: none.
    private var numbers: [Int32]
    private var parents: [Int32]
    private var byPlace: [UInt64: Int] = [:]
    private var byName: [Name: Int] = [:]

    private struct Name: Hashable {
        let bytes: UnsafeBufferPointer<UInt8>

        static func == (one: Name, other: Name) -> Bool {
            guard let start = one.bytes.baseAddress else { return other.bytes.isEmpty }
            return one.bytes.count == other.bytes.count && equalBytes(start, other.bytes.baseAddress, one.bytes.count)
        }
        func hash(into hasher: inout Hasher) { hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }
    }

    /// - Parameter root: the index of the element that is written, in the tape that `nodes` and `bytes` are.
    init(_ root: Int, _ nodes: UnsafePointer<TapeNode>, _ bytes: UnsafePointer<UInt8>) {
        first = root
        let end = Int(nodes[root].d)
        numbers = Array(repeating: -1, count: end - root)
        parents = Array(repeating: -1, count: end - root)
        var open: [Int] = []
        for index in root..<end {
            let node = nodes[index]
            while let last = open.last, Int(nodes[last].d) <= index { open.removeLast() }
            switch node.kind {
            case .element:
                parents[index - root] = Int32(open.last ?? -1)
                open.append(index)
                use(slice(bytes, node.c, node.namespaceLength), at: UInt64(node.c), by: index, in: index, nodes)
            case .attribute:
                let name = slice(bytes, node.a, node.nameLength)
                guard let length = name.firstIndex(of: ElementParser.separator), let element = open.last else { continue }
                use(slice(bytes, node.a, length), at: UInt64(node.a), by: index, in: element, nodes)
            case .text: break
            }
        }
        choosePrefixes()
    }

    /// The number of the namespace of an element or an attribute.
    func number(_ index: Int) -> Int { Int(numbers[index - first]) }

    private func slice(_ bytes: UnsafePointer<UInt8>, _ offset: UInt32, _ length: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes + Int(offset), count: length)
    }

    private mutating func use(
        _ name: UnsafeBufferPointer<UInt8>, at offset: UInt64, by index: Int, in element: Int, _ nodes: UnsafePointer<TapeNode>
    ) {
        let place = offset << 16 | UInt64(name.count)
        guard let number = byPlace[place] ?? byName[Name(bytes: name)] else {
            byPlace[place] = namespaces.count
            byName[Name(bytes: name)] = namespaces.count
            numbers[index - first] = Int32(namespaces.count)
            return namespaces.append(Namespace(name: name, place: element))
        }
        byPlace[place] = number
        numbers[index - first] = Int32(number)
        namespaces[number].uses += 1
        var around = namespaces[number].place
        while element >= Int(nodes[around].d), around > first { around = Int(parents[around - first]) }
        namespaces[number].place = around
    }

    /// That of the outermost element stays the default. It gets a prefix as well if another default comes between.
    private mutating func choosePrefixes() {
        var isDefaultHidden = false
        for number in namespaces.indices.dropFirst() {
            let place = namespaces[number].place
            if !namespaces[number].name.isEmpty, namespaces[number].uses > 1,
                declarations[place, default: []].count < Self.mostOfTag
            {
                choosePrefix(number, place)
            } else {
                isDefaultHidden = true
            }
        }
        if isDefaultHidden, let outermost = namespaces.first, outermost.uses > 1, !outermost.name.isEmpty { choosePrefix(0, first) }
    }

    private mutating func choosePrefix(_ number: Int, _ place: Int) {
        namespaces[number].prefix = Array("n\(number)".utf8)
        declarations[place, default: []].append(number)
    }
}
