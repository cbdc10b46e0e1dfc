internal import Glibc

/// Why a peer's compressed input cannot be read on.
public enum CompressionProblem: Sendable, Equatable {
    /// It is not what zlib makes (RFC 1950).
    case corrupt
    /// One step of it inflates to more than the limit.
    case tooMuch
}

/// Compression of the stream (XEP-0138), between TLS and the delegate.
extension Connection {
    /// What one step of zlib makes at most. All connections of the loop use the same memory in turn.
    private static let inflated = UnsafeMutableRawBufferPointer.allocate(byteCount: 16384, alignment: 16)

    /// The state of a connection that is compressed.
    final class Compression {
        let inflater: Inflater
        let deflater: Deflater
        let limit: Int
        /// How much the present step has inflated to.
        var made = 0
        /// Input of the present step that waits, perhaps in the inflater alone, since reading was paused.
        var rest: [UInt8]?
        var isBroken = false
        /// Written, and not deflated yet.
        var gathered: OutputBuffer?

        /// nil if there is no memory for it.
        init?(limit: Int) {
            guard let inflater = Inflater(), let deflater = Deflater() else { return nil }
            self.inflater = inflater
            self.deflater = deflater
            self.limit = limit
        }
    }

    /// From here on both sides compress with zlib. What was written before goes out as it is.
    /// - Parameters:
    ///   - limit: bytes that one step of input, 16 kB at most, may inflate to; more is `cannotInflate`.
    ///   - behind: what has been received already and stands behind the peer's last word in the clear. It is inflated
    ///     at the end of this turn.
    public func startCompression(limit: Int, behind: UnsafeRawBufferPointer) {
        guard closing == .no, !isClosed, compression == nil else { return }
        guard let created = Compression(limit: limit) else { return abort(.broken(errno: ENOMEM)) }
        compression = created
        guard behind.count > 0 else { return }
        created.rest = Array(behind)
        markDirty()
    }

    /// Whether what comes has to wait: the owner wants nothing now, or there is something in front of it.
    var isHeldBack: Bool { isPausedByOwner || compression?.rest != nil }

    // MARK: Input

    /// Takes bytes out of TLS, or from the socket where there is none, to the delegate.
    func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard let compression else {
            delegate?.connection(self, received: bytes)
            return
        }
        compression.made = 0
        inflate(bytes, compression)
    }

    /// Goes on with a step that was interrupted.
    func deliverRest() {
        guard let compression, let rest = compression.rest else { return }
        compression.rest = nil
        rest.withUnsafeBytes { inflate($0, compression) }
    }

    private func inflate(_ bytes: UnsafeRawBufferPointer, _ compression: Compression) {
        let room = Self.inflated
        var at = 0
        while closing == .no, !compression.isBroken {
            if isPausedByOwner {
                compression.rest = Array(bytes[at...])
                return
            }
            // One byte more than may be, to see whether there is one.
            let length = min(room.count - 1, compression.limit - compression.made) + 1
            let step = compression.inflater.step(
                UnsafeRawBufferPointer(rebasing: bytes[at...]), into: UnsafeMutableRawBufferPointer(rebasing: room[..<length]))
            at += step.taken
            compression.made += step.made
            if compression.made > compression.limit { return fail(compression, .tooMuch) }
            if step.made > 0 { delegate?.connection(self, received: UnsafeRawBufferPointer(rebasing: room[..<step.made])) }
            switch step.outcome {
            case .hasMore: continue
            case .needsInput: return
            case .corrupt: return fail(compression, .corrupt)
            }
        }
    }

    private func fail(_ compression: Compression, _ problem: CompressionProblem) {
        compression.isBroken = true
        guard closing == .no else { return }
        delegate?.connection(self, cannotInflate: problem)
    }

    // MARK: Output

    /// Bytes that are deflated in one turn; what is left follows in the next ones.
    private static let deflatedAtOnce = 64 << 10

    /// Deflates what has been written since the last time, or a portion of it.
    func deflateGathered() {
        guard let compression, let gathered = compression.gathered else { return }
        let buffer = output ?? OutputBuffer.take()
        output = buffer
        let count = min(gathered.count, Self.deflatedAtOnce)
        compression.deflater.deflate(UnsafeRawBufferPointer(rebasing: gathered.bytes[..<count]), to: buffer)
        gathered.consume(count)
        guard gathered.count == 0 else { return markDirty() }
        compression.gathered = nil
        OutputBuffer.give(gathered)
    }
}
