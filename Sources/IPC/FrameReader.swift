/// Cuts a stream of bytes into frames: a length of four bytes, least significant first, then so many bytes.
///
/// Pure and bounded: a length beyond the limit is refused as soon as it is read, and of a frame that is not complete no
/// more memory is spent than on the bytes that have come. A frame that comes whole is delivered where it lies; only one
/// that comes in pieces is copied.
public struct FrameReader: Sendable {
    /// The longest frame, without its length, in bytes; after a longer one the stream has no meaning any more.
    public let limit: Int
    /// The beginning of a frame that is not complete, its length included.
    private var partial: [UInt8]

    /// - Parameter unread: the beginning of a frame that has come already, as `remainder` said.
    public init(limit: Int, unread: [UInt8] = []) {
        self.limit = limit
        partial = unread
    }

    /// What has come of a frame that is not complete.
    public var remainder: [UInt8] { partial }

    public var isBetweenFrames: Bool { partial.isEmpty }

    /// How many bytes come before the next frame is complete, or its length is known: whoever reads no more than these
    /// reads nothing of the frame after it.
    public var missing: Int {
        let known = partial.count < Frame.lengthSize ? 0 : Int(Self.number(partial))
        return Frame.lengthSize + known - partial.count
    }

    /// Delivers each frame that is complete with these bytes, without its length and valid during the call only;
    /// `deliver` answers whether to go on.
    public mutating func feed(
        _ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) -> Bool
    ) throws(WireError) {
        var rest = bytes[...]
        if !partial.isEmpty {
            guard try complete(from: &rest) else { return }
            let whole = partial
            partial = []
            let goesOn = whole.withUnsafeBytes { deliver(UnsafeRawBufferPointer(rebasing: $0[Frame.lengthSize...])) }
            if !goesOn { return }
        }
        while rest.count >= Frame.lengthSize {
            let number = UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: UInt32.self)
            let length = try checked(UInt32(littleEndian: number))
            guard rest.count - Frame.lengthSize >= length else { break }
            let start = rest.startIndex + Frame.lengthSize
            let frame = UnsafeRawBufferPointer(rebasing: rest[start..<start + length])
            rest = rest[(start + length)...]
            if !deliver(frame) { return }
        }
        partial.append(contentsOf: rest)
    }

    /// The frames that are complete with these bytes, in order, before an error that follows them.
    public mutating func feed(_ bytes: [UInt8], into frames: inout [Frame]) throws(WireError) {
        var malformed: WireError?
        let oversize: WireError? = bytes.withUnsafeBytes { bytes in
            do throws(WireError) {
                try feed(bytes) { body in
                    do throws(WireError) { frames.append(try Frame(body)) } catch { malformed = error }
                    return malformed == nil
                }
                return nil
            } catch {
                return error
            }
        }
        if let error = malformed ?? oversize { throw error }
    }

    /// Adds to the partial frame what belongs to it; whether it is complete.
    private mutating func complete(from rest: inout Slice<UnsafeRawBufferPointer>) throws(WireError) -> Bool {
        take(Frame.lengthSize - partial.count, from: &rest)
        guard partial.count >= Frame.lengthSize else { return false }
        let length = try checked(Self.number(partial))
        take(Frame.lengthSize + length - partial.count, from: &rest)
        return partial.count == Frame.lengthSize + length
    }

    private mutating func take(_ wanted: Int, from rest: inout Slice<UnsafeRawBufferPointer>) {
        guard wanted > 0 else { return }
        partial.append(contentsOf: rest.prefix(wanted))
        rest = rest.dropFirst(wanted)
    }

    private func checked(_ number: UInt32) throws(WireError) -> Int {
        if number > limit { throw .oversize(Int(number), limit: limit) }
        return Int(number)
    }

    private static func number(_ bytes: [UInt8]) -> UInt32 {
        bytes.prefix(Frame.lengthSize).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
