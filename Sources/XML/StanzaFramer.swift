internal import Glibc

/// Finds where the parts of a stream end: its XML declaration, its header, each top-level element, its footer.
///
/// It looks at brackets, quotation marks and the names of tags; whether a part is well-formed says `ElementParser`.
/// It keeps no bytes, so its owner stores what is unfinished, never more than `Limits.bytes`: size, depth, and what
/// RFC 6120 §11.1 forbids (comments, processing instructions, DTDs) are refused at the first byte that shows it. So
/// are mistakes that would leave an element without an end, such as the wrong end tag or an attribute left open.
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
        case between, less, content
        case name, tag, tagSlash, single, double
        case endName, endTag
        case bang, cdataStart, cdata, cdataBracket, cdataBrackets
        case declaration, declarationEnd
    }

    private var state = State.between
    private var isOpen = false
    /// The document has begun: no XML declaration may follow.
    private var hasBegun = false
    private var cdataMatched: UInt8 = 0
    private var depth: Int32 = 0
    /// Bytes of the unfinished part that came before.
    private var size: Int32 = 0
    /// Where in the part the start tag begins that is being read, and how many attributes it has so far.
    private var tagAt: Int32 = 0
    private var attributes: Int32 = 0
    private var names = OpenNames()
    public var limits: Limits

    public init(limits: Limits) { self.limits = limits }

    /// Starts over with a new stream on the same connection (RFC 6120 §4.3.3).
    public mutating func restart() { self = StanzaFramer(limits: limits) }

    /// Whether an unfinished part is waiting for more bytes.
    public var isInsidePart: Bool { state != .between }

    /// The bytes being looked at: `at` goes from `offset` to `end`; the part's first byte lies at `origin`, which is
    /// negative if it came earlier.
    private struct Cursor {
        let base: UnsafePointer<UInt8>
        var at: Int
        let end: Int
        let origin: Int

        /// Goes behind the next `byte`, or to `end`.
        mutating func skip(past byte: Int32, end: Int) -> Bool {
            guard let found = memchr(base + at, byte, end - at) else {
                at = end
                return false
            }
            at = UnsafeRawPointer(found) - UnsafeRawPointer(base) + 1
            return true
        }
    }

    /// Looks at `bytes` from `offset` on, up to the end of the next part. After an error the stream is over.
    public mutating func next(_ bytes: UnsafeRawBufferPointer, from offset: Int) throws(Malformed) -> Found {
        let count = bytes.count
        guard let base = bytes.assumingMemoryBound(to: UInt8.self).baseAddress, offset < count else {
            return .incomplete(from: count)
        }
        var start = offset
        if state == .between {
            start = try skipSpace(base, offset, count)
            guard start < count else { return .incomplete(from: count) }
            size = 0
            depth = 0
        }
        // The part may grow to the limit; a byte past it is not even looked at.
        let room = max(0, limits.bytes - Int(size))
        let end = start + min(count - start, room)
        var cursor = Cursor(base: base, at: start, end: end, origin: start - Int(size))
        while cursor.at < end {
            if let part = try step(&cursor) {
                state = .between
                if part == .header { isOpen = true }
                return .part(part, start: start, end: cursor.at)
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
            default: throw isForeign(base[at]) ? .unsupportedEncoding : .notWellFormed
            }
        }
        return at
    }

    /// Whether a byte before the header or in front of its name shows UTF-16 or UTF-32 (XML 1.0, appendix F): one of
    /// their byte order marks, or a zero, which they have beside each character of ASCII (RFC 6120 §4.9.3.22).
    private func isForeign(_ byte: UInt8) -> Bool { !isOpen && (byte == 0 || byte == 0xfe || byte == 0xff) }

    /// Goes on by at least one byte; answers the part that ends with it.
    private mutating func step(_ cursor: inout Cursor) throws(Malformed) -> Part? {
        switch state {
        case .content:
            if cursor.skip(past: 0x3c, end: cursor.end) { state = .less }
        case .name, .tag, .tagSlash, .single, .double: return try startTag(&cursor)
        case .endName, .endTag: return try endTag(&cursor)
        case .between:
            cursor.at += 1
            state = .less
        case .less: try afterLess(&cursor)
        case .bang, .cdataStart, .cdata, .cdataBracket, .cdataBrackets: try characterData(&cursor)
        case .declaration, .declarationEnd:
            let byte = cursor.base[cursor.at]
            cursor.at += 1
            if state == .declarationEnd, byte == UInt8(ascii: ">") { return .declaration }
            state = byte == UInt8(ascii: "?") ? .declarationEnd : .declaration
        }
        return nil
    }

    private mutating func afterLess(_ cursor: inout Cursor) throws(Malformed) {
        let byte = cursor.base[cursor.at]
        switch byte {
        case UInt8(ascii: "/"):
            guard isOpen else { throw .notWellFormed }
            cursor.at += 1
            names.begin()
            state = .endName
        case UInt8(ascii: "!"):
            // A DTD or a comment; inside an element it may still be CDATA.
            guard depth > 0 else { throw .restricted }
            cursor.at += 1
            state = .bang
        case UInt8(ascii: "?"):
            guard !isOpen, !hasBegun else { throw .restricted }
            cursor.at += 1
            state = .declaration
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: ":"), 0x80...:
            // What else a name may not begin with, the parser knows.
            tagAt = Int32(cursor.at - 1 - cursor.origin)
            attributes = 0
            names.begin()
            state = .name
        default: throw isForeign(byte) ? .unsupportedEncoding : .notWellFormed
        }
        hasBegun = true
    }
}

