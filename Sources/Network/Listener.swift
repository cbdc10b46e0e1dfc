internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Accepts connections at one listening socket, TCP or AF_UNIX.
@LoopActor
public final class Listener {
    /// Says who looks after a new connection; nil closes it at once. TLS may be started on it here already.
    public typealias Accept = @LoopActor (Connection) -> (any ConnectionDelegate)?

    /// How many connections are taken from the socket before others of the loop get their say.
    private static let batch: UInt = 8
    /// How long accepting rests when the system has no descriptor or memory to spare.
    private static let restMilliseconds: Int64 = 500

    private let accept: Accept
    private let onTrouble: @LoopActor (Int32) -> Void
    private var channel: (any Channel)?
    private var isPaused = false
    private var isResting = false
    public private(set) var isClosed = false
    /// Connections accepted so far, and those that exist now.
    public private(set) var accepted = 0
    public private(set) var open = 0

    /// Takes over a listening socket, which `close()` closes; copies of the descriptor elsewhere stay as they are.
    ///
    /// - Parameters:
    ///   - backlog: the queue length of the socket, set again because taking it over resets it.
    ///   - onTrouble: called with the error number when accepting fails (no descriptors left: it goes on after a rest)
    ///     or the socket cannot be used at all (`isClosed` is then true).
    public init(adopting descriptor: Int32, backlog: Int32 = 1024,
                onTrouble: @escaping @LoopActor (Int32) -> Void = { _ in }, accept: @escaping Accept) {
        self.accept = accept
        self.onTrouble = onTrouble
        guard let loop = Loop.loop else {
            isClosed = true
            Glibc.close(descriptor)
            return
        }
        ServerBootstrap(group: loop)
            .serverChannelOption(.maxMessagesPerRead, value: Self.batch)
            .serverChannelInitializer { [handler = Accepting(self)] channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler) }
            }
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try LoopActor.assumeIsolated { try self.prepare(channel) } }
            }
            .withBoundSocket(descriptor)
            .whenComplete { [self] result in
                LoopActor.assumeIsolated { self.started(result, descriptor, backlog) }
            }
    }

    private func started(_ result: Result<any Channel, any Error>, _ descriptor: Int32, _ backlog: Int32) {
        switch result {
        case .success(let channel):
            listen(descriptor, backlog)
            if isClosed { return channel.close(promise: nil) }
            self.channel = channel
            updateReading()
        case .failure(let error):
            isClosed = true
            onTrouble((error as? IOError)?.errnoCode ?? EINVAL)
        }
    }

    /// New connections wait in the kernel's queue until `resume()`.
    public func pause() {
        isPaused = true
        updateReading()
    }

    public func resume() {
        isPaused = false
        updateReading()
    }

    /// Closes this process's descriptor. Connections that were accepted stay.
    public func close() {
        isClosed = true
        channel?.close(promise: nil)
        channel = nil
    }

    private func updateReading() {
        guard let channel else { return }
        do {
            try channel.syncOptions?.setOption(.autoRead, value: !isPaused && !isResting)
        } catch {
            isClosed = true   // only a closed channel refuses
        }
    }

    // MARK: Connections

    private func prepare(_ channel: any Channel) throws {
        let descriptor = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
        guard let descriptor, let options = channel.syncOptions else { throw ChannelError.operationUnsupported }
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(.recvAllocator, value: SharedReadBuffers())
        try options.setOption(.allowRemoteHalfClosure, value: true)
        let connection = Connection(channel: channel, socket: descriptor, listener: self)
        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(connection))
    }

    func connectionOpened(_ connection: Connection) {
        accepted += 1
        open += 1
        NetworkCounters.current.accepted += 1
        NetworkCounters.current.open += 1
        connection.isCounted = true
        connection.delegate = accept(connection)
        if connection.delegate == nil { connection.close(afterFlush: true) }
    }

    func connectionClosed(_ connection: Connection) {
        guard connection.isCounted else { return }
        open -= 1
        NetworkCounters.current.open -= 1
    }

    fileprivate func trouble(_ error: any Error) {
        // Failures of a single connection say nothing about the socket.
        guard let number = (error as? IOError)?.errnoCode, number != ECONNABORTED else { return }
        onTrouble(number)
        guard !isResting else { return }
        isResting = true
        updateReading()
        Loop.after(Self.restMilliseconds) { [weak self] in
            self?.isResting = false
            self?.updateReading()
        }
    }
}

/// Hears what goes wrong at the listening socket.
private final class Accepting: ChannelInboundHandler, Sendable {
    typealias InboundIn = any Channel
    private let listener: Listener
    init(_ listener: Listener) { self.listener = listener }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        LoopActor.assumeIsolated { listener.trouble(error) }
    }
}
