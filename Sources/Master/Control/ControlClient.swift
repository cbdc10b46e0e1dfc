internal import CPlatform
internal import IPC
internal import Telemetry

/// One client of the control socket.
final class ControlClient {
    /// Most requests of one client without an answer; one more is refused.
    static let pendingLimit = 16
    /// How long a client without a pending request may be silent, in milliseconds; past it the connection is closed.
    static let idleLimit: Int64 = 60_000
    /// How long a dismissed client may take to close its end, in milliseconds; past it the master closes.
    static let farewellMilliseconds: Int64 = 2_000

    var received: (ControlRequest) -> Void = { _ in }
    /// Called once, at the end of the connection.
    var ended: () -> Void = {}

    /// The peer's credentials (SO_PEERCRED).
    private(set) var pid: Int32 = 0
    private(set) var user: UInt32 = 0

    private let loop: EventLoop
    private var channel: FrameChannel?
    private var pending: Set<UInt64> = []
    private var lastActive: Int64
    /// Whether the client has been dismissed.
    private(set) var isLeaving = false

    /// - Parameter earlier: the client's state in the previous program; nil for a new one.
    init(_ connection: Descriptor, earlier: MasterState.Client? = nil, on loop: EventLoop) {
        self.loop = loop
        lastActive = loop.now
        pending = Set(earlier?.pending ?? [])
        var group: UInt32 = 0
        _ = cplatform_peer_credentials(connection.number, &pid, &user, &group)
        channel = FrameChannel(
            connection, on: loop, frameLimit: FrameLimit.control, queueLimit: 4 * FrameLimit.control,
            unread: earlier?.unread ?? []
        ) { [weak self] event in self?.occurred(event) }
        watchIdleness(after: Self.idleLimit)
        Log.debug("control client connected", [Field("pid", pid), Field("uid", user)])
    }

    /// The client's state for the next program; nil if the client is not handed on.
    var possession: MasterState.Client? {
        guard !isLeaving else { return nil }
        return channel?.possession.map {
            MasterState.Client(connection: $0.socket, unread: $0.unread, pending: pending.sorted())
        }
    }

    var isFlushed: Bool { channel?.queuedBytes ?? 0 == 0 }

    func progress(_ id: UInt64, _ value: Value) { send(ControlReply(id: id, .progress(value))) }

    func reply(_ id: UInt64, _ result: OperationResult) {
        pending.remove(id)
        lastActive = loop.now
        send(ControlReply(id: id, .result(result)))
    }

    /// Sends the reason, then waits for the client to close its end: closing at once could lose the reason.
    func leave(code: String, _ text: String) {
        guard !isLeaving else { return }
        isLeaving = true
        send(ControlReply(id: 0, .result(.failure(code: code, text: text))))
        channel?.beginFarewell()
        loop.after(Self.farewellMilliseconds) { [weak self] in self?.close() }
    }

    func close() {
        guard channel != nil else { return }
        channel?.close()
        channel = nil
        ended()
    }

    private func occurred(_ event: FrameChannel.Event) {
        switch event {
        case .closed: close()
        case .malformed(let error): leave(code: "malformed", error.description)
        case .frame(let frame): received(frame)
        }
    }

    private func received(_ frame: Frame) {
        lastActive = loop.now
        do {
            let request = try ControlRequest(frame)
            if request.id == 0 || pending.contains(request.id) {
                return leave(code: "malformed", "the id \(request.id) is 0 or in use")
            }
            guard pending.count < Self.pendingLimit else {
                let text = "\(Self.pendingLimit) requests are pending"
                return send(ControlReply(id: request.id, .result(.failure(code: "busy", text: text))))
            }
            pending.insert(request.id)
            received(request)
        } catch {
            leave(code: "malformed", error.description)
        }
    }

    private func send(_ reply: ControlReply) {
        let frame = reply.encoded()
        guard frame.count - Frame.lengthSize <= FrameLimit.control else {
            let text = "the answer is larger than \(FrameLimit.control >> 20) MiB; ask for less"
            return send(ControlReply(id: reply.id, .result(.failure(code: "too-large", text: text))))
        }
        // A client that does not read its answers is disconnected.
        if channel?.send(frame) == false { close() }
    }

    private func watchIdleness(after milliseconds: Int64) {
        loop.after(milliseconds) { [weak self] in
            guard let self, channel != nil else { return }
            let rest = lastActive + Self.idleLimit - loop.now
            if !pending.isEmpty || rest > 0 { return watchIdleness(after: pending.isEmpty ? rest : Self.idleLimit) }
            leave(code: "idle", "nothing was asked for \(Self.idleLimit / 1_000) s")
        }
    }
}
