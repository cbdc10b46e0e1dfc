internal import IPC
internal import Network
internal import Telemetry

/// Sends messages of the protocols that move something to another worker. One that a full mesh refuses is retained and sent
/// again in order: the other side waits for it.
@LoopActor
final class MeshOutbox {
    /// Milliseconds from one attempt to the next.
    private static let retryMilliseconds: Int64 = 50
    /// Messages that are retained for one worker. One more is dropped with a log line; the deadlines of both sides end the
    /// move that it belongs to.
    private static let maxRetained = 4096

    private unowned let server: Server
    private var retained: [UInt8: [MeshFrame]] = [:]
    private var timer: Loop.Timer?

    init(server: Server) { self.server = server }

    /// Sends a message now or not at all.
    /// - Returns: false if the mesh refuses it, or there is no such worker.
    func sendNow(_ message: MeshFrame, to slot: UInt8) -> Bool { server.mesh?.send(message.encoded(), to: slot) == true }

    /// Sends a message now, or when the mesh takes it.
    /// - Returns: false if there is no such worker, or too many messages are retained for it.
    @discardableResult
    func send(_ message: MeshFrame, to slot: UInt8) -> Bool {
        if retained[slot] == nil, sendNow(message, to: slot) { return true }
        guard server.mesh?.peers.contains(slot) == true else { return false }
        guard retained[slot, default: []].count < Self.maxRetained else {
            Log.error("a full mesh drops a message about something that moves", [Field("slot", slot)])
            return false
        }
        retained[slot, default: []].append(message)
        if timer == nil { timer = Loop.every(Self.retryMilliseconds) { [weak self] in self?.retry() } }
        return true
    }

    private func retry() {
        for (slot, messages) in retained {
            let sent = messages.prefix { sendNow($0, to: slot) }.count
            retained[slot] = sent == messages.count ? nil : Array(messages.dropFirst(sent))
        }
        stopIfEmpty()
    }

    /// Drops what is retained for a worker that is gone.
    func peerGone(_ slot: UInt8) {
        retained[slot] = nil
        stopIfEmpty()
    }

    private func stopIfEmpty() {
        guard retained.isEmpty else { return }
        timer?.cancel()
        timer = nil
    }
}
