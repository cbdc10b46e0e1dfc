internal import Glibc
internal import Network
internal import Synchronization

/// TCP connections for a library that would wait longer than it is told to.
enum OutgoingSocket {
    /// A connected, blocking socket; the addresses of a name share the time.
    static func connect(to host: String, port: Int, _ deadline: Deadline) -> Result<Int32, ServiceFailure> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0, let list else { return .failure(.unreachable(String(cString: gai_strerror(code)))) }
        defer { freeaddrinfo(list) }
        let addresses = Array(sequence(first: list) { $0.pointee.ai_next })
        var last = ServiceFailure.unreachable("there is no address")
        for (index, address) in addresses.enumerated() {
            let share = deadline.remaining / Int64(addresses.count - index)
            switch connect(address.pointee, deadline.within(share)) {
            case .success(let descriptor): return .success(descriptor)
            case .failure(let failure): last = failure
            }
        }
        return .failure(last)
    }

    private static func connect(_ address: addrinfo, _ deadline: Deadline) -> Result<Int32, ServiceFailure> {
        let kind = address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(address.ai_family, kind, address.ai_protocol)
        guard descriptor >= 0 else { return .failure(.unreachable(reason(errno))) }
        if let failure = finish(descriptor, address, deadline) {
            close(descriptor)
            return .failure(failure)
        }
        return .success(descriptor)
    }

    private static func finish(_ descriptor: Int32, _ address: addrinfo, _ deadline: Deadline) -> ServiceFailure? {
        if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) != 0 {
            guard errno == EINPROGRESS else { return .unreachable(reason(errno)) }
            guard deadline.wait(for: descriptor, Int32(POLLOUT)) else { return .silent("no connection in time") }
            var code: Int32 = 0, length = socklen_t(MemoryLayout<Int32>.size)
            guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code == 0 else {
                return .unreachable(reason(code))
            }
        }
        let flags = fcntl(descriptor, F_GETFL)
        guard fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0 else { return .unreachable(reason(errno)) }
        return nil
    }

    private static func reason(_ code: Int32) -> String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }
}

/// Ends a connection whose peer says nothing in the middle of something, so that whoever reads from it goes on.
final class SocketWatchdog: Sendable {
    private enum State { case watching(Int32), called, bitten }
    private let state: Mutex<State>

    /// - Parameter descriptor: of the socket, open until `call()`.
    init(_ descriptor: Int32, _ deadline: Deadline) {
        state = Mutex(.watching(descriptor))
        Loop.submit { [self] in _ = Loop.after(deadline.remaining) { self.bite() } }
    }

    private func bite() {
        state.withLock { state in
            guard case .watching(let descriptor) = state else { return }
            // Whoever writes still gets EPIPE: this program has SIGPIPE ignored.
            shutdown(descriptor, Int32(SHUT_RDWR))
            state = .bitten
        }
    }

    /// The wait is over; the descriptor is left alone from now on.
    /// - Returns: whether it had come to the end.
    func call() -> Bool {
        state.withLock { state in
            if case .bitten = state { return true }
            state = .called
            return false
        }
    }
}
