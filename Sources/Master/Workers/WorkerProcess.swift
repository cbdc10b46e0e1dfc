internal import IPC
internal import Supervision

/// A living worker: its process, its channel and its last reports.
final class WorkerProcess {
    enum Event {
        case message(WorkerMessage)
        /// The worker broke the contract; a sentence.
        case misbehaved(String)
        case channelClosed
        case exited(Exit)
    }

    /// Most unsent bytes for a worker: two configurations of the largest size. A worker that exceeds it misbehaves and is killed.
    static let queueLimit = 2 * (FrameLimit.worker + 64)

    let name: WorkerName
    let pid: Int32
    /// When the process was started, in milliseconds of the loop's clock.
    let started: Int64
    var load: LoadReport?
    /// The sessions that are left, once the worker drains.
    var leaveReport: LeaveReport?
    /// When `load` came, in milliseconds of the loop's clock.
    var reported: Int64?

    private let child: WorkerSpawner.Child
    private var channel: FrameChannel?
    private var watch: EventLoop.Watch?
    private let handler: (Event) -> Void

    /// - Parameters:
    ///   - started: when the previous program has started it; nil: now.
    ///   - unread: the bytes of an incomplete message that the previous program has read.
    init(
        _ name: WorkerName, _ child: WorkerSpawner.Child, started: Int64? = nil, unread: [UInt8] = [], on loop: EventLoop,
        _ handler: @escaping (Event) -> Void
    ) {
        self.name = name
        self.child = child
        self.handler = handler
        pid = child.pid
        self.started = started ?? loop.now
        channel = FrameChannel(child.channel, on: loop, frameLimit: FrameLimit.worker, queueLimit: Self.queueLimit, unread: unread)
        {
            [weak self] event in self?.occurred(event)
        }
        watch = loop.watch(child.handle.number, for: Readiness.input) { [weak self] _ in self?.ended() }
    }

    /// Sends a message. A worker whose queue is full does not read: it counts as misbehaving.
    func send(_ message: MasterMessage, _ attached: Descriptor? = nil) {
        if channel?.send(message.encoded(), attached) == false {
            handler(.misbehaved("it does not read its channel"))
        }
    }

    func kill() { child.kill() }

    /// The process and its channel, for the next program; nil while messages are unsent.
    var possession: MasterState.Child? {
        channel?.possession.map {
            MasterState.Child(
                slot: name.slot, incarnation: name.incarnation, pid: pid, started: started, channel: $0.socket, unread: $0.unread)
        }
    }

    /// Handles all messages that have arrived.
    func drain() { channel?.drain() }

    private func occurred(_ event: FrameChannel.Event) {
        switch event {
        case .frame(let frame):
            do {
                handler(.message(try WorkerMessage(frame)))
            } catch {
                handler(.misbehaved("malformed message \(frame.kind): \(error)"))
            }
        case .malformed(let error): handler(.misbehaved("malformed frame: \(error)"))
        case .closed: handler(.channelClosed)
        }
    }

    /// Handles the last messages of the process before its exit.
    private func ended() {
        channel?.drain()
        guard let status = child.reap() else { return }
        watch?.cancel()
        watch = nil
        channel?.close()
        channel = nil
        handler(.exited(ExitStatusWord(status).exit))
    }
}
