internal import CPlatform
internal import Glibc

/// A framed channel for a process that has nothing to do but wait for it: `xmppctl`, and a worker in check mode.
public final class BlockingChannel {
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// The number of the system's error.
        case system(Int32)
        case malformed(WireError)
        /// Nothing came within the time given.
        case timeout
        /// The other side closed; `withinFrame` if it had begun a frame.
        case closed(withinFrame: Bool)

        public var description: String {
            switch self {
            case .system(let number): String(cString: strerror(number))
            case .malformed(let error): error.description
            case .timeout: "no answer in time"
            case .closed(false): "the other side closed the connection"
            case .closed(true): "the other side closed the connection within a message"
            }
        }
    }

    /// The socket; closed with this object.
    public let descriptor: Int32
    private var reader: FrameReader
    /// Frames that have come and have not been asked for; the first is next.
    private var frames: ArraySlice<Frame> = []
    /// What has come after them is no frame.
    private var malformed: WireError?
    private var descriptors: [Int32] = []

    /// - Parameters:
    ///   - descriptor: a connected AF_UNIX stream socket.
    ///   - limit: longest frame that is accepted.
    public init(adopting descriptor: Int32, limit: Int) {
        self.descriptor = descriptor
        reader = FrameReader(limit: limit)
    }

    /// Connects to the AF_UNIX stream socket at `path`.
    public convenience init(connectingTo path: String, limit: Int = FrameLimit.control) throws(Failure) {
        let descriptor = cplatform_connect_unix(path)
        guard descriptor >= 0 else { throw .system(-descriptor) }
        self.init(adopting: descriptor, limit: limit)
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
        close(descriptor)
    }

    /// Sends the bytes of a frame, with a descriptor if one is given (which stays open here).
    public func send(_ frame: [UInt8], descriptor attached: Int32 = -1) throws(Failure) {
        var sent = 0
        while sent < frame.count {
            let count = frame.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                return cplatform_send_with_fd(descriptor, rest.baseAddress, rest.count, sent == 0 ? attached : -1)
            }
            if count == -Int(EAGAIN) {
                try wait(for: Int16(POLLOUT), milliseconds: -1)
            } else if count < 0 {
                throw .system(Int32(-count))
            } else {
                sent += count
            }
        }
    }

    /// The next frame.
    /// - Parameter milliseconds: how long to wait for each piece of it; nil for as long as it takes.
    public func receive(timeout milliseconds: Int32? = nil) throws(Failure) -> Frame {
        while true {
            if let frame = frames.popFirst() { return frame }
            if let malformed { throw .malformed(malformed) }
            try fill(milliseconds ?? -1)
        }
    }

    /// The earliest descriptor that came and was not taken; the caller closes it.
    public func takeDescriptor() -> Int32? { descriptors.isEmpty ? nil : descriptors.removeFirst() }

    private func fill(_ milliseconds: Int32) throws(Failure) {
        try wait(for: Int16(POLLIN), milliseconds: milliseconds)
        var attached: Int32 = -1
        var count = 0
        let piece = [UInt8](unsafeUninitializedCapacity: 65_536) { room, filled in
            count = cplatform_receive_with_fd(descriptor, room.baseAddress, room.count, &attached)
            filled = max(0, count)
        }
        if attached >= 0 { descriptors.append(attached) }
        if count == -Int(EAGAIN) { return }
        guard count >= 0 else { throw .system(Int32(-count)) }
        guard count > 0 else { throw .closed(withinFrame: !reader.isBetweenFrames) }
        var complete: [Frame] = []
        do throws(WireError) { try reader.feed(piece, into: &complete) } catch { malformed = error }
        frames += complete
    }

    private func wait(for events: Int16, milliseconds: Int32) throws(Failure) {
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        while true {
            let ready = poll(&entry, 1, milliseconds)
            if ready > 0 { return }
            if ready == 0 { throw .timeout }
            guard errno == EINTR else { throw .system(errno) }
        }
    }
}
