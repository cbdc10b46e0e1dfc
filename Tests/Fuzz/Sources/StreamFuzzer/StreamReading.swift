import XML

/// Reads a stream as a connection's owner does: it keeps what is unfinished and nothing else.
struct StreamReading {
    let parser: ElementParser
    private var framer: StanzaFramer
    private var kept: [UInt8] = []
    private var namespaces = StreamNamespaces.client
    private(set) var mostKept = 0
    /// What was found so far: `declaration`, `header {namespace}name`, an element as XML, `footer`, or the error.
    private(set) var transcript: [String] = []
    private(set) var isOver = false

    init(limits: Limits = Limits(bytes: 65536), parser: ElementParser = ElementParser()) {
        self.parser = parser
        framer = StanzaFramer(limits: limits)
    }

    /// Feeds the pieces one after another and answers all that was found.
    static func transcript<C: Sequence>(
        _ pieces: C, limits: Limits = Limits(bytes: 65536), parser: ElementParser = ElementParser()
    ) -> [String] where C.Element: Collection, C.Element.Element == UInt8 {
        var reading = StreamReading(limits: limits, parser: parser)
        for piece in pieces { reading.feed(piece) }
        return reading.transcript
    }

    mutating func feed(_ piece: some Collection<UInt8>) {
        guard !isOver else { return }
        let bytes = Array(piece)
        do throws(Malformed) {
            try bytes.withUnsafeBufferPointer { (bytes) throws(Malformed) in try read(UnsafeRawBufferPointer(bytes)) }
        } catch {
            transcript.append("error \(error)")
            isOver = true
        }
        mostKept = max(mostKept, kept.count)
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        var at = 0
        while !isOver {
            switch try framer.next(bytes, from: at) {
            case .incomplete(let from):
                kept += bytes[from...]
                return
            case .part(let part, let start, let end):
                let whole = kept + bytes[start..<end]
                kept = []
                try whole.withUnsafeBufferPointer { (whole) throws(Malformed) in
                    try handle(part, UnsafeRawBufferPointer(whole))
                }
                at = end
            }
        }
    }

    private mutating func handle(_ part: StanzaFramer.Part, _ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        switch part {
        case .declaration:
            try parser.declaration(bytes)
            transcript.append("declaration")
        case .header:
            let header = try parser.header(bytes, limits: framer.limits)
            namespaces = header.namespaces
            transcript.append("header {\(header.namespace)}\(header.name)")
        case .element:
            transcript.append(try parser.element(bytes, in: namespaces, limits: framer.limits).description)
        case .footer:
            transcript.append(namespaces.isFooter(bytes) ? "footer" : "wrong footer")
            isOver = true
        }
    }
}
