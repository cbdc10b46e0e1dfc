internal import Glibc
internal import NIOCore

/// The way out of a socket: straight into the kernel, and through the event library's queue while the socket is full.
@LoopActor
struct SocketOutlet {
    let socket: CInt
    var channel: (any Channel)?
    /// The event library has bytes that the socket did not take. `TurnParticipant.libraryWrote` tells the end of that.
    private(set) var isBlocked = false

    init(socket: CInt, channel: (any Channel)?) {
        self.socket = socket
        self.channel = channel
    }

    /// What the kernel did not take of the bytes, or the number of the error that the socket is broken with.
    /// What is not taken must then be given to `enqueue`.
    mutating func send(_ bytes: UnsafeRawBufferPointer) -> (rest: UnsafeRawBufferPointer, failure: Int32) {
        if isBlocked { return (bytes, 0) }
        let sent = Glibc.send(socket, bytes.baseAddress, bytes.count, SocketFlags.send)
        if sent == bytes.count { return (UnsafeRawBufferPointer(start: nil, count: 0), 0) }
        if sent < 0, errno != EAGAIN, errno != EINTR { return (UnsafeRawBufferPointer(start: nil, count: 0), errno) }
        isBlocked = true
        return (UnsafeRawBufferPointer(rebasing: bytes[max(0, sent)...]), 0)
    }

    /// Gives the event library what waits for the socket. A function of the type, because `libraryWrote` may be called
    /// before it returns, and that changes the outlet.
    static func enqueue(_ bytes: UnsafeRawBufferPointer, to channel: (any Channel)?, for owner: any TurnParticipant) {
        guard let channel else { return }
        var buffer = channel.allocator.buffer(capacity: bytes.count)
        buffer.writeBytes(bytes)
        let written = channel.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { [weak owner] _ in LoopActor.assumeIsolated { owner?.libraryWrote() } }
        channel.pipeline.syncOperations.writeAndFlush(NIOAny(buffer), promise: written)
    }

    /// To be called from `libraryWrote`: whether the socket takes bytes again.
    mutating func unblock() -> Bool {
        if isBlocked, queued == 0 {
            isBlocked = false
            return true
        }
        return false
    }

    /// How many bytes the event library holds.
    var queued: Int {
        guard isBlocked else { return 0 }
        do {
            return try channel?.syncOptions?.getOption(.bufferedWritableBytes) ?? 0
        } catch {
            return 0   // only a closed channel refuses the question
        }
    }
}
