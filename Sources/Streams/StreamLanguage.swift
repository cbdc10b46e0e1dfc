internal import XML

/// The language that a client's header gives to all of its stanzas that name none (RFC 6120 §4.7.4).
///
/// A stanza that leaves the stream leaves its header behind, so it is told its language then (§8.1.5). Streams whose
/// header names none, or the one that our own headers announce to every recipient, have none to tell.
struct StreamLanguage: Equatable, Sendable {
    /// Characters of a tag, at most. RFC 5646 §4.4.1 finds 35 enough for every registered one; a longer one is ignored,
    /// since it would be written into every stanza.
    static let longest = 64
    private static let attribute = "xml:lang"

    let tag: String

    init?(_ header: StreamHeader, unless own: String) {
        guard let tag = header[Self.attribute], Self.isTag(tag), tag.lowercased() != own.lowercased() else { return nil }
        self.tag = tag
    }

    /// Letters and digits in parts of 1 to 8 with hyphens between them (RFC 5646 §2.1).
    private static func isTag(_ text: String) -> Bool {
        guard text.utf8.count <= longest else { return false }
        return text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).allSatisfy { part in
            (1...8).contains(part.count)
                && part.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"):
                        true
                    default: false
                    }
                }
        }
    }

    /// The stanza with its language; as it is if it names one or has no content that could be in any.
    func stamped(_ stanza: Element) -> Element {
        guard stanza.firstChild != nil, stanza[Self.attribute] == nil else { return stanza }
        return stanza.setting(Self.attribute, to: tag)
    }
}
