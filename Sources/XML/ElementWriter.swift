private import Glibc

/// Renders elements as XML 1.0 in UTF-8 (RFC 6120 §11): no declaration, no comments.
///
/// Namespaces are declared as defaults where they are used. Where that would more than double an element, as when many short
/// names are in a few long namespaces, those get prefixes that are declared once (`NamespacePlan`).
public struct ElementWriter: ~Copyable {
    private var bytes: UnsafeMutablePointer<UInt8>
    private var count = 0
    private var capacity: Int
    /// Bytes that the declarations of an element may still take before it is written with prefixes.
    private var declarable = Int.max
    /// What declarations may take in any element, and so may what it is made of.
    private static let freeDeclarations = 512

    public init(reserving capacity: Int = 256) {
        self.capacity = max(64, capacity)
        bytes = .allocate(capacity: self.capacity)
    }

    deinit { bytes.deallocate() }

    /// What has been written.
    public var output: [UInt8] { Array(UnsafeBufferPointer(start: bytes, count: count)) }

    /// Gives the bytes away and ends the writer.
    public consuming func finish() -> [UInt8] { output }

    /// Writes a whole element, for a place whose default namespace is `context`.
    ///
    /// `replacing` names attributes of the outermost element that are written with other values, or not at all
    /// where the value is `nil`; a name that the element does not have is added.
    public mutating func write(
        _ element: Element, within context: String, replacing: KeyValuePairs<String, String?> = [:]
    ) {
        outermost(element, context) { name in
            replacing.contains { same(name, $0.key) }
        } adding: { writer in
            for (name, value) in replacing {
                if let value { writer.attribute(name, value) }
            }
        }
    }

    /// Writes a whole element with other addresses: its `from` and `to` are left out, and `addresses` writes what
    /// stands for them.
    public mutating func write(
        _ element: Element, within context: String, addressed addresses: (inout ElementWriter) -> Void
    ) {
        outermost(element, context) {
            isAddress($0)
        } adding: {
            addresses(&$0)
        }
    }

    /// Writes bytes that are XML already.
    public mutating func raw(_ bytes: [UInt8]) { bytes.withUnsafeBufferPointer { append($0) } }
    /// Writes a string that is XML already.
    public mutating func raw(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    /// Writes text with the characters escaped that markup gives a meaning.
    public mutating func escaped(_ text: String) {
        var text = text
        text.withUTF8 { escapeAttribute($0) }
    }

    mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        guard let source = text.baseAddress else { return }
        reserve(text.count)
        (bytes + count).update(from: source, count: text.count)
        count += text.count
    }

    mutating func append(_ byte: UInt8) {
        reserve(1)
        bytes[count] = byte
        count += 1
    }

    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.moveInitialize(from: bytes, count: count)
        bytes.deallocate()
        bytes = larger
    }
}

/// Elements and their attributes.
extension ElementWriter {
    struct Place {
        let nodes: UnsafePointer<TapeNode>
        let bytes: UnsafePointer<UInt8>

        func slice(_ offset: UInt32, _ length: Int) -> UnsafeBufferPointer<UInt8> {
            UnsafeBufferPointer(start: bytes + Int(offset), count: length)
        }
        func name(_ node: TapeNode) -> UnsafeBufferPointer<UInt8> { slice(node.a, node.nameLength) }
        func namespace(_ node: TapeNode) -> UnsafeBufferPointer<UInt8> { slice(node.c, node.namespaceLength) }
    }

    @inline(__always)
    private mutating func outermost(
        _ element: Element, _ context: String, leavingOut isLeftOut: (UnsafeBufferPointer<UInt8>) -> Bool,
        adding add: (inout ElementWriter) -> Void
    ) {
        element.tape.lend { nodes, bytes, size in
            var context = context
            context.withUTF8 { context in
                let place = Place(nodes: nodes, bytes: bytes)
                let start = count
                declarable = size.bytes + Self.freeDeclarations
                self.element(Int(element.index), place, context, leavingOut: isLeftOut, adding: add)
                guard declarable < 0 else { return }
                count = start
                let plan = NamespacePlan(Int(element.index), nodes, bytes)
                planned(Int(element.index), place, context, plan, leavingOut: isLeftOut, adding: add)
            }
        }
    }

    private mutating func inner(_ index: Int, _ place: Place, _ context: UnsafeBufferPointer<UInt8>) {
        element(index, place, context, leavingOut: { _ in false }, adding: { _ in })
    }

    @inline(__always)
    private mutating func element(
        _ index: Int, _ place: Place, _ context: UnsafeBufferPointer<UInt8>,
        leavingOut isLeftOut: (UnsafeBufferPointer<UInt8>) -> Bool, adding add: (inout ElementWriter) -> Void
    ) {
        let node = place.nodes[index]
        let end = Int(node.d)
        append(UInt8(ascii: "<"))
        append(place.name(node))
        declare(place.namespace(node), within: context)
        var at = attributes(index + 1, end, place, leavingOut: isLeftOut)
        add(&self)
        guard at < end else { return raw("/>") }
        append(UInt8(ascii: ">"))
        while at < end, declarable >= 0 {
            let content = place.nodes[at]
            if content.kind == .element {
                inner(at, place, place.namespace(node))
                at = Int(content.d)
            } else {
                escapeText(place.slice(content.a, Int(content.d)))
                at += 1
            }
        }
        raw("</")
        append(place.name(node))
        append(UInt8(ascii: ">"))
    }

    mutating func declare(_ namespace: UnsafeBufferPointer<UInt8>, within context: UnsafeBufferPointer<UInt8>) {
        guard let start = namespace.baseAddress else { return }
        if namespace.count == context.count, equalBytes(start, context.baseAddress, context.count) { return }
        declarable -= namespace.count
        raw(" xmlns='")
        escapeAttribute(namespace)
        append(UInt8(ascii: "'"))
    }

