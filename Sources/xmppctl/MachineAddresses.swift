import Glibc
import Resolver

extension InternetAddress {
    /// The IPv4 addresses of this machine that others on the Internet can reach.
    static func ofThisMachine() -> [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [String] = []
        var entry = list
        while let current = entry {
            if let address = current.pointee.ifa_addr, Int32(address.pointee.sa_family) == AF_INET {
                let bytes = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) }
                }
                if isPublic(bytes), let own = InternetAddress(bytes: bytes) { found.append(own.description) }
            }
            entry = current.pointee.ifa_next
        }
        return found
    }

    /// Whether an IPv4 address is none of those for special purposes (RFC 6890) that machines have.
    static func isPublic(_ bytes: [UInt8]) -> Bool {
        switch (bytes[0], bytes[1]) {
        case (0, _), (10, _), (127, _), (100, 64...127), (169, 254), (172, 16...31), (192, 168), (224..., _): false
        default: true
        }
    }
}
