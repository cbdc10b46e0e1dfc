internal import CPlatform
internal import Glibc
public import Resolver

/// Where a connection comes from. Holds the address in binary form; the text is made when asked for.
public struct PeerAddress: Sendable, Hashable, CustomStringConvertible {
    enum Form: Hashable {
        case ipv4(UInt32)  // host order
        case ipv6(UInt64, UInt64)  // host order, first half first
        case local
    }
    let form: Form
    /// The port, 0 for AF_UNIX.
    public let port: UInt16

    /// An AF_UNIX peer, which has no address.
    public static let local = PeerAddress(form: .local, port: 0)

    init(form: Form, port: UInt16) {
        self.form = form
        self.port = port
    }

    /// The numeric address; empty for AF_UNIX.
    public var ip: String {
        switch form {
        case .local: return ""
        case .ipv4(let address):
            return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
        case .ipv6(let high, let low):
            var bytes = (high.bigEndian, low.bigEndian)
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            guard inet_ntop(AF_INET6, &bytes, &text, socklen_t(text.count)) != nil else { return "" }
            return text.withUnsafeBufferPointer {
                String(decoding: $0.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
        }
    }

    public var description: String {
        switch form {
        case .local: "local"
        case .ipv4: "\(ip):\(port)"
        case .ipv6: "[\(ip)]:\(port)"
        }
    }

    /// As the kernel gives it; anything but IPv4 and IPv6 is local.
    init(_ storage: sockaddr_storage) {
        self = withUnsafeBytes(of: storage) { raw in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let v4 = raw.loadUnaligned(as: sockaddr_in.self)
                return Self(form: .ipv4(UInt32(bigEndian: v4.sin_addr.s_addr)), port: UInt16(bigEndian: v4.sin_port))
            case AF_INET6:
                let v6 = raw.loadUnaligned(as: sockaddr_in6.self)
                return Self(form: Self.form(of: v6.sin6_addr), port: UInt16(bigEndian: v6.sin6_port))
            default:
                return .local
            }
        }
    }

    /// Where a connection leads.
    public init(_ address: InternetAddress, port: UInt16) {
        let (high, low) = (Self.number(address.bytes.prefix(8)), Self.number(address.bytes.dropFirst(8)))
        self.init(form: address.family == .ipv4 ? .ipv4(UInt32(truncatingIfNeeded: high)) : Self.form(high, low), port: port)
    }

    /// Bytes in network order as a number.
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    private static func form(of address: in6_addr) -> Form {
        withUnsafeBytes(of: address) {
            form(
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    /// An IPv4 client at a socket for both families has a mapped address (RFC 4291 §2.5.5.2).
    static func form(_ high: UInt64, _ low: UInt64) -> Form {
        high == 0 && low >> 32 == 0xffff ? .ipv4(UInt32(truncatingIfNeeded: low)) : .ipv6(high, low)
    }
}
