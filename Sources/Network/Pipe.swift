internal import Glibc
internal import IPC

/// What happens on a pipe. Calls are never nested in one another.
@LoopActor
public protocol PipeDelegate: AnyObject {
    /// One frame, without its length. Valid during the call only.
    func pipe(_ pipe: Pipe, received frame: UnsafeRawBufferPointer)
    /// More than `Pipe.highWater` waits to be sent: whoever writes should pause until `pipeDrained`.
    func pipeCongested(_ pipe: Pipe)
    func pipeDrained(_ pipe: Pipe)
    /// The other process is gone, broke the framing, or `close()` was called; nothing is sent or received after this.
    func pipeClosed(_ pipe: Pipe)
}

/// A framed connection to another worker over an AF_UNIX stream socket.
///
/// All frames of a turn go out in one system call at its end; what one read brings is delivered without copying.
@LoopActor
public final class Pipe {
    public static let highWater = 512 * 1024
    public static let lowWater = 128 * 1024
    /// What one read takes at most; all pipes of the loop use it in turn.
    private static let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    private static let keptCapacity = 256 * 1024

    /// The longest frame, without its length.
    public let maximumFrame: Int
    /// How many bytes may wait to be sent; a frame beyond is refused.
    public let queueLimit: Int
    public private(set) var isClosed = false
    /// Whether more than `highWater` is waiting.
    public private(set) var isCongested = false
    /// When the other process last took something of what waits, or nothing waited; milliseconds of `Loop.now`.
    public private(set) var lastProgress = Loop.turnBegan

    private var delegate: (any PipeDelegate)?
    private var watch: Watch
    private var writeQueue: WriteQueue
    private var output = OutputBuffer.take()
    private var reader: FrameReader
    private var isDirty = false
    private var isClosing = false
    /// Nothing can be sent any more, but what the other process had sent may still be received.
    private var isBroken = false

    /// Takes over a connected socket and begins to read.
    public init(
        adopting descriptor: Int32, maximumFrame: Int = 1 << 24, queueLimit: Int = 1 << 26,
        delegate: any PipeDelegate
    ) {
        self.maximumFrame = maximumFrame
        self.queueLimit = queueLimit
        self.delegate = delegate
        reader = FrameReader(limit: maximumFrame)
        watch = Watch(descriptor)
        writeQueue = WriteQueue(descriptor)
        if watch.begin(.input, self) != 0 { close() }
    }

    // MARK: Sending

    /// Bytes of frames that the kernel has not taken yet.
    public var queuedBytes: Int { output.count + writeQueue.queued }

    /// Adds a frame to what goes out at the end of this turn. False if it is too long, the queue is full, or the pipe is
    /// closed; the frame is then not sent.
    @discardableResult
    public func send(_ frame: UnsafeRawBufferPointer) -> Bool {
        guard accepts(frame.count), let source = frame.baseAddress ?? UnsafeRawPointer(bitPattern: 1) else { return false }
        let place = output.reserve(Frame.lengthSize + frame.count)
        place.storeBytes(of: UInt32(frame.count).littleEndian, as: UInt32.self)
        if frame.count > 0 {
            (place + Frame.lengthSize).copyMemory(from: source, byteCount: frame.count)
        }
        output.commit(Frame.lengthSize + frame.count)
        markDirty()
        return true
    }

    @discardableResult
    public func send(_ frame: [UInt8]) -> Bool { frame.withUnsafeBytes { send($0) } }

    private func accepts(_ count: Int) -> Bool {
        !isBroken && !isClosing && !isClosed && count <= maximumFrame
            && queuedBytes + count <= queueLimit
    }

    private func markDirty() {
        if isDirty { return }
        isDirty = true
        Turn.add(self)
    }

    // MARK: Closing

    /// Ends the pipe at the end of this turn, after a last attempt to send what waits.
    public func close() {
        guard !isClosed, !isClosing else { return }
        isClosing = true
        markDirty()
    }

    /// The other process is gone: what it had sent before is received now, and the pipe ends with this turn. Not to be
    /// called while a frame is received.
    public func closeAfterReading() {
        readRest()
        close()
    }

    private func readRest() {
        guard !isClosing, !isClosed else { return }
        isBroken = true
        withUnsafeTemporaryAllocation(byteCount: Self.room.count, alignment: 16) { room in
            while !isClosing {
                let count = recv(writeQueue.socket, room.baseAddress, room.count, CInt(MSG_DONTWAIT))
                if count > 0 {
                    received(UnsafeRawBufferPointer(rebasing: room[..<count]))
                } else if count == 0 || errno != EINTR {
                    return
                }
            }
        }
    }

    private func finalize() {
        guard !isClosed else { return }
        isClosed = true
        watch.close()
        writeQueue.drop()
        let last = delegate
        delegate = nil
        last?.pipeClosed(self)
    }
}

extension Pipe: PollTarget {
    func readable() {
        guard !isClosing, !isClosed else { return }
        let count = recv(writeQueue.socket, Self.room.baseAddress, Self.room.count, CInt(MSG_DONTWAIT))
        if count > 0 {
            received(UnsafeRawBufferPointer(rebasing: Self.room[..<count]))
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            close()
        }
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        NetworkCounters.current.pipeBytesIn += UInt64(bytes.count)
        do {
            try reader.feed(bytes) { frame in
                delegate?.pipe(self, received: frame)
                return !isClosing
            }
        } catch {
            close()
        }
    }

    func writable() {
        lastProgress = Loop.turnBegan
        if writeQueue.retry() != 0 { return closeAfterReading() }
        updateWatch()
        markDirty()
    }

    private func updateWatch() { watch.want(writeQueue.isBlocked ? [.input, .output] : .input) }
}

extension Pipe: TurnParticipant {
    func turnEnded() {
        isDirty = false
        guard !isClosed else { return }
        if !writeQueue.isBlocked { lastProgress = Loop.turnBegan }
        if output.count > 0, !writeQueue.isBlocked {
            NetworkCounters.current.pipeBytesOut += UInt64(output.count)
            let failure = writeQueue.send(output.bytes)
            output.consume(output.count)
            if failure != 0 {
                readRest()
                isClosing = true
            }
            if output.capacity > Self.keptCapacity { output = OutputBuffer.take() }
            updateWatch()
        }
        if isClosing { return finalize() }
        noteCongestion()
    }

    private func noteCongestion() {
        let queued = queuedBytes
        if !isCongested, queued > Self.highWater {
            isCongested = true
            delegate?.pipeCongested(self)
        } else if isCongested, queued <= Self.lowWater {
            isCongested = false
            delegate?.pipeDrained(self)
        }
    }
}
