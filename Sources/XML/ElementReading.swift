internal import CExpat
private import Glibc

/// What expat reports about one part of a stream, as it goes onto a tape.
struct ElementReading: ~Copyable {
    enum Part { case declaration, prelude, header, element }

    /// How many times its size, and a constant, an element may take on its tape; and of how many bytes of names it may have its
    /// namespaces compared. Over either it is `tooBig`.
    private static let largestExpansion = 16
    private static let freeExpansion = 64 * 1024
    private static let largestWork = 64
    private static let freeWork = 1 << 20
    /// How many times its size, and a constant, an element may have as it is stored and sent on. Over it it is `tooBig`: many
    /// characters that were in a CDATA section must be escaped, or a prefix stands for a long namespace of the stream's header.
    private static let largestGrowth = 2
    private static let freeGrowth = 512

    var expat: XML_Parser?
    var builder = TapeBuilder()
    private(set) var failure: Malformed?
    /// The namespaces that a header declares.
    private(set) var declarations: [(prefix: String, uri: String)] = []
    private(set) var hasDeclaration = false
    private var part = Part.declaration
    private var limits = Limits(bytes: 0)
    private var depth = 0
    private var elements = 0
    private var expansion = 0
    private var work = 0
    private var size = 0
    /// At most by so much it grows when it is written, if no prefix is written.
    private var growth = 0
    /// Whether text is that of a CDATA section.
    var isInSection = false

    mutating func begin(_ part: Part, _ size: Int, _ limits: Limits) {
        self.part = part
        self.limits = limits
        failure = nil
        depth = 0
        elements = 0
        expansion = min(size * Self.largestExpansion + Self.freeExpansion, Limits.largest)
        work = size * Self.largestWork + Self.freeWork
        self.size = size
        growth = 0
        isInSection = false
        builder.clear()
        guard part != .element else { return }
        declarations = []
        hasDeclaration = false
    }

    mutating func fail(_ reason: Malformed) {
        guard failure == nil else { return }
        failure = reason
        XML_StopParser(expat, XML_Bool(XML_FALSE))
    }

    /// The start tag that was read, if it was one and nothing else.
    mutating func header() -> Element? {
        guard depth == 1 else { return nil }
        builder.endElement()
        return builder.finish()
    }

    mutating func start(
        _ name: UnsafePointer<XML_Char>?, _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) {
        guard part != .prelude, failure == nil, let reported = name else { return }
        depth += 1
        elements += 1
        guard depth <= limits.depth else { return fail(.tooDeep) }
        guard elements <= limits.elements else { return fail(.tooBig) }
        guard depth > 1 || builder.isEmpty else { return fail(.notWellFormed) }
        let name = ReportedName(reported)
        guard name.local.count <= TapeNode.longestName, name.namespace.count <= TapeNode.longestNamespace else {
            return fail(.tooManyAttributes)
        }
        work -= name.whole.count
        guard work >= 0 else { return fail(.tooBig) }
        let before = builder.byteCount
        if builder.startElement(name.local, namespace: name.namespace) {
            growth += name.namespace.count + 9
            spend(builder.byteCount - before - name.local.count)
        }
        guard var next = attributes else { return }
        var count = 0
        while let name = next[0], let value = next[1] {
            count += 1
            guard count <= limits.attributes else { return fail(.tooManyAttributes) }
            attribute(ReportedName(name), value)
            next += 2
        }
    }

    private mutating func attribute(_ name: ReportedName, _ value: UnsafePointer<XML_Char>) {
        let value = UnsafeRawBufferPointer(start: value, count: strlen(value)).assumingMemoryBound(to: UInt8.self)
        growth += 5 * value.count { $0 < 0x40 && Self.escaped &>> UInt64($0) & 1 != 0 }
        guard !name.namespace.isEmpty else {
            guard name.local.count <= TapeNode.longestName else { return fail(.tooManyAttributes) }
            return builder.attribute(name.local, value)
        }
        guard name.whole.count <= TapeNode.longestName else { return fail(.tooManyAttributes) }
        if name.isXML {
            builder.attribute(prefix: "xml:", name.local, value)
        } else {
            spend(name.whole.count)
            growth += name.namespace.count + 15
            builder.attribute(name.whole, value)
        }
    }

    mutating func end() {
        guard part == .element, failure == nil else {
            depth -= 1
            return
        }
        depth -= 1
        // Below zero it is the stream that ends, which no element may do.
        guard depth >= 0 else { return fail(.notWellFormed) }
        builder.endElement()
    }

    mutating func text(_ text: UnsafePointer<XML_Char>?, _ length: Int32) {
        guard depth > 0 else {
            if part == .element { fail(.notWellFormed) }
            return
        }
        guard failure == nil, let text else { return }
        let bytes = UnsafeRawBufferPointer(start: text, count: Int(length)).assumingMemoryBound(to: UInt8.self)
        // Elsewhere what is escaped came as a reference, which is as long.
        if isInSection { growth += 4 * bytes.count { $0 == 0x26 || $0 == 0x3c } }
        builder.text(bytes)
    }

    /// The characters below U+0040 that are escaped in values, one bit each.
    private static let escaped: UInt64 = 1 << 0x22 | 1 << 0x26 | 1 << 0x27 | 1 << 0x3c | 1 << 0x3e | 0xffff_ffff

    /// Whether the element, which has been read, has at most so many times its size when it is written. It is written for that only
    /// if it might not.
    func isWithinGrowth(_ element: Element) -> Bool {
        let most = (Self.largestGrowth - 1) * size + Self.freeGrowth
        return growth <= most || element.rendered(within: "jabber:client").count <= size + most
    }

    mutating func declared(_ version: UnsafePointer<XML_Char>?, _ encoding: UnsafePointer<XML_Char>?) {
        hasDeclaration = true
        guard let version, strcmp(version, "1.0") == 0 else { return fail(.notWellFormed) }
        if let encoding, strcasecmp(encoding, "UTF-8") != 0 { fail(.unsupportedEncoding) }
    }

    mutating func namespace(_ prefix: UnsafePointer<XML_Char>?, _ uri: UnsafePointer<XML_Char>?) {
        guard part == .header else { return }
        declarations.append((prefix.map { String(cString: $0) } ?? "", uri.map { String(cString: $0) } ?? ""))
    }

    private mutating func spend(_ bytes: Int) {
        expansion -= bytes
        if expansion < 0 { fail(.tooBig) }
    }
}

/// A name as expat reports it: the namespace, a separator and the local name, or the local name alone.
private struct ReportedName {
    let whole: UnsafeBufferPointer<UInt8>
    private let separator: Int

    init(_ name: UnsafePointer<XML_Char>) {
        whole = UnsafeRawBufferPointer(start: name, count: strlen(name)).assumingMemoryBound(to: UInt8.self)
        let found = memchr(name, Int32(ElementParser.separator), whole.count)
        separator = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(name) } ?? -1
    }

    var local: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: whole[(separator + 1)...]) }
    var namespace: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: whole[..<max(0, separator)]) }

    /// Whether it is in the namespace that `xml:` stands for.
    var isXML: Bool {
        let xml: StaticString = "http://www.w3.org/XML/1998/namespace"
        guard separator == xml.utf8CodeUnitCount, let base = whole.baseAddress else { return false }
        return equalBytes(base, xml.utf8Start, separator)
    }
}
