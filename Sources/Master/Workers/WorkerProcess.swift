internal import IPC
internal import Supervision

/// A worker that exists: its process, its channel and what it last said.
final class WorkerProcess {
    enum Event {
        case message(WorkerMessage)
        /// It broke the contract; a sentence.
        case misbehaved(String)
        case channelClosed
        case exited(Exit)
    }

    /// Most bytes that may wait for a worker: two configurations of the largest size.
    static let queueLimit = 2 * (FrameLimit.worker + 64)

    let name: WorkerName
    let pid: Int32
    /// When it was started, on the loop's clock.
    let started: Int64
    var load: LoadReport?
    /// What it still has, once it leaves.
    var leaveReport: LeaveReport?
    /// When `load` came.
    var reported: Int64?

    private let child: WorkerSpawner.Child
    private var channel: FrameChannel?
    private var watch: EventLoop.Watch?
    private let handler: (Event) -> Void

    /// - Parameters:
    ///   - started: when another image of the program has started it; now if nil.
    ///   - unread: what that image had read of a message without end.
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

    /// A worker that lets its queue fill up is treated as one that misbehaves: it does not read, so it does not live.
    func send(_ message: MasterMessage, _ attached: Descriptor? = nil) {
        if channel?.send(message.encoded(), attached) == false {
            handler(.misbehaved("it does not read its channel"))
        }
    }

    func kill() { child.kill() }

    /// What the next image of the program needs; nil while something waits to be sent.
    var possession: MasterState.Child? {
        channel?.possession.map {
            MasterState.Child(
                slot: name.slot, incarnation: name.incarnation, pid: pid, started: started, channel: $0.socket, unread: $0.unread)
        }
    }

    /// Everything that has come so far is handled.
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

    /// What it said before it died comes before its death.
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
