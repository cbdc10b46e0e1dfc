internal import CAres

/// Names whose addresses this machine knows by itself, as the C library's getaddrinfo does.
public enum LocalNames {
    /// The addresses of a name that is an address itself, is in `/etc/hosts`, or means this machine (RFC 6761 §6.3); nil if the
    /// DNS is to be asked.
    public static func addresses(of name: String) -> [InternetAddress]? {
        let plain = name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : name
        if let address = InternetAddress(plain) { return [address] }
        guard DNSName.isLegal(name) else { return nil }
        let listed = listed(name)
        if !listed.isEmpty { return Array(listed.prefix(DNSAnswer.addressLimit)) }
        let lower = name.lowercased()
        guard lower == "localhost" || lower.hasSuffix(".localhost") else { return nil }
        return [InternetAddress("::1"), InternetAddress("127.0.0.1")].compactMap { $0 }
    }

    /// What c-ares is given to call back.
    private final class Found {
        var addresses: [InternetAddress] = []
    }

    /// What `/etc/hosts` says.
    private static func listed(_ name: String) -> [InternetAddress] {
        let found = Found()
        cares_read_hosts(
            name,
            { owner, bytes, length in
                guard let owner, let address = InternetAddress(bytes: UnsafeBufferPointer(start: bytes, count: length)) else {
                    return
                }
                let found = Unmanaged<Found>.fromOpaque(owner).takeUnretainedValue()
                if !found.addresses.contains(address) { found.addresses.append(address) }
            }, Unmanaged.passUnretained(found).toOpaque())
        return found.addresses
    }
}
