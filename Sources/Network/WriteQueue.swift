internal import CPlatform
internal import Glibc

/// The way out of a socket: straight into the kernel, and through a queue while the socket is full.
@LoopActor
struct WriteQueue {
    private static let flags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)

    let socket: CInt
    /// What the socket did not take, in order. Its owner waits for the socket to become writable.
    private var waiting: OutputBuffer?

    init(_ socket: CInt) { self.socket = socket }

    var isBlocked: Bool { waiting != nil }
    var queued: Int { waiting?.count ?? 0 }

    /// Gives the kernel what it takes and keeps the rest. 0, or the number of the error that the socket is broken with.
    mutating func send(_ bytes: UnsafeRawBufferPointer) -> CInt {
        if let waiting {
            waiting.append(bytes)
            return 0
        }
        let sent = Glibc.send(socket, bytes.baseAddress, bytes.count, Self.flags)
        if sent == bytes.count { return 0 }
        if sent < 0, errno != EAGAIN, errno != EINTR { return errno }
        let rest = OutputBuffer.take()
        rest.append(UnsafeRawBufferPointer(rebasing: bytes[max(0, sent)...]))
        waiting = rest
        return 0
    }

    /// The socket is writable: gives the kernel of what waits as much as it takes. 0, or the number of the error.
    mutating func retry() -> CInt {
        guard let buffer = waiting else { return 0 }
        let sent = Glibc.send(socket, buffer.bytes.baseAddress, buffer.count, Self.flags)
        if sent < 0 { return errno == EAGAIN || errno == EINTR ? 0 : errno }
        buffer.consume(sent)
        if buffer.count == 0 { drop() }
        return 0
    }

    /// Forgets what waits.
    mutating func drop() {
        guard let buffer = waiting else { return }
        waiting = nil
        OutputBuffer.give(buffer)
    }
}
