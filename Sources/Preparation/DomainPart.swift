private import CIDN2
private import Glibc

/// The domain part of an address (RFC 7622 §3.2): a name with U-labels in lower case, or an IP literal.
enum DomainPart {
    static let longest = AddressPart.longest
    private static let longestLabel = 63

    /// The name as addresses have it; `nil` if it is none. One dot at its end is taken away.
    static func prepared(_ name: String) -> String? {
        guard name.utf8.count <= longest + 1 else { return nil }
        let name = name.utf8.last == UInt8(ascii: ".") ? String(name.utf8.dropLast()) ?? "" : name
        guard !name.isEmpty, name.utf8.count <= longest else { return nil }
        if name.utf8.first == UInt8(ascii: "[") { return address(name) }
        let isASCII = name.utf8.allSatisfy { $0 < 0x80 }
        let lower = isASCII ? name.lowercased() : name
        guard isASCII, !hasLabel(withPrefix: "xn--", lower) else { return internationalized(lower) }
        return areLabelsSound(lower) ? lower : nil
    }

    /// A prepared name as DNS and TLS spell it, with A-labels (RFC 5890 §2.3.2.1).
    static func ascii(_ prepared: String) -> String? {
        prepared.utf8.allSatisfy { $0 < 0x80 } ? prepared : asciiForm(prepared, mapping: false)
    }

    private static func hasLabel(withPrefix prefix: String, _ name: String) -> Bool {
        name.split(separator: ".").contains { $0.hasPrefix(prefix) }
    }

    /// RFC 1123 §2.1, with the underscore that many local networks use. `name` is in lower case.
    private static func areLabelsSound(_ name: String) -> Bool {
        name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0.count <= longestLabel && $0.first != UInt8(ascii: "-") && $0.last != UInt8(ascii: "-")
                && $0.allSatisfy(isOfLabel)
        }
    }

    private static func isOfLabel(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// A name with labels that are not ASCII. A-labels become U-labels, so that both spellings of a name are one
    /// address (RFC 7622 §3.2.1); what cannot be spelt both ways is no name (RFC 5890 §2.3.2.1).
    private static func internationalized(_ name: String) -> String? {
        guard let ascii = asciiForm(name, mapping: true), areLabelsSound(ascii), let unicode = unicodeForm(ascii),
            asciiForm(unicode, mapping: false) == ascii
        else { return nil }
        return unicode
    }

    /// A-labels by IDNA2008; where `mapping` is allowed, case and width are folded first (RFC 7622 §3.2.1).
    private static func asciiForm(_ name: String, mapping: Bool) -> String? {
        guard !name.utf8.contains(0) else { return nil }  // where C would stop
        var output: UnsafeMutablePointer<UInt8>?
        let profile = mapping ? IDN2_NONTRANSITIONAL.rawValue : IDN2_NO_TR46.rawValue
        let flags = Int32(bitPattern: UInt32(IDN2_NFC_INPUT.rawValue | profile | IDN2_ALABEL_ROUNDTRIP.rawValue))
        var bytes = Array(name.utf8)
        bytes.append(0)
        guard idn2_lookup_u8(bytes, &output, flags) == IDN2_OK.rawValue, let output else { return nil }
        defer { idn2_free(output) }
        return String(cString: output)
    }

    private static func unicodeForm(_ name: String) -> String? {
        var output: UnsafeMutablePointer<CChar>?
        guard idn2_to_unicode_8z8z(name, &output, 0) == IDN2_OK.rawValue, let output else { return nil }
        defer { idn2_free(output) }
        return String(cString: output)
    }

    private static func address(_ literal: String) -> String? {
        var inner = Array(literal.utf8.dropFirst())
        guard inner.popLast() == UInt8(ascii: "]"), !inner.contains(0) else { return nil }
        var address = in6_addr()
        return inet_pton(AF_INET6, String(decoding: inner, as: UTF8.self), &address) == 1 ? literal.lowercased() : nil
    }
}