/// Inside tags.
extension StanzaFramer {
    private mutating func startTag(_ cursor: inout Cursor) throws(Malformed) -> Part? {
        let end = min(cursor.end, cursor.origin + Int(tagAt) + Limits.longestTag)
        guard cursor.at < end else { throw .tooBig }
        switch state {
        case .name:
            if names.read(cursor.base, &cursor.at, end) { state = .tag }
        case .single: try quoted(&cursor, end, 0x27)
        case .double: try quoted(&cursor, end, 0x22)
        case .tagSlash:
            guard cursor.base[cursor.at] == UInt8(ascii: ">") else { throw .notWellFormed }
            cursor.at += 1
            return try emptyElement()
        default: return try betweenAttributes(&cursor, end)
        }
        return nil
    }

    private mutating func betweenAttributes(_ cursor: inout Cursor, _ end: Int) throws(Malformed) -> Part? {
        let base = cursor.base
        var at = cursor.at
        defer { cursor.at = at }
        while at < end {
            let byte = base[at]
            at += 1
            if byte > 0x3e { continue }  // as most are
            switch byte {
            case 0x27, 0x22:
                attributes += 1
                guard attributes <= limits.attributes else { throw .tooManyAttributes }
                state = byte == 0x27 ? .single : .double
                return nil
            case UInt8(ascii: ">"):
                guard isOpen else { return .header }
                names.push(at: depth)
                depth += 1
                guard depth <= limits.depth else { throw .tooDeep }
                state = .content
                return nil
            case UInt8(ascii: "/"):
                state = .tagSlash
                return nil
            case UInt8(ascii: "<"): throw .notWellFormed
            default: continue
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

    /// Goes behind the closing quotation mark. No attribute has a `<` in its value (XML 1.0 §2.3).
    private mutating func quoted(_ cursor: inout Cursor, _ end: Int, _ mark: UInt8) throws(Malformed) {
        let base = cursor.base
        var at = cursor.at
        defer { cursor.at = at }
        while end - at >= 8 {
            let bytes = EightBytes(at: base + at)
            let found = bytes.equal(to: mark) | bytes.equal(to: 0x3c)
            if found != 0 {
                at += EightBytes.first(found)
                break
            }
            at += 8
        }
        while at < end {
            let byte = base[at]
            at += 1
            if byte == 0x3c { throw .notWellFormed }
            if byte == mark {
                state = .tag
                return
            }
        }
    }

    private mutating func endTag(_ cursor: inout Cursor) throws(Malformed) -> Part? {
        if state == .endName {
            guard names.read(cursor.base, &cursor.at, cursor.end) else { return nil }
            guard names.matches(at: depth - 1) else { throw .notWellFormed }
            state = .endTag
        }
        while cursor.at < cursor.end {
            let byte = cursor.base[cursor.at]
            cursor.at += 1
            switch byte {
            case UInt8(ascii: ">"):
                if depth == 0 { return .footer }
                depth -= 1
                if depth == 0 { return .element }
                state = .content
                return nil
            case 0x20, 0x09, 0x0a, 0x0d: continue
            default: throw .notWellFormed
            }
        }
        return nil
    }

    private static let cdata: StaticString = "[CDATA["

    private mutating func characterData(_ cursor: inout Cursor) throws(Malformed) {
        if state == .cdata {
            if cursor.skip(past: 0x5d, end: cursor.end) { state = .cdataBracket }
            return
        }
        let byte = cursor.base[cursor.at]
        cursor.at += 1
        switch state {
        case .bang:
            guard byte == UInt8(ascii: "[") else { throw .restricted }
            cdataMatched = 1
            state = .cdataStart
        case .cdataStart:
            guard byte == Self.cdata.utf8Start[Int(cdataMatched)] else { throw .notWellFormed }
            cdataMatched += 1
            if cdataMatched == 7 { state = .cdata }
        case .cdataBracket: state = byte == UInt8(ascii: "]") ? .cdataBrackets : .cdata
        default:
            if byte == UInt8(ascii: ">") { state = .content } else if byte != UInt8(ascii: "]") { state = .cdata }
        }
    }
}
