internal import COpenSSL
internal import Glibc

/// What happens on a connection. Calls are never nested in one another.
@LoopActor
public protocol ConnectionDelegate: AnyObject {
    /// Bytes of the stream, decrypted and inflated. Valid during the call only.
    func connection(_ connection: Connection, received bytes: UnsafeRawBufferPointer)
    /// The TLS handshake is done; `connection.tls` has the facts.
    func connectionSecured(_ connection: Connection)
    /// The peer will send no more (end of file or close_notify); it can still be written to.
    func connectionEnded(_ connection: Connection)
    /// After `queuedBytes` had been above `Connection.highWater`, it is below `Connection.lowWater` again.
    func connectionDrained(_ connection: Connection)
    /// Nothing of what the peer sends can be read any more; it can still be written to.
    func connection(_ connection: Connection, cannotInflate problem: CompressionProblem)
    /// It is over; the connection drops its delegate after this call.
    func connectionClosed(_ connection: Connection, reason: CloseReason)
}

extension ConnectionDelegate {
    public func connectionSecured(_ connection: Connection) {}
    public func connectionEnded(_ connection: Connection) { connection.close(afterFlush: true) }
    public func connectionDrained(_ connection: Connection) {}
    public func connection(_ connection: Connection, cannotInflate problem: CompressionProblem) {
        connection.close(afterFlush: true)
    }
}

/// One TCP or AF_UNIX connection, of a client or with another server: bytes in, bytes out, TLS, backpressure.
///
/// What is written during a turn of the loop goes out in one system call at its end. An idle connection holds neither
/// read nor write buffers.
@LoopActor
public final class Connection {
    /// `queuedBytes` above which a writer should stop, and below which `connectionDrained` is called.
    public static let highWater = 64 * 1024
    public static let lowWater = 16 * 1024
    /// How much is kept of what arrives while reading is paused: what the kernel holds of a peer that is gone comes at once.
    public static let heldLimit = 1 << 20
    /// How long the peer may take none of our last bytes, and how long over its own close after them, in milliseconds.
    public static let lingerMilliseconds: Int64 = 5000
    /// How many bytes a peer may spend on a handshake.
    static let handshakeLimit = 256 * 1024

    /// Unique in this process, never 0.
    public let id: UInt64
    /// Where it comes from: as its proxy says, if there is one.
    public internal(set) var peer: PeerAddress
    public internal(set) var isClosed = false

    var delegate: (any ConnectionDelegate)?
    /// Nil for a connection that we began.
    let listener: Listener?
    var watch: Watch
    var writeQueue: WriteQueue
    /// Gathered in this turn, or waiting while the socket is full. Before encryption, after compression.
    var output: OutputBuffer?
    /// OpenSSL's object; owned.
    var session: OpaquePointer?
    var handshake: Handshake?
    var compression: Compression?
    var shaper: Shaper?
    var preamble: Preamble?
    var held: PausedInput?
    var linger: Loop.Timer?
    var reason: CloseReason?

    var isDirty = false
    var wasCongested = false
    var isPausedByOwner = false
    var isReading = true
    /// The socket has said that nothing more will come.
    var isInputOver = false
    var hasEnded = false
    var closing = Closing.no
    enum Closing { case no, afterFlush, lingering, now }

    private static var lastID: UInt64 = 0

    /// A number that no connection of this process has or will have, for what is like one.
    public static func newNumber() -> UInt64 {
        lastID += 1
        return lastID
    }

    init(socket: CInt, peer: PeerAddress, listener: Listener?) {
        id = Self.newNumber()
        watch = Watch(socket)
        writeQueue = WriteQueue(socket)
        self.listener = listener
        self.peer = peer
    }

    /// Begins to read. False, with the socket closed, if the system has no memory to spare; `errno` says so.
    func begin() -> Bool {
        let failure = watch.begin(.input, self)
        if failure == 0 { return true }
        Glibc.close(writeQueue.socket)
        errno = failure
        return false
    }

    /// Gives back what a connection without traffic can do without (`Listener.hibernation`).
    public func hibernate() {
        guard !isClosed else { return }
        if let buffer = output, buffer.count == 0 {
            output = nil
            OutputBuffer.give(buffer)
        }
        if let session { SSL_free_buffers(session) }
        NetworkCounters.current.hibernated += 1
    }

