internal import CPlatform
internal import Glibc

/// Limits what a listener accepts, over all workers.
@LoopActor
public protocol AcceptLimiter: AnyObject {
    /// Whether another connection may be accepted now. If not it is asked again 50 ms later; connections wait in the kernel.
    var isOpen: Bool { get }
    /// A connection was accepted whose proxy has yet to say where it comes from, and then: it has, or it is gone.
    func headerAwaited()
    func headerEnded()
    /// What came from there was no header, or too late; the connection is closed.
    func headerMissing(from peer: PeerAddress)
}

/// Accepts connections at one listening socket, TCP or AF_UNIX.
@LoopActor
public final class Listener {
    /// Says who looks after a new connection; nil closes it at once. TLS may be started on it here already.
    public typealias Accept = @LoopActor (Connection) -> (any ConnectionDelegate)?

    /// How many connections are taken from the socket before others of the loop get their say.
    private static let batch = 8
    /// How many are taken at most by a process that accepts no more afterwards.
    private static let lastBatch = 1024
    /// How long accepting rests when the system has no descriptor or memory to spare.
    private static let restMilliseconds: Int64 = 500
    /// How long it waits at a closed gate before it asks again.
    private static let gateMilliseconds: Int64 = 50

    /// Connections begin with a header of the PROXY protocol.
    public var expectsProxyHeader = false
    /// How long a connection without traffic keeps its buffers, in milliseconds; 0: not at all, nil: for ever.
    public var hibernation: Int64? = 0
    public weak var gate: (any AcceptLimiter)?

    /// Other processes accept at the same socket.
    private let isShared: Bool
    private let accept: Accept
    private let onTrouble: @LoopActor (Int32) -> Void
    private(set) var watch: Watch
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
    ///   - isShared: other processes wait at the same socket, not at one of their own in its group (SO_REUSEPORT).
    ///   - onTrouble: called with the error number when accepting fails (no descriptors left: it goes on after a rest)
    ///     or the socket cannot be used at all (`isClosed` is then true).
    public init(
        adopting descriptor: Int32, backlog: Int32 = 1024, isShared: Bool = false,
        onTrouble: @escaping @LoopActor (Int32) -> Void = { _ in }, accept: @escaping Accept
    ) {
        self.accept = accept
        self.onTrouble = onTrouble
        self.isShared = isShared
        watch = Watch(descriptor)
        // What is accepted inherits this: output is gathered by the turn, and must not wait in the kernel as well.
        var yes: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        if listen(descriptor, backlog) == 0 { updateWatch() } else { fail(errno) }
    }

    private func fail(_ number: CInt) {
        close()
        Loop.endOfTurn { [onTrouble] in onTrouble(number) }
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

    /// Closes this process's descriptor while others go on at the same socket. Whoever waits in the kernel's queue is
    /// taken first: we may be the one process that was woken for it.
    public func retire() {
        guard !isClosed else { return }
        watch.end()
        for _ in 0..<Self.lastBatch where gate?.isOpen != false {
            var address = sockaddr_storage()
            let socket = cplatform_accept_from(watch.descriptor, &address)
            if socket == -EAGAIN { break }
            if socket >= 0 { welcome(socket, PeerAddress(address)) }
        }
        close()
    }

    private func updateWatch() {
        guard !isClosed else { return }
        if isPaused || isResting { return watch.end() }
        let failure = watch.begin(isShared ? [.input, .alone] : .input, self)
        if failure != 0 { fail(failure) }
    }

    /// Whoever waited first is woken first; the last to come waits last. Chance decides whether we step back, so that
    /// the connections of one client do not fall on the workers in a pattern.
    private func stepBack() {
        guard isShared, !isPaused, !isResting, !isClosed, Bool.random(using: &chance) else { return }
        watch.end()
        updateWatch()
    }

    private var chance = CheapChance()

    private func rest(_ milliseconds: Int64) {
        guard !isResting else { return }
        isResting = true
        updateWatch()
        Loop.after(milliseconds) { [weak self] in
            self?.isResting = false
            self?.updateWatch()
        }
    }

    // MARK: Connections

    private func welcome(_ socket: CInt, _ peer: PeerAddress) {
        let connection = Connection(socket: socket, peer: peer, listener: self)
        guard connection.begin() else { return trouble(errno) }
        accepted += 1
        open += 1
        NetworkCounters.current.accepted += 1
        NetworkCounters.current.open += 1
        if expectsProxyHeader {
            gate?.headerAwaited()
            connection.awaitProxyHeader()
        } else {
            handOver(connection)
        }
    }

    /// The connection's beginning is known: somebody looks after it from here on.
    func handOver(_ connection: Connection) {
        connection.delegate = accept(connection)
        if connection.delegate == nil { connection.close(afterFlush: true) }
    }

    func connectionClosed() {
        open -= 1
        NetworkCounters.current.open -= 1
    }

    private func trouble(_ number: CInt) {
        onTrouble(number)
        rest(Self.restMilliseconds)
    }
}

extension Listener: PollTarget {
    /// Failures of a single connection (it was reset while it waited) say nothing about the socket.
    private static let ofTheSocket: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP]

    func readable() {
        var taken = 0
        defer { if taken > 0 { stepBack() } }
        while taken < Self.batch, !isClosed, !isPaused, !isResting {
            if gate?.isOpen == false { return rest(Self.gateMilliseconds) }
            var address = sockaddr_storage()
            let socket = cplatform_accept_from(watch.descriptor, &address)
            if socket == -EAGAIN { return }
            taken += 1
            if socket >= 0 {
                welcome(socket, PeerAddress(address))
            } else if Self.ofTheSocket.contains(-socket) {
                return trouble(-socket)
            }
        }
    }

    /// A listening socket hangs up when the master has shut it down, for all processes at once: the server stops.
    func hungUp() { close() }
}

/// Random enough to spread connections: not for secrets.
struct CheapChance: RandomNumberGenerator {
    private var state = UInt64.random(in: 1...UInt64.max)

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
