internal import CPlatform

/// What an entry is found by: the bytes of a full or a bare JID, and the hash of the bare JID.
struct EntryKey {
    /// Bare JID, resource and, for a record to be written, client address, without separators.
    let text: UnsafeRawBufferPointer
    let bareLength: Int
    let resourceLength: Int
    let hash: UInt64

    init(text: UnsafeRawBufferPointer, bareLength: Int, resourceLength: Int, seed: UnsafePointer<UInt64>) {
        self.text = text
        self.bareLength = bareLength
        self.resourceLength = resourceLength
        self.hash = xmppd_siphash(seed, text.baseAddress, bareLength)
    }

    /// What the index stores; independent of what chooses the shard.
    var tag: UInt32 { UInt32(truncatingIfNeeded: hash) }

    func shard(of shards: Int) -> Int { Int(truncatingIfNeeded: hash >> 32) & (shards - 1) }
}

extension SessionRecord {
    static let longestBare = 2047
    static let longestResource = 1023
    static let longestAddress = 255
    static let longestFull = longestBare + longestResource

    /// Whether an entry has room for the lengths of all parts. An address is never empty (RFC 7622 §3.1).
    var fits: Bool {
        (1...Self.longestBare).contains(bare.utf8.count) && resource.utf8.count <= Self.longestResource
            && address.utf8.count <= Self.longestAddress
    }
}
