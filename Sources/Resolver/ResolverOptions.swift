/// How the domain name system is asked.
public struct ResolverOptions: Sendable, Equatable {
    /// How long one try may take, in which a question may be sent several times.
    public var timeout: Duration
    /// How often a question that nobody answers is tried.
    public var tries: Int
    /// Whom to ask; none: those of `/etc/resolv.conf`, as it then is.
    public var servers: [NameServerAddress]

    public init(timeout: Duration = .seconds(10), tries: Int = 2, servers: [NameServerAddress] = []) {
        self.timeout = timeout
        self.tries = tries
        self.servers = servers
    }
}

/// Where a name server listens.
public struct NameServerAddress: Sendable, Hashable, CustomStringConvertible {
    public static let defaultPort: UInt16 = 53

    public let address: InternetAddress
    public let port: UInt16

    public init(_ address: InternetAddress, port: UInt16 = defaultPort) {
        self.address = address
        self.port = port
    }

    /// `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`; nil for anything else.
    public init?(_ text: String) {
        if let address = InternetAddress(text) {
            self.init(address)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        let isBracketed = text.hasPrefix("[") && text[..<colon].hasSuffix("]")
        let host = isBracketed ? text[..<colon].dropFirst().dropLast() : text[..<colon]
        guard let address = InternetAddress(String(host)), isBracketed == (address.family == .ipv6) else { return nil }
        self.init(address, port: port)
    }

    public var description: String { address.text(port: port) }
}
