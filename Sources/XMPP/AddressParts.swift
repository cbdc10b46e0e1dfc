internal import Preparation

/// The three parts of an address as it was written (RFC 7622 §3.1), and whether it needs no preparation.
///
/// Nearly all addresses are lower-case ASCII: one look at each byte tells that they are prepared already.
struct AddressParts {
    typealias Part = Slice<UnsafeBufferPointer<UInt8>>

    let local: String?
    let domain: String
    let resource: String?
    /// All parts are there, short enough, and prepared.
    let isPlain: Bool

    init(_ text: UnsafeBufferPointer<UInt8>) {
        var at: Int?
        var end = 0
        while end < text.count, text[end] != UInt8(ascii: "/") {
            if text[end] == UInt8(ascii: "@"), at == nil { at = end }
            end += 1
        }
        let local = at.map { text[..<$0] }
        let domain = text[(at.map { $0 + 1 } ?? 0)..<end]
        let resource = end < text.count ? text[(end + 1)...] : nil
        isPlain =
            Self.isPlain(domain: domain) && (local.map(Self.isPlain(local:)) ?? true)
            && (resource.map(Self.isPlain(resource:)) ?? true)
        self.local = local.map { String(decoding: $0, as: UTF8.self) }
        self.domain = String(decoding: domain, as: UTF8.self)
        self.resource = resource.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A name in lower case without any character that a user's name may not have.
    private static func isPlain(local: Part) -> Bool {
        guard !local.isEmpty, local.count <= AddressPart.longest else { return false }
        for byte in local {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: "\\"):
                continue
            default: return false
            }
        }
        return true
    }

    private static func isPlain(resource: Part) -> Bool {
        guard !resource.isEmpty, resource.count <= AddressPart.longest else { return false }
        for byte in resource where byte < 0x20 || byte >= 0x7f { return false }
        return true
    }

    /// Labels in lower case; one with two hyphens in a row may be an A-label and needs a closer look.
    private static func isPlain(domain: Part) -> Bool {
        guard domain.count <= AddressPart.longest else { return false }
        var length = 0
        var last = UInt8(ascii: ".")
        for byte in domain {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): length += 1
            case UInt8(ascii: "-") where last != UInt8(ascii: ".") && last != UInt8(ascii: "-"): length += 1
            case UInt8(ascii: ".") where last != UInt8(ascii: ".") && last != UInt8(ascii: "-") && length <= 63:
                length = 0
            default: return false
            }
            last = byte
        }
        return length > 0 && length <= 63 && last != UInt8(ascii: "-")
    }
}
