internal import CZlib

/// What one peer has deflated (RFC 1950), inflated a piece at a time. It costs at most 40 kB.
///
/// Not tied to the loop by its type; every user is.
final class Inflater {
    struct Step {
        enum Outcome {
            /// There may be more in what it has taken.
            case hasMore
            case needsInput
            /// The input is not zlib, or goes on behind its end.
            case corrupt
        }

        /// Bytes of input, bytes of output.
        let taken: Int
        let made: Int
        let outcome: Outcome
    }

    private let stream: UnsafeMutablePointer<z_stream>

    /// nil if there is no memory for it.
    init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // Zero: as large a window as the peer's header says, and none before it has come.
        guard inflateInit2_(stream, 0, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            // `deinit` gives back what there is, also here.
            return nil
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Inflates as much as has room; neither the input nor the room is kept.
    /// - Parameter room: at least one byte, at most 4 GB, as is the input.
    func step(_ input: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Step {
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = CUnsignedInt(input.count)
        stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = CUnsignedInt(room.count)
        let result = inflate(stream, Z_SYNC_FLUSH)
        let left = Int(stream.pointee.avail_in)
        let free = Int(stream.pointee.avail_out)
        let outcome: Step.Outcome =
            switch result {
            case Z_OK: free == 0 ? .hasMore : .needsInput
            case Z_BUF_ERROR: .needsInput
            case Z_STREAM_END: left == 0 ? .needsInput : .corrupt
            default: .corrupt
            }
        return Step(taken: input.count - left, made: room.count - free, outcome: outcome)
    }
}
