internal import CZlib

/// Deflates for one peer (RFC 1950). It costs 22 kB, so that a connection with both directions stays under 64 kB.
///
/// Not tied to the loop by its type; every user is.
final class Deflater {
    /// A window of 2 kB: several stanzas look back to those before them. And the memory of `memLevel` 4, of 9.
    private static let windowBits: CInt = 11
    private static let memoryLevel: CInt = 4

    private let stream: UnsafeMutablePointer<z_stream>

    /// nil if there is no memory for it.
    init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let result = deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size))
        // `deinit` gives back what there is, also here.
        guard result == Z_OK else { return nil }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Adds the bytes, deflated so that the peer can read them to the last, to the buffer's end.
    /// - Parameter bytes: at most 4 GB.
    func deflate(_ bytes: UnsafeRawBufferPointer, to buffer: OutputBuffer) {
        // A flush needs more than six bytes at once, or its end is written twice.
        let room = min(max(bytes.count / 2, 512), 16384)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = CUnsignedInt(bytes.count)
        repeat {
            stream.pointee.next_out = buffer.reserve(room).assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = CUnsignedInt(room)
            // It can fail by misuse only, or say that there is nothing left to do.
            _ = CZlib.deflate(stream, Z_SYNC_FLUSH)
            buffer.commit(room - Int(stream.pointee.avail_out))
        } while stream.pointee.avail_out == 0
    }
}
