internal import Glibc
internal import NIOCore

/// Gives all connections of the loop one read buffer in turn, so that an idle connection holds none.
///
/// The event library keeps the first buffer it is given for as long as the channel lives, and afterwards takes a fresh
/// one for each read if told that buffers may grow. So the first is tiny; the connection reads the rest of that first
/// read itself.
struct SharedReadBuffers: RecvByteBufferAllocator {
    /// How many bytes one read takes at most.
    static let chunk = 8192
    static let first = 16
    private var hasRead = false

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        guard hasRead else { return allocator.buffer(capacity: Self.first) }
        return Self.takeSpare() ?? allocator.buffer(capacity: Self.chunk)
    }

    mutating func record(actualReadBytes: Int) -> Bool {
        hasRead = true
        return true
    }

    /// Of the loop alone: the event library asks for buffers there only, in a function that is not isolated.
    private nonisolated(unsafe) static var spare: ByteBuffer?

    private static func takeSpare() -> ByteBuffer? {
        guard var buffer = spare else { return nil }
        spare = nil
        buffer.clear()
        return buffer
    }

    /// The buffer of the last read has been dealt with. The event library drops its own reference before the next.
    @LoopActor static func giveBack(_ buffer: ByteBuffer) {
        if buffer.capacity == chunk { spare = buffer }
    }
}

/// Flags of direct system calls on sockets that the event library watches.
enum SocketFlags {
    static let send = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
    static let receive = Int32(MSG_DONTWAIT)
}
