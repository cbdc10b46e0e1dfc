import CPlatform
import Glibc

/// Questions to the system's sockets.
public enum Sockets {
    private static func address(_ host: String, _ port: UInt16) -> (sockaddr_storage, socklen_t) {
        var storage = sockaddr_storage()
        let length: Int = withUnsafeMutableBytes(of: &storage) { room in
            if host.contains(":") {
                var v6 = sockaddr_in6()
                v6.sin6_family = sa_family_t(AF_INET6)
                v6.sin6_port = port.bigEndian
                inet_pton(AF_INET6, host, &v6.sin6_addr)
                room.storeBytes(of: v6, as: sockaddr_in6.self)
                return MemoryLayout<sockaddr_in6>.size
            }
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            inet_pton(AF_INET, host, &v4.sin_addr)
            room.storeBytes(of: v4, as: sockaddr_in.self)
            return MemoryLayout<sockaddr_in>.size
        }
        return (storage, socklen_t(length))
    }

    private static func with<T>(
        _ kind: Int32, _ host: String, _ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> T
    ) -> T {
        let descriptor = socket(host.contains(":") ? AF_INET6 : AF_INET, kind | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var (storage, length) = address(host, port)
        return withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body(descriptor, $0, length) }
        }
    }

    /// Whether somebody accepts a TCP connection there.
    public static func connects(_ host: String, _ port: UInt16) -> Bool {
        with(Int32(SOCK_STREAM.rawValue), host, port) { connect($0, $1, $2) == 0 }
    }

    /// Whether another process of this user could listen at a port of 127.0.0.1.
    public static func canBind(_ port: UInt16, reusePort: Bool) -> Bool {
        with(Int32(SOCK_STREAM.rawValue), "127.0.0.1", port) { descriptor, address, length in
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
            if reusePort { setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &yes, 4) }
            return bind(descriptor, address, length) == 0
        }
    }
}

/// A UDP socket that speaks to a port of 127.0.0.1.
public final class DatagramSocket {
    private let descriptor: Int32

    public init(to port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw TestFailure("no datagrams to port \(port)") }
    }

    deinit { close(descriptor) }

    public func send(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
    }

    public var isReadable: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }
}
