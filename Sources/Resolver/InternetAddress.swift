internal import Glibc

/// An address of the Internet, without a port.
public struct InternetAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 of them, in network order.
    public let bytes: [UInt8]

    /// Nil for another number of bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
    }

    /// A literal address: never a name, never one of the short forms; nil for anything else.
    public init?(_ text: String) {
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

    public var family: AddressFamily { bytes.count == 4 ? .ipv4 : .ipv6 }

    /// As people write it.
    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// With a port, in brackets where they are needed.
    public func text(port: UInt16) -> String { family == .ipv4 ? "\(self):\(port)" : "[\(self)]:\(port)" }
}

/// The two protocols of the Internet, by their numbers.
public enum AddressFamily: Int, Sendable, CaseIterable {
    case ipv4 = 4
    case ipv6 = 6
}
