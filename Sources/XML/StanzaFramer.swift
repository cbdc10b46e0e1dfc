internal import Glibc

/// Finds where the parts of a stream end: its XML declaration, its header, each top-level element, its footer.
///
/// It looks at brackets and quotation marks only; whether a part is well-formed says `ElementParser`. It keeps no
/// bytes, so its owner stores what is unfinished, never more than `Limits.bytes`: size, depth, and what RFC 6120
/// §11.1 forbids (comments, processing instructions, DTDs) are refused at the first byte that shows it.
public struct StanzaFramer: Sendable {
    public enum Part: Sendable, Equatable {
        case declaration, header, element, footer
    }

    public enum Found: Sendable, Equatable {
        /// No part ends in these bytes. What lies at `from` and after it belongs to an unfinished part and must be
        /// kept by the owner; `from` is the number of bytes if there is nothing to keep.
        case incomplete(from: Int)
        /// A part ends before `end`. It begins at `start`, behind any bytes kept from before.
        case part(Part, start: Int, end: Int)
    }

    private enum State: UInt8 {
        case between, less, openTag, openTagSlash, single, double, closeTag, content
        case bang, cdataStart, cdata, cdataBracket, cdataBrackets
        case declaration, declarationEnd
    }

    private var state = State.between
    private var isOpen = false
    /// The document has begun: no XML declaration may follow.
    private var hasBegun = false
    private var cdataMatched: UInt8 = 0
    private var depth: Int32 = 0
    private var size: Int32 = 0
    public var limits: Limits

    public init(limits: Limits) { self.limits = limits }

    /// Starts over with a new stream on the same connection (RFC 6120 §4.3.3).
    public mutating func restart() { self = StanzaFramer(limits: limits) }

    /// Whether an unfinished part is waiting for more bytes.
    public var isInsidePart: Bool { state != .between }

