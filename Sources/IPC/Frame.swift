/// The unit of every channel: length of the rest (u32, little-endian), kind (u16), payload.
///
/// A descriptor that belongs to a message travels by SCM_RIGHTS with the first byte of its frame. A receiver keeps
/// descriptors in the order of their arrival and gives one to each frame whose message `carriesDescriptor`.
public struct Frame: Equatable, Sendable {
    public var kind: UInt16
    public var payload: ArraySlice<UInt8>

    /// Bytes before the kind.
    public static let lengthSize = 4

    public init(kind: UInt16, payload: ArraySlice<UInt8>) {
        self.kind = kind
        self.payload = payload
    }

    /// The frame's bytes, with the payload that `body` writes.
    public static func encode(kind: UInt16, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        body(&writer)
        var frame = ByteWriter(reservingCapacity: writer.bytes.count + 6)
        frame.count(writer.bytes.count + 2)
        frame.uint16(kind)
        frame.rest(writer.bytes)
        return frame.bytes
    }
}

/// Longest frame of each channel, without its length field, in bytes.
public enum FrameLimit {
    /// Between master and worker: a configuration with the files it names must fit.
    public static let worker = 16 << 20
    /// Between the control socket and its clients.
    public static let control = 1 << 20
}

/// Cuts a stream of bytes into frames. A length beyond the limit is refused as soon as it is read, before any
/// memory is spent on it.
public struct FrameDecoder: Sendable {
    private let limit: Int
    private var buffer: [UInt8] = []
    private var start = 0

    /// - Parameter limit: longest frame without its length field, in bytes.
    public init(limit: Int) { self.limit = limit }

    /// Bytes that came and are no whole frame yet.
    public var remainder: [UInt8] { Array(buffer[start...]) }

    /// Whether the stream stands between two frames.
    public var isEmpty: Bool { start == buffer.count }

    public mutating func append(_ bytes: some Collection<UInt8>) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 65_536)
            start = 0
        } else if start >= 65_536 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame, nil if more bytes are needed. After an error the stream has no meaning any more.
    public mutating func next() throws(WireError) -> Frame? {
        guard buffer.count - start >= Frame.lengthSize else { return nil }
        var header = ByteReader(buffer[start..<start + Frame.lengthSize])
        let length = Int(try header.uint32())
        guard length <= limit else { throw .oversize(length, limit: limit) }
        guard length >= 2 else { throw .truncated }
        let body = start + Frame.lengthSize
        guard buffer.count - body >= length else { return nil }
        var kind = ByteReader(buffer[body..<body + 2])
        let frame = Frame(kind: try kind.uint16(), payload: ArraySlice(Array(buffer[(body + 2)..<(body + length)])))
        start = body + length
        return frame
    }
}
