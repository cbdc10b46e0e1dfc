/// The parts of an address (RFC 7622 §3), each in the one form in which it is compared.
///
/// Whatever names a user or a host is prepared here: addresses of stanzas as well as names in the configuration.
public enum AddressPart {
    /// Bytes of UTF-8 that a part may have (RFC 7622 §3.2–§3.4), as it is given and as it is prepared. A longer one is
    /// refused before its characters are looked at, so that a peer cannot buy work with bytes that no address has.
    public static let longest = 1023

    /// A user name by RFC 7622 §3.3, or `nil`.
    public static func local(_ name: String) -> String? {
        guard name.utf8.count <= longest, let prepared = PRECIS.usernameCaseMapped(name),
            prepared.utf8.count <= longest, !prepared.utf8.contains(where: { forbiddenInLocal.contains($0) })
        else { return nil }
        return prepared
    }

    /// A domain by RFC 7622 §3.2, or `nil`.
    public static func domain(_ name: String) -> String? { DomainPart.prepared(name) }

    /// A prepared domain as DNS and TLS spell it, with A-labels (RFC 5890 §2.3.2.1), or `nil`.
    public static func asciiDomain(_ prepared: String) -> String? { DomainPart.ascii(prepared) }

    /// A resource by RFC 7622 §3.4, or `nil`.
    public static func resource(_ name: String) -> String? {
        guard name.utf8.count <= longest, let prepared = PRECIS.opaqueString(name), prepared.utf8.count <= longest
        else { return nil }
        return prepared
    }

    private static let forbiddenInLocal = Array("\"&'/:<>@ ".utf8)
}