    /// Looks at `bytes` from `offset` on, up to the end of the next part.
    public mutating func next(_ bytes: UnsafeRawBufferPointer, from offset: Int) throws(Malformed) -> Found {
        guard let base = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return .incomplete(from: 0) }
        let count = bytes.count
        var at = offset
        var start = offset
        if state == .between {
            at = try skipSpace(base, at, count)
            start = at
            guard at < count else { return .incomplete(from: count) }
            at += 1
            state = .less
            size = 0
            depth = 0
        }
        // The part may grow to the limit; a byte past it is not even looked at.
        let end = start + min(count - start, limits.bytes - Int(size))
        while at < end {
            if let part = try step(base, &at, end) {
                state = .between
                if part == .header { isOpen = true }
                return .part(part, start: start, end: at)
            }
        }
        guard end == count else { throw .tooBig }
        size += Int32(count - start)
        return .incomplete(from: start)
    }

    private mutating func skipSpace(_ base: UnsafePointer<UInt8>, _ from: Int, _ count: Int) throws(Malformed) -> Int {
        var at = from
        while at < count {
            switch base[at] {
            case 0x20, 0x09, 0x0a, 0x0d:
                // An XML declaration stands at the very beginning or not at all (XML 1.0 §2.8).
                hasBegun = true
                at += 1
            case UInt8(ascii: "<"): return at
            default: throw .notWellFormed
            }
        }
        return at
    }

    /// Goes on by at least one byte; answers the part that ends with it.
    private mutating func step(_ base: UnsafePointer<UInt8>, _ at: inout Int, _ end: Int) throws(Malformed) -> Part? {
        switch state {
        case .content:
            guard let less = memchr(base + at, 0x3c, end - at) else {
                at = end
                return nil
            }
            at = UnsafeRawPointer(less) - UnsafeRawPointer(base) + 1
            state = .less
        case .less: try afterLess(base[at], &at)
        case .openTag, .openTagSlash: return try insideTag(base, &at, end)
        case .single: quoted(base, &at, end, 0x27)
        case .double: quoted(base, &at, end, 0x22)
        case .closeTag:
            guard let greater = memchr(base + at, 0x3e, end - at) else {
                at = end
                return nil
            }
            at = UnsafeRawPointer(greater) - UnsafeRawPointer(base) + 1
            return closed()
        case .bang, .cdataStart, .cdata, .cdataBracket, .cdataBrackets: try characterData(base[at], &at)
        case .declaration, .declarationEnd:
            let byte = base[at]
            at += 1
            if state == .declarationEnd, byte == UInt8(ascii: ">") { return .declaration }
            state = byte == UInt8(ascii: "?") ? .declarationEnd : .declaration
        case .between: throw .notWellFormed
        }
        return nil
    }

    private mutating func afterLess(_ byte: UInt8, _ at: inout Int) throws(Malformed) {
        at += 1
        switch byte {
        case UInt8(ascii: "/"):
            guard isOpen else { throw .notWellFormed }
            state = .closeTag
        case UInt8(ascii: "!"):
            // A DTD or a comment; inside an element it may still be CDATA.
            guard depth > 0 else { throw .restricted }
            state = .bang
        case UInt8(ascii: "?"):
            guard !isOpen, !hasBegun else { throw .restricted }
            state = .declaration
        case UInt8(ascii: ">"), UInt8(ascii: "<"), 0x20, 0x09, 0x0a, 0x0d: throw .notWellFormed
        default: state = .openTag
        }
        hasBegun = true
    }

    private mutating func insideTag(_ base: UnsafePointer<UInt8>, _ at: inout Int, _ end: Int) throws(Malformed) -> Part? {
        while at < end {
            let byte = base[at]
            at += 1
            switch byte {
            case UInt8(ascii: ">"):
                if state == .openTagSlash { return try emptyElement() }
                guard isOpen else { return .header }
                depth += 1
                guard depth <= limits.depth else { throw .tooDeep }
                state = .content
                return nil
            case UInt8(ascii: "/"): state = .openTagSlash
            case 0x27:
                state = .single
                return nil
            case 0x22:
                state = .double
                return nil
            case UInt8(ascii: "<"): throw .notWellFormed
            default: state = .openTag
            }
        }
        return nil
    }

    private mutating func emptyElement() throws(Malformed) -> Part? {
        guard isOpen else { throw .notWellFormed }
        guard depth < limits.depth else { throw .tooDeep }
        if depth == 0 { return .element }
        state = .content
        return nil
    }

    private mutating func quoted(_ base: UnsafePointer<UInt8>, _ at: inout Int, _ end: Int, _ mark: Int32) {
        guard let found = memchr(base + at, mark, end - at) else {
            at = end
            return
        }
        at = UnsafeRawPointer(found) - UnsafeRawPointer(base) + 1
        state = .openTag
    }

    private mutating func closed() -> Part? {
        if depth == 0 { return .footer }
        depth -= 1
        if depth == 0 { return .element }
        state = .content
        return nil
    }

    private static let cdata: StaticString = "[CDATA["

    private mutating func characterData(_ byte: UInt8, _ at: inout Int) throws(Malformed) {
        at += 1
        switch state {
        case .bang:
            guard byte == UInt8(ascii: "[") else { throw .restricted }
            cdataMatched = 1
            state = .cdataStart
        case .cdataStart:
            guard byte == Self.cdata.utf8Start[Int(cdataMatched)] else { throw .notWellFormed }
            cdataMatched += 1
            if cdataMatched == 7 { state = .cdata }
        case .cdata: if byte == UInt8(ascii: "]") { state = .cdataBracket }
        case .cdataBracket: state = byte == UInt8(ascii: "]") ? .cdataBrackets : .cdata
        default:
            if byte == UInt8(ascii: ">") { state = .content } else if byte != UInt8(ascii: "]") { state = .cdata }
        }
    }
}
