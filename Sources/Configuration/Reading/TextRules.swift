import Glibc
import Preparation

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
        case .hostPattern: HostPattern.canonical(text)
        case .path: text.isEmpty || text.utf8.contains(0) ? nil : text
        case .ipAddress: IPAddress(text)?.text
        case .nameServer: NameServerText.canonical(text)
        case .network: IPNetwork(text) == nil ? nil : text
        case .language: Self.isLanguage(text) ? text.lowercased() : nil
        case .localPart: AddressPart.local(text)
        case .resource: AddressPart.resource(text)
        case .bareAddress: BareAddress.canonical(text)
        case .route: RouteText.isLegal(text) ? text : nil
        case .glob: Glob(text) == nil ? nil : text
        }
    }

    var expectation: String {
        switch self {
        case .any: "a string"
        case .nonEmpty: "a non-empty string"
        case .localPart: "a non-empty string that can be the name before the @ of an address"
        case .resource: "a non-empty string that can be the resource of an address"
        case .bareAddress: "an address such as user@domain"
        case .route: "a path with balanced brackets, such as /api/[:name]"
        case .domain: "a domain name"
        case .domainOrWildcard: "a domain name, or *. before one"
        case .hostPattern: "a domain name, or a name before .@HOST@, which stands for the host"
        case .path: "the path of a file"
        case .ipAddress: "a literal IPv4 or IPv6 address"
        case .nameServer: "a literal IP address, or one with a port (192.0.2.1:53, [2001:db8::1]:53)"
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

/// Names of hosts, in the one form that addresses have them in, so that every spelling of a name is the same host.
enum DomainName {
    /// Bytes of a name in DNS (RFC 1035 §2.3.4), without a final dot.
    private static let longest = 253

    /// The name as addresses have it (RFC 7622 §3.2): in lower case, with U-labels, without a final dot; nil for what
    /// cannot be a domain's name. Literal IPv6 addresses are none.
    static func canonical(_ text: String) -> String? {
        guard text.utf8.first != UInt8(ascii: "["), let name = AddressPart.domain(text),
            let ascii = AddressPart.asciiDomain(name), ascii.utf8.count <= longest
        else { return nil }
        return name
    }

    static func canonicalOrWildcard(_ text: String) -> String? {
        guard text.hasPrefix("*.") else { return canonical(text) }
        return canonical(String(text.dropFirst(2))).map { "*.\($0)" }
    }
}

/// Addresses without a resource, as the server compares them (RFC 7622).
enum BareAddress {
    static func canonical(_ text: String) -> String? {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let domain = parts.last.flatMap({ DomainName.canonical(String($0)) }) else { return nil }
        guard parts.count == 2 else { return domain }
        return AddressPart.local(String(parts[0])).map { "\($0)@\(domain)" }
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

/// Where a name server listens, as `Resolver` reads it.
enum NameServerText {
    static func canonical(_ text: String) -> String? {
        if let address = IPAddress(text) { return address.text }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        let isBracketed = text.hasPrefix("[") && text[..<colon].hasSuffix("]")
        let host = isBracketed ? text[..<colon].dropFirst().dropLast() : text[..<colon]
        guard let address = IPAddress(String(host)), isBracketed == address.isIPv6 else { return nil }
        return isBracketed ? "[\(address.text)]:\(port)" : "\(address.text):\(port)"
    }
}

enum HostPattern {
    private static let suffix = ".@HOST@"

    /// A name without the mark, or with it once, at the end, behind a name of its own; nil for others.
    static func canonical(_ text: String) -> String? {
        guard text.hasSuffix(suffix) else { return DomainName.canonical(text) }
        return DomainName.canonical(String(text.dropLast(suffix.count))).map { $0 + suffix }
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
