/// Cuts a stream of bytes into frames: a length of four bytes, least significant first, then so many bytes.
///
/// Pure. A frame that comes whole is delivered where it lies; only one that comes in pieces is copied.
struct FrameAssembler {
    static let headerSize = 4
    /// The longest frame, without its header.
    let maximum: Int
    /// The beginning of a frame that is not complete, header included.
    private var partial: [UInt8] = []

    init(maximum: Int) { self.maximum = maximum }

    enum Failure: Error, Equatable { case frameTooLong(Int) }

    var isBetweenFrames: Bool { partial.isEmpty }

    /// Delivers each frame that is complete with these bytes, without its header and valid during the call only;
    /// `deliver` answers whether to go on.
    mutating func feed(
        _ bytes: UnsafeRawBufferPointer,
        _ deliver: (UnsafeRawBufferPointer) -> Bool
    ) throws(Failure) {
        var rest = bytes[...]
        if !partial.isEmpty {
            guard try complete(from: &rest) else { return }
            let whole = partial
            partial = []
            let goesOn = whole.withUnsafeBytes { deliver(UnsafeRawBufferPointer(rebasing: $0[Self.headerSize...])) }
            if !goesOn { return }
        }
        while rest.count >= Self.headerSize {
            let length = try checked(UnsafeRawBufferPointer(rebasing: rest))
            guard rest.count - Self.headerSize >= length else { break }
            let start = rest.startIndex + Self.headerSize
            let frame = UnsafeRawBufferPointer(rebasing: rest[start..<start + length])
            rest = rest[(start + length)...]
            if !deliver(frame) { return }
        }
        partial.append(contentsOf: rest)
    }

    /// Adds to the partial frame what belongs to it; whether it is complete.
    private mutating func complete(from rest: inout Slice<UnsafeRawBufferPointer>) throws(Failure) -> Bool {
        take(Self.headerSize - partial.count, from: &rest)
        guard partial.count >= Self.headerSize else { return false }
        let number = partial[..<Self.headerSize].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        let length = try Self.length(number, maximum)
        take(Self.headerSize + length - partial.count, from: &rest)
        return partial.count == Self.headerSize + length
    }

    private mutating func take(_ wanted: Int, from rest: inout Slice<UnsafeRawBufferPointer>) {
        guard wanted > 0 else { return }
        partial.append(contentsOf: rest.prefix(wanted))
        rest = rest.dropFirst(wanted)
    }

    private func checked(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int {
        try Self.length(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)), maximum)
    }

    private static func length(_ number: UInt32, _ maximum: Int) throws(Failure) -> Int {
        if number > maximum { throw .frameTooLong(Int(number)) }
        return Int(number)
    }
}
