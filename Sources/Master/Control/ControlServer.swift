internal import CPlatform
internal import Glibc
internal import IPC
internal import Telemetry

/// The control socket: accepts administrators' clients and hands their requests on. A client's errors have consequences
/// for that client only (H28).
final class ControlServer {
    /// Most clients at one time; one more gets an error and is disconnected.
    static let clientLimit = 32

    /// Handles a request; the answer goes through the client, now or later.
    var handler: (ControlRequest, ControlClient) -> Void = { _, _ in }

    private let path: String
    private let loop: EventLoop
    private let socket: Descriptor
    /// The device and inode of the socket, so that no other file is removed in its place.
    private let facts: stat?
    private var watch: EventLoop.Watch?
    private(set) var clients: [ControlClient] = []

    /// Why the socket cannot be opened; a clause that names the path.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// Opens the socket with mode 0660. A socket at `path` on which no process listens is replaced; any other file stays, and
    /// is an error.
    /// - Parameter group: the group that may connect beside the owner; nil: that of this process.
    init(_ path: String, group: UInt32?, on loop: EventLoop) throws(Failure) {
        self.path = path
        self.loop = loop
        do throws(OwnPlace.Objection) { try OwnPlace.clear(socket: path) } catch {
            throw Failure(description: "\(path): \(error.text); remove it, or name another path")
        }
        do throws(SystemFailure) {
            socket = try descriptor(cplatform_listen_unix(path, 0o660, 16), "listen at \(path)")
        } catch {
            throw Failure(description: "\(error)")
        }
        facts = Self.facts(of: path)
        give(to: group)
        watch = loop.watch(socket.number, for: Readiness.input) { [weak self] _ in self?.accept() }
    }

    /// Goes on with the socket and the clients of the previous program.
    init(_ path: String, adopting socket: Int32, _ earlier: [MasterState.Client], on loop: EventLoop) {
        self.path = path
        self.loop = loop
        self.socket = Descriptor(socket)
        facts = Self.facts(of: path)
        watch = loop.watch(socket, for: Readiness.input) { [weak self] _ in self?.accept() }
        for client in earlier { add(ControlClient(Descriptor(client.connection), earlier: client, on: loop)) }
    }

    var listeningSocket: Int32 { socket.number }

    private static func facts(of path: String) -> stat? {
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFSOCK ? facts : nil
    }

    /// Lets a group connect beside the owner.
    func give(to group: UInt32?) {
        guard let group, lchown(path, uid_t.max, group) != 0 else { return }
        Log.warning("the group cannot use the control socket", [Field("group", group), Field("reason", reason(errno))])
    }

    /// Accepts no more and removes the socket from the file system; its clients stay.
    func retire() {
        guard watch != nil else { return }
        watch?.cancel()
        watch = nil
        OwnPlace.remove(path, ifStill: facts)
    }

    var isDeserted: Bool { clients.isEmpty }

    /// The same, and disconnects the clients.
    func close() {
        retire()
        for client in clients { client.close() }
        clients = []
    }

    /// Whether replies still wait to be sent.
    var isFlushed: Bool { clients.allSatisfy(\.isFlushed) }

    private func accept() {
        while true {
            let number = cplatform_accept(socket.number)
            if number == -EAGAIN { return }
            if number == -ECONNABORTED { continue }
            guard number >= 0 else { return pause(-number) }
            admit(Descriptor(number))
        }
    }

    /// Pauses accepting when descriptors run out: the socket would be ready at each turn of the loop.
    private func pause(_ number: Int32) {
        Log.error("cannot accept a control connection", [Field("reason", reason(number))])
        watch?.change(to: 0)
        loop.after(1_000) { [weak self] in self?.watch?.change(to: Readiness.input) }
    }

    private func admit(_ connection: Descriptor) {
        // Dismissed clients do not count to the limit, but have one of their own.
        guard clients.count < 2 * Self.clientLimit else { return }
        let isFull = clients.count { !$0.isLeaving } >= Self.clientLimit
        let client = ControlClient(connection, on: loop)
        add(client)
        if isFull { client.leave(code: "busy", "\(Self.clientLimit) clients are connected; try again") }
    }

    private func add(_ client: ControlClient) {
        client.received = { [weak self, weak client] request in
            if let client { self?.handler(request, client) }
        }
        client.ended = { [weak self, weak client] in self?.clients.removeAll { $0 === client } }
        clients.append(client)
    }
}
