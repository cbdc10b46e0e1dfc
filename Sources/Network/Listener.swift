internal import CPlatform
internal import Glibc

/// Accepts connections at one listening socket, TCP or AF_UNIX.
@LoopActor
public final class Listener {
    /// Says who looks after a new connection; nil closes it at once. TLS may be started on it here already.
    public typealias Accept = @LoopActor (Connection) -> (any ConnectionDelegate)?

    /// How many connections are taken from the socket before others of the loop get their say.
    private static let batch = 8
    /// How long accepting rests when the system has no descriptor or memory to spare.
    private static let restMilliseconds: Int64 = 500

    private let accept: Accept
    private let onTrouble: @LoopActor (Int32) -> Void
    private var watch: Watch
    private var isPaused = false
    private var isResting = false
    public private(set) var isClosed = false
    /// Connections accepted so far, and those that exist now.
    public private(set) var accepted = 0
    public private(set) var open = 0

    /// Takes over a listening socket, which `close()` closes; copies of the descriptor elsewhere stay as they are.
    ///
    /// - Parameters:
    ///   - backlog: the queue length of the socket.
    ///   - onTrouble: called with the error number when accepting fails (no descriptors left: it goes on after a rest)
    ///     or the socket cannot be used at all (`isClosed` is then true).
    public init(adopting descriptor: Int32, backlog: Int32 = 1024,
                onTrouble: @escaping @LoopActor (Int32) -> Void = { _ in }, accept: @escaping Accept) {
        self.accept = accept
        self.onTrouble = onTrouble
        watch = Watch(descriptor)
        // What is accepted inherits this: output is gathered by the turn, and must not wait in the kernel as well.
        var yes: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        let failure = listen(descriptor, backlog) == 0 ? watch.begin(.input, self) : errno
        guard failure != 0 else { return }
        close()
        Loop.endOfTurn { onTrouble(failure) }
    }

    /// New connections wait in the kernel's queue until `resume()`.
    public func pause() {
        isPaused = true
        updateWatch()
    }

    public func resume() {
        isPaused = false
        updateWatch()
    }

    /// Closes this process's descriptor. Connections that were accepted stay.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        watch.end()
        Glibc.close(watch.descriptor)
    }

    private func updateWatch() { watch.want(isPaused || isResting ? [] : .input) }

    // MARK: Connections

    private func welcome(_ socket: CInt, _ peer: PeerAddress) {
        let connection = Connection(socket: socket, peer: peer, listener: self)
        guard connection.begin() else { return trouble(errno) }
        accepted += 1
        open += 1
        NetworkCounters.current.accepted += 1
        NetworkCounters.current.open += 1
        connection.delegate = accept(connection)
        if connection.delegate == nil { connection.close(afterFlush: true) }
    }

    func connectionClosed() {
        open -= 1
        NetworkCounters.current.open -= 1
    }

    private func trouble(_ number: CInt) {
        onTrouble(number)
        guard !isResting else { return }
        isResting = true
        updateWatch()
        Loop.after(Self.restMilliseconds) { [weak self] in
            self?.isResting = false
            self?.updateWatch()
        }
    }
}

extension Listener: PollTarget {
    /// Failures of a single connection (it was reset while it waited) say nothing about the socket.
    private static let ofTheSocket: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP]

    func readable() {
        for _ in 0..<Self.batch where !isClosed && !isPaused && !isResting {
            var address = sockaddr_storage()
            let socket = cplatform_accept_from(watch.descriptor, &address)
            if socket == -EAGAIN { return }
            if socket >= 0 {
                welcome(socket, PeerAddress(address))
            } else if Self.ofTheSocket.contains(-socket) {
                return trouble(-socket)
            }
        }
    }

    /// A listening socket hangs up when somebody shut it down in another process.
    func hungUp() {
        trouble(EINVAL)
        watch.end()
    }
}
