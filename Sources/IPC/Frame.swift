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

    /// A frame that has come, without its length; its bytes are copied.
    public init(_ body: UnsafeRawBufferPointer) throws(WireError) {
        guard body.count >= 2 else { throw .truncated }
        kind = UInt16(littleEndian: body.loadUnaligned(as: UInt16.self))
        payload = ArraySlice(body.dropFirst(2))
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
