public import Network

/// The bound of what waits for a peer that does not read: bytes always, stanzas where its listener says so
/// (`max_fsm_queue`).
@LoopActor
public struct UnreadBound {
    /// Bytes that may wait for a client that does not read; with more the next stanza closes its stream. With stream management
    /// (XEP-0198) the same number may be unacknowledged, besides one stanza of whatever size.
    public static let longestQueue = 8 << 20

    public private(set) var stanzas: Int32 = 0

    public nonisolated init() {}

    /// Counts the next stanza for a stream.
    /// - Returns: false if too much waited before it. Its own size and what else this turn has written do not count: they say
    ///   nothing of whether the peer reads.
    public mutating func admits(_ stream: any SessionStream) -> Bool {
        if stream.queuedBytes == 0 { stanzas = 0 }
        guard !isExceeded(stream) else { return false }
        stanzas += 1
        return true
    }

    /// The network has accepted all bytes.
    public mutating func drain() { stanzas = 0 }

    private func isExceeded(_ stream: any SessionStream) -> Bool {
        guard stream.isBlocked else { return false }
        if stream.queuedBytes > Self.longestQueue { return true }
        guard let bound = stream.queueBound else { return false }
        return stanzas >= bound && stream.queuedBytes > Connection.highWater
    }
}
