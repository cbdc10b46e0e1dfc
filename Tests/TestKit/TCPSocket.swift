import CPlatform
import Glibc

/// A connection to the loopback interface that blocks, with deadlines.
public final class TCPSocket {
    private let descriptor: Int32
    private var tls: ClientTLS?

    /// - Parameter source: the loopback address to come from; nil: the system's choice.
    public init(port: UInt16, from source: String? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        if let source {
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr(source)
            let isBound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard isBound else { throw TestFailure("cannot come from \(source)") }
        }
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let reason = String(cString: strerror(errno))
            // `deinit` closes it: a second close could hit what another thread has just opened.
            throw TestFailure("cannot connect to port \(port): \(reason)")
        }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// A connection that was accepted.
    init(adopting descriptor: Int32) { self.descriptor = descriptor }

    deinit { Glibc.close(descriptor) }

    /// Encrypts the connection from here on.
    /// - Parameter certificate: a file with the certificate to show and its key.
    /// - Returns: the common name of the server's certificate.
    public func startTLS(domain: String, certificate: String? = nil) throws -> String {
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        let tls = try ClientTLS(descriptor, domain: domain, certificate: certificate)
        self.tls = tls
        return tls.serverName
    }

    /// Sends everything.
    /// - Returns: whether the other side took it; false if it has closed.
    @discardableResult
    public func send(_ bytes: [UInt8], _ deadline: Deadline = Deadline()) throws -> Bool {
        if let tls { return tls.send(bytes) }
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                sent += count
                continue
            }
            guard errno == EAGAIN || errno == EINTR else { return false }
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&entry, 1, deadline.remaining) > 0 else { throw TestFailure("the server takes nothing more") }
        }
        return true
    }

    /// The next bytes; empty at the end of the connection, nil at the deadline.
    public func receive(_ deadline: Deadline) -> [UInt8]? {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard tls?.hasPending == true || poll(&entry, 1, deadline.remaining) > 0 else { return nil }
            guard let tls else { break }
            if let bytes = tls.receive() { return bytes }
        }
        return [UInt8](unsafeUninitializedCapacity: 65_536) { room, filled in
            filled = max(0, recv(descriptor, room.baseAddress, room.count, 0))
        }
    }

    /// Whether bytes or the end are there to be read.
    public var isReadable: Bool {
        if tls?.hasPending == true { return true }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    /// Says that nothing more will be sent.
    public func shutdownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends the connection with a reset, as a machine does that has lost it.
    public func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}