    /// Whether a connection without traffic keeps no buffers at all.
    var givesBuffersBack: Bool {
        guard let listener else { return true }
        return listener.hibernation == 0
    }

    // MARK: Writing

    /// Bytes accepted by `write` that the kernel has not taken yet.
    public var queuedBytes: Int { (output?.count ?? 0) + (compression?.gathered?.count ?? 0) + writeQueue.queued }
    /// Whether the kernel has refused some of them.
    public var isBlocked: Bool { writeQueue.isBlocked }

    /// Adds bytes to what goes out at the end of this turn. After the end it does nothing.
    public func write(_ bytes: UnsafeRawBufferPointer) {
        guard closing == .no, !isClosed, bytes.count > 0 else { return }
        if let compression {
            if compression.gathered == nil { compression.gathered = OutputBuffer.take() }
            compression.gathered?.append(bytes)
        } else {
            if output == nil { output = OutputBuffer.take() }
            output?.append(bytes)
        }
        markDirty()
    }

    public func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

    public func write(_ text: StaticString) {
        write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    func markDirty() {
        if isDirty { return }
        isDirty = true
        Turn.add(self)
    }

    // MARK: Reading

    /// Nothing is received from now on until `resumeReading()`; the peer is held back by TCP.
    public func pauseReading() {
        isPausedByOwner = true
        markDirty()
    }

    /// What has waited is delivered at the end of this turn.
    public func resumeReading() {
        isPausedByOwner = false
        markDirty()
    }

    /// Limits how fast the peer may send, in bytes per second on the wire; nil lifts the limit.
    public func setRate(_ bytesPerSecond: Int?) {
        guard shaper?.bucket.rate != bytesPerSecond.map(Int64.init) else { return }
        shaper?.timer?.cancel()
        shaper = bytesPerSecond.map { Shaper(TokenBucket(bytesPerSecond: $0, now: Loop.now)) }
        markDirty()
    }

    var isPaused: Bool { isPausedByOwner || shaper?.timer != nil }

    // MARK: Closing

    /// Ends the connection, at the end of this turn at the earliest. With `afterFlush` what was written goes out first,
    /// followed by TLS's close_notify and the end of our side; the peer then has `lingering` milliseconds to close its own.
    public func close(afterFlush: Bool, lingering: Int64 = lingerMilliseconds) {
        guard !isClosed, closing != .now else { return }
        if !afterFlush { return abort(.local) }
        guard closing == .no else { return }
        closing = .afterFlush
        if reason == nil { reason = hasEnded ? .peerClosed : .local }
        armLinger(lingering)
        markDirty()
    }

    /// A peer that reads slowly gets its time anew as long as it reads at all.
    private func armLinger(_ milliseconds: Int64) {
        let waiting = queuedBytes
        linger = Loop.after(milliseconds) { [weak self] in
            guard let self else { return }
            if self.queuedBytes > 0, self.queuedBytes < waiting { return self.armLinger(milliseconds) }
            if waiting > 0, self.queuedBytes == 0 { return self.armLinger(milliseconds) }
            self.reason = .lingered
            self.abort(.lingered)
        }
    }

    /// Ends it at the end of this turn without another byte, for the first reason that anyone gave.
    func abort(_ why: CloseReason) {
        if reason == nil { reason = why }
        closing = .now
        markDirty()
    }
}

extension Connection {
    /// A handshake in progress: gone when it is done, to save its memory.
    final class Handshake {
        /// Nil where we begin.
        let contexts: TLSContextSet?
        var isToBegin: Bool
        var bytes = 0
        init(_ contexts: TLSContextSet?) {
            self.contexts = contexts
            isToBegin = contexts == nil
        }
    }

    final class Shaper {
        var bucket: TokenBucket
        /// Armed while the peer is in debt.
        var timer: Loop.Timer?
        init(_ bucket: TokenBucket) { self.bucket = bucket }
    }

    /// What has come of the header that a proxy puts in front.
    final class Preamble {
        var bytes: [UInt8] = []
        /// Ends the connection when the header is late.
        var timer: Loop.Timer?
    }

    /// What came while reading was paused, as it came from the socket.
    final class PausedInput {
        var bytes: [UInt8] = []
        var ended = false
    }
}
