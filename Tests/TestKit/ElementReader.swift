import XML

/// What comes in on a stream, part by part; it must be well-formed.
struct ElementReader {
    enum Part {
        case header(StreamHeader)
        case element(Element)
        case footer
    }

    private var framer = StanzaFramer(limits: Limits(bytes: 1 << 26))
    private let parser: ElementParser
    private var namespaces = StreamNamespaces.client
    private var kept: [UInt8] = []

    /// Streams on one thread may share a parser.
    init(_ parser: ElementParser = ElementParser()) { self.parser = parser }

    /// Starts over with a new stream on the same connection.
    mutating func restart() { framer.restart() }

    /// The parts that end in these bytes.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws -> [Part] {
        var parts: [Part] = []
        var at = 0
        while at < bytes.count {
            switch try framer.next(bytes, from: at) {
            case .incomplete(let from):
                kept += bytes[from...]
                return parts
            case .part(let part, let start, let end):
                kept += bytes[start..<end]
                let whole = kept
                kept = []
                at = end
                if let part = try whole.withUnsafeBytes({ try parse(part, $0) }) { parts.append(part) }
            }
        }
        return parts
    }

    private mutating func parse(_ part: StanzaFramer.Part, _ bytes: UnsafeRawBufferPointer) throws -> Part? {
        switch part {
        case .declaration:
            try parser.declaration(bytes)
            return nil
        case .header:
            let header = try parser.header(bytes, limits: framer.limits)
            namespaces = header.namespaces
            return .header(header)
        case .element: return .element(try parser.element(bytes, in: namespaces, limits: framer.limits))
        case .footer: return .footer
        }
    }
}
