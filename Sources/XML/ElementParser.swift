private import CExpat

/// Turns the bytes of one part of a stream into a value. One parser serves all connections of a worker: expat keeps
/// the header's namespaces open and reads whole elements one after another, whoever sent them.
public final class ElementParser {
    /// Stands between namespace and local name in the name of an attribute that has a namespace.
    public static let separator: UInt8 = 1

    /// expat remembers every distinct name it ever saw, so it is reset after so many elements.
    private static let elementsBeforeReset = 4096
    private static let keptBytes = 64 * 1024

    private let expat: XML_Parser?
    private var namespaces: StreamNamespaces?
    private var elementsRead = 0
    fileprivate var builder = TapeBuilder()
    fileprivate var limits = Limits(bytes: 0)
    fileprivate var depth = 0
    fileprivate var isReadingHeader = false
    fileprivate var failure: Malformed?
    fileprivate var declarations: [(prefix: String, uri: String)] = []

    public init() {
        expat = XML_ParserCreateNS("UTF-8", XML_Char(ElementParser.separator))
        configure()
    }

    deinit {
        if let expat { XML_ParserFree(expat) }
    }

    /// Reads an XML declaration: it must be one, and must not name an encoding other than UTF-8 (RFC 6120 §11.6).
    public func declaration(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        reset()
        defer { reset() }
        try feed(bytes)
    }

    /// Reads the start tag of a stream.
    public func header(_ bytes: UnsafeRawBufferPointer, limits: Limits) throws(Malformed) -> StreamHeader {
        reset()
        defer { reset() }
        self.limits = limits
        isReadingHeader = true
        defer { isReadingHeader = false }
        try feed(bytes)
        guard depth == 1 else { throw .notWellFormed }
        builder.endElement()
        let element = builder.finish()
        return StreamHeader(
            name: element.name, namespace: element.namespace, attributes: element.attributes,
            namespaces: shared(StreamNamespaces(rootName: qualifiedName(bytes), declarations: declarations)))
    }

    /// Reads one whole element of a stream whose header declared `namespaces`.
    public func element(
        _ bytes: UnsafeRawBufferPointer, in namespaces: StreamNamespaces, limits: Limits
    ) throws(Malformed) -> Element {
        if self.namespaces !== namespaces || elementsRead >= Self.elementsBeforeReset {
            reset()
            depth = -1
            try namespaces.prelude.withUnsafeBufferPointer { (prelude) throws(Malformed) in
                try feed(UnsafeRawBufferPointer(prelude))
            }
            self.namespaces = namespaces
        }
        elementsRead += 1
        self.limits = limits
        depth = 0
        builder.clear()
        do throws(Malformed) {
            try feed(bytes)
            guard depth == 0, !builder.isEmpty else { throw .notWellFormed }
        } catch {
            reset()
            throw error
        }
        defer { builder.shrink(above: Self.keptBytes) }
        return builder.finish()
    }

    private func feed(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        guard bytes.count <= Limits.largest else { throw .tooBig }
        let text = bytes.assumingMemoryBound(to: CChar.self).baseAddress
        let status = XML_Parse(expat, text, Int32(bytes.count), 0)
        if let failure { throw failure }
        guard status == XML_STATUS_OK else {
            switch XML_GetErrorCode(expat) {
            case XML_ERROR_UNDEFINED_ENTITY: throw .restricted
            case XML_ERROR_UNKNOWN_ENCODING, XML_ERROR_INCORRECT_ENCODING: throw .unsupportedEncoding
            default: throw .notWellFormed
            }
        }
    }

    private func reset() {
        XML_ParserReset(expat, "UTF-8")
        namespaces = nil
        elementsRead = 0
        failure = nil
        depth = 0
        builder.clear()
        declarations = []
        configure()
    }

