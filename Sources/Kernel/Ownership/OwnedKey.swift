/// A kind of things that one worker owns each, by its number on the mesh.
public struct OwnedKind: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }
}

/// What one worker owns: a kind and a name within it, such as that of a room or of another server's domain.
///
/// Its owner is found by rendezvous hashing over the worker indices: the index whose weight for the key is highest. Where an
/// index comes or goes, only keys move that it gets or had. The hash is the same in every process and release.
public struct OwnedKey: Hashable, Sendable {
    public let kind: OwnedKind
    public let name: String
    private let mark: UInt64

    public init(_ kind: OwnedKind, _ name: String) {
        self.kind = kind
        self.name = name
        // FNV-1a; the mixing below spreads it.
        var mark: UInt64 = 0xcbf2_9ce4_8422_2325
        mark = (mark ^ UInt64(kind.rawValue)) &* Self.prime
        for byte in name.utf8 { mark = (mark ^ UInt64(byte)) &* Self.prime }
        self.mark = mark
    }

    public static func == (one: OwnedKey, other: OwnedKey) -> Bool {
        one.mark == other.mark && one.kind == other.kind && one.name == other.name
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(mark) }

    /// The worker index that the key belongs to while there are so many, at least one.
    public func index(among count: Int) -> Int {
        var (best, highest) = (0, UInt64.min)
        for index in 0..<max(1, count) {
            let weight = Self.mix(mark &+ UInt64(index + 1) &* 0x9e37_79b9_7f4a_7c15)
            if weight > highest { (best, highest) = (index, weight) }
        }
        return best
    }

    private static let prime: UInt64 = 0x0000_0100_0000_01b3

    /// The finish of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
