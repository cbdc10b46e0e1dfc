internal import Glibc

/// Searches a sequence of bytes in one pass, whatever the sequence (Knuth, Morris and Pratt): both sides may be a peer's.
struct ByteSearch: Sendable {
    private let wanted: [UInt8]
    /// For each number of matched bytes, how many still match when the next one does not.
    private let shorter: [Int]

    init(_ wanted: [UInt8]) {
        self.wanted = wanted
        var shorter = Array(repeating: 0, count: wanted.count + 1)
        var length = 0
        for index in wanted.indices.dropFirst() {
            while length > 0, wanted[length] != wanted[index] { length = shorter[length] }
            if wanted[length] == wanted[index] { length += 1 }
            shorter[index + 1] = length
        }
        self.shorter = shorter
    }

    var count: Int { wanted.count }

    /// The first occurrence from `start` on.
    func place(in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        guard let first = wanted.first, let base = bytes.baseAddress else { return nil }
        var (at, length) = (start, 0)
        while at < bytes.count {
            if length == 0 {
                guard let next = memchr(base + at, Int32(first), bytes.count - at) else { return nil }
                at = UnsafeRawPointer(next) - base
            }
            while length > 0, wanted[length] != bytes[at] { length = shorter[length] }
            if wanted[length] == bytes[at] { length += 1 }
            at += 1
            if length == wanted.count { return at - length }
        }
        return nil
    }
}
