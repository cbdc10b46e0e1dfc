private import CIDN2
private import Glibc

/// The domain part of an address (RFC 7622 §3.2): a name with U-labels in lower case, or an IP literal.
enum DomainPart {
    static let longest = 1023

    static func prepared(_ name: String) -> String? {
        if name.hasSuffix(".") { return prepared(String(name.dropLast())) }
        guard !name.isEmpty, name.utf8.count <= longest else { return nil }
        if name.utf8.first == UInt8(ascii: "[") { return address(name) }
        var needsMapping = false
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "_"):
                continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...: needsMapping = true
            default: return nil
            }
        }
        let result = needsMapping ? mapped(name) : name
        guard let result, areLabelsSound(result) else { return nil }
        return result.utf8.contains(where: { $0 == UInt8(ascii: "-") }) ? unicode(result) : result
    }

    private static func areLabelsSound(_ name: String) -> Bool {
        var length = 0
        for byte in name.utf8 {
            if byte == UInt8(ascii: ".") {
                guard length > 0 else { return false }
                length = 0
            } else {
                length += 1
                guard length <= 63 || byte >= 0x80 || name.utf8.contains(where: { $0 >= 0x80 }) else { return false }
            }
        }
        return length > 0
    }

    private static func mapped(_ name: String) -> String? {
        if name.utf8.allSatisfy({ $0 < 0x80 }) { return name.lowercased() }
        var output: UnsafeMutablePointer<UInt8>?
        let flags = Int32(IDN2_NFC_INPUT.rawValue | IDN2_NONTRANSITIONAL.rawValue)
        guard name.withCString({ text in
            text.withMemoryRebound(to: UInt8.self, capacity: name.utf8.count + 1) {
                idn2_lookup_u8($0, &output, flags)
            }
        }) == IDN2_OK.rawValue, let output else { return nil }
        defer { idn2_free(output) }
        return unicode(String(cString: output))
    }

    /// A-labels become U-labels, so that both spellings of a name are one address (RFC 7622 §3.2.1).
    private static func unicode(_ name: String) -> String? {
        guard name.contains("xn--") else { return name }
        var output: UnsafeMutablePointer<CChar>?
        guard idn2_to_unicode_8z8z(name, &output, 0) == IDN2_OK.rawValue, let output else { return nil }
        defer { idn2_free(output) }
        return String(cString: output)
    }

    private static func address(_ literal: String) -> String? {
        guard literal.hasSuffix("]") else { return nil }
        var address = in6_addr()
        let inner = String(literal.dropFirst().dropLast())
        return inet_pton(AF_INET6, inner, &address) == 1 ? literal.lowercased() : nil
    }
}