    private func configure() {
        // Debian's expat holds back the token at the end of the input unless it is told not to.
        XML_SetReparseDeferralEnabled(expat, XML_Bool(XML_FALSE))
        XML_SetUserData(expat, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(expat, { reader($0)?.start($1, $2) }, { context, _ in reader(context)?.end() })
        XML_SetCharacterDataHandler(expat) { reader($0)?.text($1, $2) }
        XML_SetCommentHandler(expat) { context, _ in reader(context)?.fail(.restricted) }
        XML_SetProcessingInstructionHandler(expat) { context, _, _ in reader(context)?.fail(.restricted) }
        XML_SetStartDoctypeDeclHandler(expat) { context, _, _, _, _ in reader(context)?.fail(.restricted) }
        XML_SetXmlDeclHandler(expat) { context, _, encoding, _ in reader(context)?.declared(encoding) }
        XML_SetStartNamespaceDeclHandler(expat) { reader($0)?.namespace($1, $2) }
    }

    fileprivate func fail(_ reason: Malformed) {
        guard failure == nil else { return }
        failure = reason
        XML_StopParser(expat, XML_Bool(XML_FALSE))
    }

    /// The name in the tag as it was written, which the footer repeats.
    private func qualifiedName(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        Array(bytes.dropFirst().prefix { ![0x20, 0x09, 0x0a, 0x0d, UInt8(ascii: ">"), UInt8(ascii: "/")].contains($0) })
    }

    private func shared(_ namespaces: StreamNamespaces) -> StreamNamespaces {
        namespaces.prelude == StreamNamespaces.client.prelude ? .client : namespaces
    }
}

private func reader(_ context: UnsafeMutableRawPointer?) -> ElementParser? {
    context.map { Unmanaged<ElementParser>.fromOpaque($0).takeUnretainedValue() }
}

/// What expat reports.
extension ElementParser {
    fileprivate func start(
        _ name: UnsafePointer<XML_Char>?, _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) {
        depth += 1
        guard depth > 0, let name else { return }
        guard depth <= limits.depth else { return fail(.tooDeep) }
        let full = bytes(name)
        if let separator = full.firstIndex(of: Self.separator) {
            let local = UnsafeBufferPointer(rebasing: full[(separator + 1)...])
            guard local.count <= Node.longestName, separator <= Node.longestNamespace else { return fail(.tooManyAttributes) }
            builder.startElement(local, namespace: UnsafeBufferPointer(rebasing: full[..<separator]))
        } else {
            guard full.count <= Node.longestName else { return fail(.tooManyAttributes) }
            builder.startElement(full, namespace: UnsafeBufferPointer(start: nil, count: 0))
        }
        guard var next = attributes else { return }
        var count = 0
        while let name = next[0], let value = next[1] {
            count += 1
            guard count <= limits.attributes else { return fail(.tooManyAttributes) }
            attribute(bytes(name), bytes(value))
            next += 2
        }
    }

    private func attribute(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        guard name.count <= Node.longestName else { return fail(.tooManyAttributes) }
        let xml: StaticString = "http://www.w3.org/XML/1998/namespace"
        let length = xml.utf8CodeUnitCount
        if name.count > length, name[length] == Self.separator, let base = name.baseAddress,
            equalBytes(base, xml.utf8Start, length) {
            let prefixed = Array("xml:".utf8) + name[(length + 1)...]
            prefixed.withUnsafeBufferPointer { builder.attribute($0, value) }
        } else {
            builder.attribute(name, value)
        }
    }

    fileprivate func end() {
        depth -= 1
        if depth >= 0, !isReadingHeader { builder.endElement() }
    }

    fileprivate func text(_ text: UnsafePointer<XML_Char>?, _ length: Int32) {
        guard depth > 0, let text else { return }
        text.withMemoryRebound(to: UInt8.self, capacity: Int(length)) {
            builder.text(UnsafeBufferPointer(start: $0, count: Int(length)))
        }
    }

    fileprivate func declared(_ encoding: UnsafePointer<XML_Char>?) {
        guard let encoding else { return }
        if String(cString: encoding).uppercased() != "UTF-8" { fail(.unsupportedEncoding) }
    }

    fileprivate func namespace(_ prefix: UnsafePointer<XML_Char>?, _ uri: UnsafePointer<XML_Char>?) {
        guard isReadingHeader else { return }
        declarations.append((prefix.map { String(cString: $0) } ?? "", uri.map { String(cString: $0) } ?? ""))
    }

    private func bytes(_ text: UnsafePointer<XML_Char>) -> UnsafeBufferPointer<UInt8> {
        var length = 0
        while text[length] != 0 { length += 1 }
        return UnsafeRawPointer(text).withMemoryRebound(to: UInt8.self, capacity: length) {
            UnsafeBufferPointer(start: $0, count: length)
        }
    }
}
