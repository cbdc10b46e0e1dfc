private import Glibc

/// Bytes from the system's random generator, at most 256 at a time, fetched with one call.
public func randomBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        precondition(count <= 256 && getentropy(buffer.baseAddress, count) == 0, "the system has no random bytes")
        filled = count
    }
}

/// Random bytes for what each login needs, on the loop: drawn from the system 256 at a time, given out once, and wiped.
@LoopActor
public enum RandomPool {
    private static let size = 256
    private static var bytes: [UInt8] = []

    /// At most 256.
    public static func take(_ count: Int) -> [UInt8] {
        if bytes.count < count { bytes = randomBytes(size) }
        let rest = bytes.count - count
        defer {
            for place in rest..<bytes.count { bytes[place] = 0 }
            bytes.removeLast(count)
        }
        return Array(bytes[rest...])
    }
}
