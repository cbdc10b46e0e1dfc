import Glibc

/// Why a value is no good, without the place.
struct Rejection: Error, Equatable {
    let kind: Problem.Kind
    let expected: String
    var hint: String?
}

extension TextRule {
    /// The text in its one form, if the rule allows it.
    func check(_ text: String) throws(Rejection) -> String {
        if self == .regularExpression, case .failure(let reason) = RegularExpression.compile(text) {
            throw Rejection(kind: .badValue, expected: expectation, hint: reason.description)
        }
        guard let form = canonical(text) else { throw Rejection(kind: .badValue, expected: expectation) }
        return form
    }

    private func canonical(_ text: String) -> String? {
        switch self {
        case .any, .regularExpression: text
        case .nonEmpty: text.isEmpty ? nil : text
        case .domain: DomainName.canonical(text)
        case .domainOrWildcard: DomainName.canonicalOrWildcard(text)
        case .hostPattern: HostPattern.isLegal(text) ? text : nil
        case .path: text.isEmpty || text.utf8.contains(0) ? nil : text
        case .ipAddress: IPAddress(text)?.text
        case .network: IPNetwork(text) == nil ? nil : text
        case .language: Self.isLanguage(text) ? text.lowercased() : nil
        case .localPart: AddressText.isLocalPart(text) ? text.lowercased() : nil
        case .bareAddress: AddressText.isBare(text) ? text : nil
        case .route: RouteText.isLegal(text) ? text : nil
        case .glob: Glob(text) == nil ? nil : text
        }
    }

    var expectation: String {
        switch self {
        case .any: "a string"
        case .nonEmpty: "a non-empty string"
        case .localPart: "a non-empty string that can be the name before the @ of an address"
        case .bareAddress: "an address such as user@domain"
        case .route: "a path with balanced brackets, such as /api/[:name]"
        case .domain: "a domain name"
        case .domainOrWildcard: "a domain name, or *. before one"
        case .hostPattern: "a domain name, or a name before .@HOST@, which stands for the host"
        case .path: "the path of a file"
        case .ipAddress: "a literal IPv4 or IPv6 address"
        case .network: "an IP address, or one with a prefix length (192.0.2.0/24)"
        case .language: "a two-letter language code"
        case .regularExpression: "an extended regular expression"
        case .glob: "a glob pattern (* ? [abc])"
        }
    }

    private static func isLanguage(_ text: String) -> Bool {
        let letters = text.lowercased().utf8
        return letters.count == 2 && letters.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    }
}

enum DomainName {
    /// Lower case, without a final dot; nil for what cannot be a domain's name. What internationalised labels
    /// may hold is for the address rules of RFC 7622, which the server applies later.
    static func canonical(_ text: String) -> String? {
        var name = text.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        guard !name.isEmpty, name.utf8.count <= 253 else { return nil }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy(isLabel) ? name : nil
    }

    static func canonicalOrWildcard(_ text: String) -> String? {
        guard text.hasPrefix("*.") else { return canonical(text) }
        return canonical(String(text.dropFirst(2))).map { "*.\($0)" }
    }

    private static func isLabel(_ label: Substring) -> Bool {
        guard (1...63).contains(label.utf8.count), !label.hasPrefix("-"), !label.hasSuffix("-") else { return false }
        return label.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), 0x80...: true
            default: false
            }
        }
    }
}

/// Addresses as far as one can tell without the tables of RFC 7622, which the server applies later.
enum AddressText {
    static func isLocalPart(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 1023 && !text.utf8.contains { byte in
            byte <= 0x20 || byte == 0x7f || "\"&'/:<>@".utf8.contains(byte)
        }
    }

    static func isBare(_ text: String) -> Bool {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let domain = parts.last, DomainName.canonical(String(domain)) != nil else { return false }
        return parts.count == 1 || isLocalPart(String(parts[0]))
    }
}

enum RouteText {
    /// Brackets must be balanced; all else is for whoever matches paths.
    static func isLegal(_ text: String) -> Bool {
        var depth = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "[") { depth += 1 }
            if byte == UInt8(ascii: "]") { depth -= 1 }
            if depth < 0 { return false }
        }
        return depth == 0
    }
}

enum HostPattern {
    private static let suffix = ".@HOST@"

    /// A name without the mark, or with it once, at the end, behind a name of its own.
    static func isLegal(_ text: String) -> Bool {
        let own = text.hasSuffix(suffix) ? String(text.dropLast(suffix.count)) : text
        return DomainName.canonical(own) != nil
    }

    /// The text with every `@HOST@` replaced by the host's name.
    static func fill(_ text: String, with host: String) -> String {
        let mark = Array("@HOST@".utf8)
        var rest = Array(text.utf8)[...]
        var result: [UInt8] = []
        while let byte = rest.first {
            if rest.starts(with: mark) {
                result += host.utf8
                rest.removeFirst(mark.count)
            } else {
                result.append(byte)
                rest.removeFirst()
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// A literal address: never a name, never one of the short forms.
struct IPAddress: Equatable {
    /// 4 or 16 bytes in network order.
    let bytes: [UInt8]

    init?(_ text: String) {
        guard !text.utf8.contains(0) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &buffer) == 1 {
            bytes = Array(buffer[..<4])
        } else if inet_pton(AF_INET6, text, &buffer) == 1 {
            bytes = buffer
        } else {
            return nil
        }
    }

    var isIPv6: Bool { bytes.count == 16 }

    /// The usual way to write the address.
    var text: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "" }
        return buffer.withUnsafeBufferPointer { characters in
            characters.baseAddress.map { String(cString: $0) } ?? ""
        }
    }
}

/// A range of addresses: `192.0.2.0/24`, `2001:db8::/32`, or one address.
public struct IPNetwork: Sendable, Equatable {
    private let bytes: [UInt8]
    private let prefix: Int

    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        let longest = address.bytes.count * 8
        var prefix = longest
        if parts.count == 2 {
            guard let given = Int(parts[1]), (0...longest).contains(given) else { return nil }
            prefix = given
        }
        bytes = address.bytes
        self.prefix = prefix
    }

    /// False for an address of the other family and for what is no address.
    public func contains(_ text: String) -> Bool {
        guard let address = IPAddress(text), address.bytes.count == bytes.count else { return false }
        return (0..<prefix).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            return address.bytes[bit / 8] & mask == bytes[bit / 8] & mask
        }
    }
}
