internal import CPlatform
internal import Glibc
internal import IPC

/// Sends and receives frames over a non-blocking AF_UNIX socket on the loop, with a bounded queue of unsent ones.
final class FrameChannel {
    enum Event {
        case frame(Frame)
        /// The received bytes are no frame. Nothing more is read.
        case malformed(WireError)
        /// The peer has closed. Nothing more is read.
        case closed
    }

    private struct Outgoing {
        var bytes: ArraySlice<UInt8>
        var attached: Descriptor?
    }

    private let loop: EventLoop
    private let socket: Descriptor
    private let queueLimit: Int
    private var reader: FrameReader
    private var watch: EventLoop.Watch?
    private var queue: [Outgoing] = []
    private var isReading = true
    private var isSaying = true
    private var isWithinRead = false
    private let handler: (Event) -> Void

    /// Unsent bytes in the queue.
    private(set) var queuedBytes = 0

    /// - Parameters:
    ///   - frameLimit: longest frame that is accepted.
    ///   - queueLimit: most unsent bytes; `send` refuses a frame beyond it.
    ///   - unread: the bytes of an incomplete frame that were read before.
    init(
        _ socket: Descriptor, on loop: EventLoop, frameLimit: Int, queueLimit: Int, unread: [UInt8] = [],
        _ handler: @escaping (Event) -> Void
    ) {
        self.socket = socket
        self.loop = loop
        self.queueLimit = queueLimit
        self.handler = handler
        reader = FrameReader(limit: frameLimit, unread: unread)
        watch = loop.watch(socket.number, for: Readiness.input) { [weak self] events in self?.occurred(events) }
    }

    deinit { close() }

    /// Sends a frame, with a descriptor if one is given; descriptors keep their place among the frames.
    /// - Returns: false if the queue would exceed its limit; the frame is not sent then.
    func send(_ frame: [UInt8], _ attached: Descriptor? = nil) -> Bool {
        guard watch != nil else { return true }
        guard queuedBytes + frame.count <= queueLimit else { return false }
        queue.append(Outgoing(bytes: frame[...], attached: attached))
        queuedBytes += frame.count
        flush()
        return true
    }

    /// The socket and the bytes of an incomplete frame, for the next program; nil while frames are unsent, and after the end.
    var possession: (socket: Int32, unread: [UInt8])? {
        watch != nil && queue.isEmpty && isReading ? (socket.number, reader.remainder) : nil
    }

    /// Reads and handles all frames that have arrived.
    func drain() { read() }

    /// Sends the queue, then shuts the socket down for writing, and discards what comes: the peer is to close. Closing at once
    /// could lose frames that it has not read.
    func beginFarewell() {
        isReading = false
        isSaying = false
        flush()
    }

    func close() {
        watch?.cancel()
        watch = nil
        queue = []
        queuedBytes = 0
    }

    private func occurred(_ events: Int16) {
        if events & Readiness.output != 0 { flush() }
        if events & ~Readiness.output != 0 { read() }
    }

    private func read() {
        guard !isWithinRead else { return }
        isWithinRead = true
        defer { isWithinRead = false }
        while watch != nil {
            var attached: Int32 = -1
            var count = 0
            let piece = [UInt8](unsafeUninitializedCapacity: 16_384) { room, filled in
                count = cplatform_receive_with_fd(socket.number, room.baseAddress, room.count, &attached)
                filled = max(0, count)
            }
            // No peer sends descriptors to the master: one that comes is closed.
            if attached >= 0 { Glibc.close(attached) }
            if count == -Int(EAGAIN) { return }
            guard count > 0 else { return end(.closed) }
            if isReading { deliver(piece) }
        }
    }

    /// Delivers the frames of a piece. The handler of one may close the channel or begin its farewell: the rest is dropped.
    private func deliver(_ piece: [UInt8]) {
        var frames: [Frame] = []
        var malformed: WireError?
        do throws(WireError) { try reader.feed(piece, into: &frames) } catch { malformed = error }
        for frame in frames where watch != nil && isReading { handler(.frame(frame)) }
        if let malformed, watch != nil, isReading {
            isReading = false
            handler(.malformed(malformed))
        }
    }

    private func end(_ event: Event) {
        close()
        handler(event)
    }

    private func flush() {
        while let first = queue.first {
            let count = first.bytes.withUnsafeBytes {
                cplatform_send_with_fd(socket.number, $0.baseAddress, $0.count, first.attached?.number ?? -1)
            }
            if count < 0 {
                if count == -Int(EAGAIN) { break }
                discardQueue()
                // The read side reports the closed peer, after the last frames that it sent.
                if count != -Int(EPIPE), count != -Int(ECONNRESET) { end(.closed) }
                return
            }
            queuedBytes -= count
            if count == first.bytes.count {
                queue.removeFirst()
            } else {
                queue[0].bytes = first.bytes.dropFirst(count)
                queue[0].attached = nil
            }
        }
        watch?.change(to: queue.isEmpty ? Readiness.input : Readiness.input | Readiness.output)
        if queue.isEmpty, !isSaying { shutdown(socket.number, Int32(SHUT_WR)) }
    }

    private func discardQueue() {
        queue = []
        queuedBytes = 0
    }
}
