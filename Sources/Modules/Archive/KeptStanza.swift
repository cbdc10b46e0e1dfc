internal import XML

/// An archived message: XML that this server has written, so that it can be searched without a parser. Each search is one
/// pass.
struct KeptStanza {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func escaped(_ text: String) -> String {
        var writer = ElementWriter()
        writer.escaped(text)
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    /// The first tag without its end; nil for a message without content.
    var startTag: String? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: ">")), end > 0, bytes[end - 1] != UInt8(ascii: "/") else { return nil }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }

    func contains(_ text: String) -> Bool {
        bytes.withUnsafeBytes { ByteSearch(Array(text.utf8)).place(in: $0) != nil }
    }

    /// Whether one of its addresses is exactly this one.
    func isWith(_ address: String) -> Bool {
        guard let start = startTag else { return false }
        let address = Self.escaped(address)
        return start.contains(" from='\(address)'") || start.contains(" to='\(address)'")
    }

    /// Whether its bodies have all these words.
    func hasWords(_ words: WordSearch) -> Bool { words.isFound(in: bodies) }

    /// The text of its bodies, a line feed behind each.
    private var bodies: [UInt8] {
        bytes.withUnsafeBytes { bytes in
            var (text, at): ([UInt8], Int) = ([], 0)
            while let start = Self.bodyStart.place(in: bytes, from: at),
                let open = Self.tagEnd.place(in: bytes, from: start),
                let end = Self.bodyEnd.place(in: bytes, from: open)
            {
                Self.unescape(bytes[(open + 1)..<end], into: &text)
                text.append(UInt8(ascii: "\n"))
                at = end + Self.bodyEnd.count
            }
            return text
        }
    }

    private static let bodyStart = ByteSearch(Array("<body".utf8))
    private static let tagEnd = ByteSearch(Array(">".utf8))
    private static let bodyEnd = ByteSearch(Array("</body>".utf8))

    private static let references: [(name: [UInt8], byte: UInt8)] = [
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&"),
    ].map { (Array($0.0.utf8), UInt8(ascii: $0.1)) }

    private static func unescape(_ escaped: Slice<UnsafeRawBufferPointer>, into text: inout [UInt8]) {
        text.reserveCapacity(text.count + escaped.count)
        var at = escaped.startIndex
        while at < escaped.endIndex {
            guard escaped[at] == UInt8(ascii: "&"),
                let reference = references.first(where: { escaped[at...].starts(with: $0.name) })
            else {
                text.append(escaped[at])
                at += 1
                continue
            }
            text.append(reference.byte)
            at += reference.name.count
        }
    }
}

/// A search for words, regardless of case: one pass over a text for each word.
struct WordSearch: Sendable {
    private let words: [ByteSearch]

    /// - Parameter words: in lower case.
    init(_ words: [String]) { self.words = words.map { ByteSearch(Array($0.utf8)) } }

    var isEmpty: Bool { words.isEmpty }

    /// Whether a text has all of the words; false for an empty text.
    func isFound(in text: [UInt8]) -> Bool {
        guard !text.isEmpty else { return false }
        let text = Self.lowercased(text)
        return text.withUnsafeBytes { text in words.allSatisfy { $0.place(in: text) != nil } }
    }

    private static func lowercased(_ text: [UInt8]) -> [UInt8] {
        guard text.allSatisfy({ $0 < 0x80 }) else { return Array(String(decoding: text, as: UTF8.self).lowercased().utf8) }
        return text.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
    }
}
