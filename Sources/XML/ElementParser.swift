private import CExpat

/// Turns the bytes of one part of a stream into a value. One parser serves all connections of a worker: expat keeps
/// the header's namespaces open and reads whole elements one after another, whoever sent them.
public final class ElementParser {
    /// Stands between namespace and local name in the name of an attribute that has a namespace.
    public static let separator: UInt8 = 1

    /// expat remembers every distinct name it ever saw, so it is reset after so many bytes, and made anew after an
    /// element that may have grown its buffers.
    private static let bytesBeforeReset = 256 * 1024
    private static let keptBytes = 64 * 1024

    private var expat: XML_Parser?
    private var namespaces: StreamNamespaces?
    private var bytesRead = 0
    /// expat's callbacks change it through this pointer.
    private let reading: UnsafeMutablePointer<ElementReading>

    public init() {
        reading = .allocate(capacity: 1)
        reading.initialize(to: ElementReading())
        reading.pointee.builder.storeNamespacesOnce()
        create()
    }

    deinit {
        if let expat { XML_ParserFree(expat) }
        reading.deinitialize(count: 1)
        reading.deallocate()
    }

    /// Reads an XML declaration: it must be one, and must not name an encoding other than UTF-8 (RFC 6120 §11.6).
    public func declaration(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        reset()
        reading.pointee.begin(.declaration, bytes.count, Limits(bytes: 0))
        try feed(bytes)
        guard reading.pointee.hasDeclaration else {
            reset()
            throw .notWellFormed
        }
    }

    /// Reads the start tag of a stream.
    public func header(_ bytes: UnsafeRawBufferPointer, limits: Limits) throws(Malformed) -> StreamHeader {
        reset()
        reading.pointee.begin(.header, bytes.count, limits)
        try feed(bytes)
        guard let element = reading.pointee.header() else {
            reset()
            throw .notWellFormed
        }
        // expat stands inside this stream now, so its elements may follow.
        let namespaces = StreamNamespaces(
            rootName: qualifiedName(bytes), declarations: reading.pointee.declarations
        ).shared
        self.namespaces = namespaces
        return StreamHeader(
            name: element.name, namespace: element.namespace, attributes: element.attributes, namespaces: namespaces)
    }

    /// Reads one whole element of a stream whose header declared `namespaces`.
    public func element(
        _ bytes: UnsafeRawBufferPointer, in namespaces: StreamNamespaces, limits: Limits
    ) throws(Malformed) -> Element {
        if self.namespaces !== namespaces || bytesRead >= Self.bytesBeforeReset { try enter(namespaces) }
        reading.pointee.begin(.element, bytes.count, limits)
        try feed(bytes)
        guard reading.pointee.builder.isComplete else {
            reset()
            throw .notWellFormed
        }
        let element = reading.pointee.builder.finish()
        guard reading.pointee.isWithinGrowth(element) else {
            reset()
            throw .tooBig
        }
        if bytes.count > Self.keptBytes { create() }
        return element
    }

    /// Makes expat stand inside a stream with these namespaces.
    private func enter(_ namespaces: StreamNamespaces) throws(Malformed) {
        if bytesRead >= Self.bytesBeforeReset || !namespaces.means(self.namespaces) {
            reset()
            reading.pointee.begin(.prelude, namespaces.prelude.count, Limits(bytes: 0))
            try namespaces.prelude.withUnsafeBufferPointer { (prelude) throws(Malformed) in
                try feed(UnsafeRawBufferPointer(prelude))
            }
        }
        self.namespaces = namespaces
    }

    private func feed(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        guard bytes.count <= Limits.largest else { throw .tooBig }
        bytesRead += bytes.count
        let text = bytes.assumingMemoryBound(to: CChar.self).baseAddress
        let isRead = XML_Parse(expat, text, Int32(bytes.count), 0) == XML_STATUS_OK && reading.pointee.failure == nil
        // An unfinished token would go on with whatever is read next.
        if isRead, XML_GetCurrentByteIndex(expat) == bytesRead { return }
        let reason = reading.pointee.failure ?? (isRead ? .notWellFormed : malformed(XML_GetErrorCode(expat), bytes))
        create()
        throw reason
    }

    /// Bytes that break the rules of UTF-8 are an encoding that is not supported (RFC 6120 §4.9.3.22); expat calls them
    /// an invalid token like any other.
    private func malformed(_ code: XML_Error, _ bytes: UnsafeRawBufferPointer) -> Malformed {
        switch code {
        case XML_ERROR_INVALID_TOKEN where String(validating: bytes, as: UTF8.self) == nil: .unsupportedEncoding
        case XML_ERROR_UNDEFINED_ENTITY: .restricted
        case XML_ERROR_UNKNOWN_ENCODING, XML_ERROR_INCORRECT_ENCODING: .unsupportedEncoding
        case XML_ERROR_NO_MEMORY, XML_ERROR_AMPLIFICATION_LIMIT_BREACH: .tooBig
        default: .notWellFormed
        }
    }

    private static let salt = UInt.random(in: 1...UInt.max)

    /// A parser with nothing in its memory.
    private func create() {
        if let expat { XML_ParserFree(expat) }
        expat = XML_ParserCreateNS("UTF-8", XML_Char(ElementParser.separator))
        reading.pointee.builder.shrink(above: Self.keptBytes)
        configure()
    }

    private func reset() {
        XML_ParserReset(expat, "UTF-8")
        configure()
    }

    private func configure() {
        namespaces = nil
        bytesRead = 0
        reading.pointee.expat = expat
        // Debian's expat holds back the token at the end of the input unless it is told not to.
        XML_SetReparseDeferralEnabled(expat, XML_Bool(XML_FALSE))
        // One salt for the life of the process: expat would ask the system for another at each reset.
        XML_SetHashSalt(expat, Self.salt)
        XML_SetUserData(expat, UnsafeMutableRawPointer(reading))
        XML_SetElementHandler(expat, { reader($0)?.pointee.start($1, $2) }, { context, _ in reader(context)?.pointee.end() })
        XML_SetCharacterDataHandler(expat) { reader($0)?.pointee.text($1, $2) }
        XML_SetCdataSectionHandler(
            expat, { reader($0)?.pointee.isInSection = true }, { reader($0)?.pointee.isInSection = false })
        XML_SetCommentHandler(expat) { context, _ in reader(context)?.pointee.fail(.restricted) }
        XML_SetProcessingInstructionHandler(expat) { context, _, _ in reader(context)?.pointee.fail(.restricted) }
        XML_SetStartDoctypeDeclHandler(expat) { context, _, _, _, _ in reader(context)?.pointee.fail(.restricted) }
        XML_SetXmlDeclHandler(expat) { context, version, encoding, _ in
            reader(context)?.pointee.declared(version, encoding)
        }
        XML_SetStartNamespaceDeclHandler(expat) { reader($0)?.pointee.namespace($1, $2) }
    }

    /// The name in the tag as it was written, which the footer repeats.
    private func qualifiedName(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        Array(bytes.dropFirst().prefix { ![0x20, 0x09, 0x0a, 0x0d, UInt8(ascii: ">"), UInt8(ascii: "/")].contains($0) })
    }
}

@inline(__always)
private func reader(_ context: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<ElementReading>? {
    context?.assumingMemoryBound(to: ElementReading.self)
}
