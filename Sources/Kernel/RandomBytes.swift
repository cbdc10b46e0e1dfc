private import Glibc

/// Bytes from the system's random generator, at most 256 at a time, fetched with one call.
public func randomBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        precondition(count <= 256 && getentropy(buffer.baseAddress, count) == 0, "the system has no random bytes")
        filled = count
    }
}