    /// Writes the attributes from `start` on; answers where the content begins.
    @inline(__always)
    private mutating func attributes(
        _ start: Int, _ end: Int, _ place: Place, leavingOut isLeftOut: (UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Int {
        var at = start
        var prefixes = 0
        while at < end, place.nodes[at].kind == .attribute {
            let node = place.nodes[at]
            at += 1
            let name = place.name(node)
            if isLeftOut(name) { continue }
            append(UInt8(ascii: " "))
            if let start = name.baseAddress, memchr(start, Int32(ElementParser.separator), name.count) != nil {
                qualified(name, prefixes)
                prefixes += 1
            } else {
                append(name)
            }
            raw("='")
            escapeAttribute(place.slice(node.c, Int(node.d)))
            append(UInt8(ascii: "'"))
        }
        return at
    }

    /// The name of an attribute in a namespace, after the declaration of a prefix for it.
    mutating func qualified(_ name: UnsafeBufferPointer<UInt8>, _ number: Int) {
        let parts = name.split(separator: ElementParser.separator, maxSplits: 1, omittingEmptySubsequences: false)
        let prefix = Array("ns\(number)".utf8)
        // The tape has it with each attribute, which makes that a poor measure of what came.
        declarable -= 2 * parts[0].count
        raw("xmlns:")
        raw(prefix)
        raw("='")
        escapeAttribute(UnsafeBufferPointer(rebasing: parts[0]))
        raw("' ")
        raw(prefix)
        append(UInt8(ascii: ":"))
        append(UnsafeBufferPointer(rebasing: parts[1]))
    }

    private mutating func attribute(_ name: String, _ value: String) {
        append(UInt8(ascii: " "))
        var name = name
        name.withUTF8 { append($0) }
        raw("='")
        escaped(value)
        append(UInt8(ascii: "'"))
    }
}

/// Characters that cannot stand for themselves.
extension ElementWriter {
    /// The bytes to be escaped, one bit each: all of them are below 64.
    private struct Special {
        let bits: UInt64
        let isAttribute: Bool

        private static let markup: UInt64 = 1 << 0x26 | 1 << 0x3c | 1 << 0x3e
        /// In text a `>` stands for itself, but for the one that would end a CDATA section (XML 1.0 §2.4).
        @inline(__always)
        func isMarkup(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
            if isAttribute || text[index] != 0x3e { return true }
            return index >= 2 && text[index - 1] == 0x5d && text[index - 2] == 0x5d
        }
        /// Control characters, of which text may have the tab and the line feed.
        static var text: Special { Special(bits: markup | 0xffff_ffff & ~(1 << 9 | 1 << 10), isAttribute: false) }
        /// In attributes white space other than blanks is written as references, since a reader would turn it into
        /// blanks (XML 1.0 §3.3.3).
        static var attribute: Special { Special(bits: markup | 0xffff_ffff | 1 << 0x27 | 1 << 0x22, isAttribute: true) }

        @inline(__always)
        func has(_ byte: UInt8) -> Bool { byte < 64 && bits &>> UInt64(byte) & 1 != 0 }

        /// Whether any of eight bytes may be special.
        @inline(__always)
        func mayBe(in bytes: EightBytes) -> Bool {
            let angles = bytes.setting(2).equal(to: 0x3e)
            let controls = bytes.below(0x20)
            guard isAttribute else { return angles | controls | bytes.equal(to: 0x26) != 0 }
            return angles | controls | bytes.setting(1).equal(to: 0x27) | bytes.equal(to: 0x22) != 0
        }
    }

    /// Copies runs of ordinary bytes whole.
    @inline(__always)
    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>, _ special: Special) {
        guard let base = text.baseAddress else { return }
        var start = 0
        var index = 0
        while index < text.count {
            var end = text.count
            if end >= 8 {
                // The last word may overlap the one before it.
                let word = min(index, end - 8)
                end = word + 8
                guard special.mayBe(in: EightBytes(at: base + word)) else {
                    index = end
                    continue
                }
            }
            while index < end {
                if special.has(base[index]), special.isMarkup(text, index) {
                    append(UnsafeBufferPointer(start: base + start, count: index - start))
                    raw(reference(base[index]))
                    start = index + 1
                }
                index += 1
            }
        }
        append(UnsafeBufferPointer(start: base + start, count: text.count - start))
    }

    @inline(never)
    mutating func escapeText(_ text: UnsafeBufferPointer<UInt8>) { escape(text, .text) }

    @inline(never)
    mutating func escapeAttribute(_ text: UnsafeBufferPointer<UInt8>) { escape(text, .attribute) }

    private func reference(_ byte: UInt8) -> StaticString {
        switch byte {
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "'"): "&apos;"
        case UInt8(ascii: "\""): "&quot;"
        case 9: "&#9;"
        case 10: "&#10;"
        case 13: "&#13;"
        default: "\u{fffd}"  // no reference stands for it either (XML 1.0 §2.2)
        }
    }
}

private func same(_ bytes: UnsafeBufferPointer<UInt8>, _ text: String) -> Bool {
    guard let start = bytes.baseAddress else { return text.isEmpty }
    return same(start, bytes.count, text)
}

@inline(__always)
private func isAddress(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    switch name.count {
    case 2: name[0] == UInt8(ascii: "t") && name[1] == UInt8(ascii: "o")
    case 4:
        name[0] == UInt8(ascii: "f") && name[1] == UInt8(ascii: "r") && name[2] == UInt8(ascii: "o")
            && name[3] == UInt8(ascii: "m")
    default: false
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
