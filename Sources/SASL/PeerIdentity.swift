internal import Preparation

/// What the certificate of another server says of it, and whether its issuers are trusted.
///
/// The names are as the certificate has them. Its common name is not among them: it proves nothing (RFC 9525 §2).
public struct PeerIdentity: Sendable, Equatable {
    /// Whether the certificate leads to a trusted issuer, is valid now, and is meant for a server.
    public let isTrusted: Bool
    /// Why it is not trusted, for a person who reads the log; nil if it is.
    public let untrustedReason: String?
    /// The `dNSName`s.
    public let dnsNames: [String]
    /// The `SRVName`s (RFC 4985), the service in front: `_xmpp-server.example.org`.
    public let srvNames: [String]
    /// The addresses in `id-on-xmppAddr` (RFC 6120 §13.7.1.4).
    public let xmppAddresses: [String]

    public init(
        isTrusted: Bool, untrustedReason: String?, dnsNames: [String] = [], srvNames: [String] = [],
        xmppAddresses: [String] = []
    ) {
        self.isTrusted = isTrusted
        self.untrustedReason = isTrusted ? nil : untrustedReason ?? "not trusted"
        self.dnsNames = dnsNames
        self.srvNames = srvNames
        self.xmppAddresses = xmppAddresses
    }

    /// Whether whoever holds the certificate may speak for a domain: it is trusted and names it.
    /// - Parameter domain: prepared, as addresses have it.
    public func proves(_ domain: String) -> Bool { isTrusted && names(domain) }

    /// Why the certificate does not prove a domain, for a person who reads the log; nil if it does.
    public func doubt(about domain: String) -> String? {
        if let untrustedReason { return "its certificate is not to be relied on: \(untrustedReason)" }
        return names(domain) ? nil : "its certificate does not name \(domain)"
    }

    /// Whether one of the names is the domain's (RFC 6120 §13.7.1.2.1, RFC 9525 §6.3).
    public func names(_ domain: String) -> Bool {
        guard let ascii = AddressPart.asciiDomain(domain).map(Self.comparable), !ascii.isEmpty else { return false }
        return dnsNames.contains { Self.isName($0, of: ascii) } || srvNames.contains { Self.isService($0, of: ascii) }
            || xmppAddresses.contains { AddressPart.domain($0) == domain }
    }

    /// Case means nothing in DNS, nor does a dot at the end.
    private static func comparable(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }

    private static func isName(_ presented: String, of ascii: String) -> Bool {
        guard presented.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return false }
        let name = comparable(presented)
        return name == ascii || isWildcard(name, around: ascii)
    }

    /// A wildcard is the whole left-most label, stands for one label, and has at least two behind it: one of a whole
    /// top-level domain would be an issuer's mistake. An address has no labels.
    private static func isWildcard(_ name: String, around ascii: String) -> Bool {
        guard name.hasPrefix("*."), !isAddress(ascii), let dot = ascii.firstIndex(of: "."), dot != ascii.startIndex else {
            return false
        }
        let rest = name.dropFirst(2)
        return rest.contains(".") && !rest.contains("*") && ascii[ascii.index(after: dot)...] == rest
    }

    /// An SRVName is one of XMPP between servers, and its domain the one; there are no wildcards in it.
    private static func isService(_ presented: String, of ascii: String) -> Bool {
        guard presented.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return false }
        let name = comparable(presented)
        return ["_xmpp-server.", "_xmpp."].contains { name.hasPrefix($0) && name.dropFirst($0.count) == ascii }
    }

    /// No top-level domain consists of digits (RFC 3696 §2), so a name that ends with such a label is an IPv4 address; one of
    /// IPv6 stands in brackets.
    private static func isAddress(_ ascii: String) -> Bool {
        if ascii.hasPrefix("[") { return true }
        return ascii.split(separator: ".").last.map { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } } ?? true
    }
}
