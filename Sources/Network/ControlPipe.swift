internal import CPlatform
internal import Glibc
internal import IPC

/// What happens on the control channel.
@LoopActor
public protocol ControlPipeDelegate: AnyObject {
    /// One frame, without its length, and the descriptor that came with it; the descriptor is now the delegate's.
    func controlPipe(_ pipe: ControlPipe, received frame: [UInt8], descriptor: Int32?)
    /// The other process is gone, broke the framing, does not read, or `close()` was called.
    func controlPipeClosed(_ pipe: ControlPipe)
}

/// A worker's channel to the master: frames as on a `Pipe`, each with at most one descriptor.
///
/// Little goes over it. A thread of its own waits for what comes, which keeps the loop free of half-read frames.
@LoopActor
public final class ControlPipe {
    private static let retryMilliseconds: Int64 = 50

    public let maximumFrame: Int
    /// How many bytes may wait to be sent; beyond, the other side counts as dead.
    public let queueLimit: Int
    public private(set) var isClosed = false

    private let socket: CInt
    private var delegate: (any ControlPipeDelegate)?
    private var waiting: [UInt8] = []
    private var retry: Loop.Timer?

    /// Takes over a connected AF_UNIX stream socket and begins to read.
    public init(
        adopting descriptor: Int32, maximumFrame: Int = 1 << 24, queueLimit: Int = 1 << 25,
        delegate: any ControlPipeDelegate
    ) {
        socket = descriptor
        self.maximumFrame = maximumFrame
        self.queueLimit = queueLimit
        self.delegate = delegate
        let reader = ControlReader(socket: descriptor, maximum: maximumFrame, pipe: self)
        if !BlockingThread.start(reader.run) { reader.end() }
    }

    /// Sends a frame, without waiting. False if it is too long or the pipe is closed.
    @discardableResult
    public func send(_ frame: [UInt8]) -> Bool {
        guard !isClosed, frame.count <= maximumFrame else { return false }
        withUnsafeBytes(of: UInt32(frame.count).littleEndian) { waiting.append(contentsOf: $0) }
        waiting.append(contentsOf: frame)
        flush()
        return !isClosed
    }

    /// Ends the pipe; the delegate hears of it in a later turn. What waits is not sent any more.
    public func close() {
        guard !isClosed else { return }
        shutdown(socket, Int32(SHUT_RDWR))  // wakes the reader, which then ends
    }

    private func flush() {
        guard retry == nil else { return }
        while !waiting.isEmpty {
            let sent = waiting.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
            }
            if sent >= 0 {
                waiting.removeFirst(sent)
            } else if errno == EAGAIN, waiting.count <= queueLimit {
                retry = Loop.after(Self.retryMilliseconds) { [weak self] in
                    self?.retry = nil
                    self?.flush()
                }
                return
            } else if errno != EINTR {
                waiting = []
                return close()
            }
        }
    }

    fileprivate func deliver(_ frame: [UInt8], _ descriptor: Int32?) {
        guard let delegate, !isClosed else {
            if let descriptor { Glibc.close(descriptor) }
            return
        }
        delegate.controlPipe(self, received: frame, descriptor: descriptor)
    }

    fileprivate func ended() {
        isClosed = true
        retry?.cancel()
        Glibc.close(socket)
        let last = delegate
        delegate = nil
        last?.controlPipeClosed(self)
    }
}

/// Reads frames on a thread of its own and hands them to the loop.
///
/// It never asks the kernel for bytes beyond the present frame, so a descriptor belongs to the frame being read.
private final class ControlReader: Sendable {
    let socket: CInt
    let maximum: Int
    let pipe: ControlPipe

    init(socket: CInt, maximum: Int, pipe: ControlPipe) {
        self.socket = socket
        self.maximum = maximum
        self.pipe = pipe
    }

    @Sendable func run() {
        var reader = FrameReader(limit: maximum)
        var descriptor: Int32?
        while let bytes = read(min(reader.missing, Self.room), &descriptor), let frames = reader.bodies(in: bytes) {
            for frame in frames {
                Loop.submit { [pipe, descriptor] in pipe.deliver(frame, descriptor) }
                descriptor = nil
            }
        }
        if let descriptor { Glibc.close(descriptor) }
        end()
    }

    func end() {
        Loop.submit { [pipe] in pipe.ended() }
    }

    /// So many bytes at most; nil at the end, on an error, or when a second descriptor comes.
    private func read(_ count: Int, _ descriptor: inout Int32?) -> [UInt8]? {
        while true {
            var arrived: Int32 = -1
            var result = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { room, filled in
                result = cplatform_receive_with_fd(socket, room.baseAddress, count, &arrived)
                filled = max(0, result)
            }
            if arrived >= 0 {
                if descriptor != nil {
                    Glibc.close(arrived)
                    return nil
                }
                descriptor = arrived
            }
            switch result {
            case 1...: return bytes
            case Int(-EINTR): continue
            case Int(-EAGAIN):
                var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
                poll(&wait, 1, -1)
            default: return nil
            }
        }
    }

    /// How many bytes of a frame are read at a time, so that a length alone costs no memory.
    private static let room = 65_536
}

extension FrameReader {
    /// The frames that are complete with these bytes; nil if the stream is broken.
    fileprivate mutating func bodies(in bytes: [UInt8]) -> [[UInt8]]? {
        var bodies: [[UInt8]] = []
        do {
            try bytes.withUnsafeBytes { bytes in
                try feed(bytes) {
                    bodies.append(Array($0))
                    return true
                }
            }
            return bodies
        } catch {
            return nil
        }
    }
}
