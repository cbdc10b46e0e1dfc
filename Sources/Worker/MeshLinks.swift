internal import IPC
internal import Kernel
internal import Network
internal import SharedState
internal import Telemetry

/// The streams to the other workers, one for each slot.
@LoopActor
final class MeshLinks: Mesh {
    private struct Link {
        let pipe: Pipe
        let incarnation: UInt32
        var congestion: MeshCongestion?
    }

    private unowned let server: Server
    private let shared: WorkerSegment
    private var links: [UInt8: Link] = [:]
    /// Called when no link is congested any more.
    var onDrained: @LoopActor () -> Void = {}

    init(server: Server, shared: WorkerSegment) {
        self.server = server
        self.shared = shared
    }

    var peers: [UInt8] { Array(links.keys) }

    func connect(slot: UInt8, incarnation: UInt32, descriptor: Int32) {
        if let former = links[slot] { gone(slot: slot, incarnation: former.incarnation) }
        let pipe = Pipe(adopting: descriptor, delegate: Receiver(slot: slot, links: self))
        links[slot] = Link(pipe: pipe, incarnation: incarnation)
        server.peerConnected(slot: slot, incarnation: incarnation)
    }

    /// What the worker had sent before its end is received first: it may be on other workers' behalf.
    func gone(slot: UInt8, incarnation: UInt32) {
        guard let link = links[slot], link.incarnation == incarnation else { return }
        links[slot] = nil
        link.congestion?.reportEnd(peer: slot, now: Loop.now)
        link.pipe.closeAfterReading()
        server.peerGone(slot: slot)
        updateCongestion()
    }

    @discardableResult
    func send(_ frame: [UInt8], to slot: UInt8) -> Bool {
        guard let link = links[slot], link.pipe.send(frame) else { return false }
        shared.cell?.add(.meshFramesSent)
        shared.cell?.add(.meshBytesSent, frame.count)
        return true
    }

    fileprivate func received(_ bytes: UnsafeRawBufferPointer, from slot: UInt8, _ pipe: Pipe) {
        shared.cell?.add(.meshFramesReceived)
        shared.cell?.add(.meshBytesReceived, bytes.count)
        do throws(WireError) {
            try server.receive(bytes, from: slot)
        } catch {
            Log.error("malformed frame from another worker", [Field("slot", slot), Field("error", "\(error)")])
            pipe.close()
        }
    }

    fileprivate func closed(_ pipe: Pipe, slot: UInt8) {
        guard let link = links[slot], link.pipe === pipe else { return }
        gone(slot: slot, incarnation: link.incarnation)
    }

    /// Looks at each way once a second: says what has become of it, and how all are.
    func look(now: Int64) -> MeshHealth {
        var health = MeshHealth()
        for (slot, link) in links {
            guard let congestion = link.congestion else { continue }
            if links[slot]?.congestion?.report(peer: slot, queued: link.pipe.queuedBytes, now: now) == true {
                shared.cell?.add(.meshCongestions)
            }
            health.congestedPeers += 1
            health.longestCongestion = max(health.longestCongestion, now - congestion.since)
            let stalled = congestion.stalled(lastProgress: link.pipe.lastProgress, now: now)
            if stalled > health.stalled?.milliseconds ?? 0 { health.stalled = (slot, stalled) }
        }
        return health
    }

    fileprivate func congested(_ slot: UInt8) {
        if links[slot]?.congestion == nil { links[slot]?.congestion = MeshCongestion(since: Loop.now) }
        updateCongestion()
    }

    fileprivate func drained(_ slot: UInt8) {
        links[slot]?.congestion?.reportEnd(peer: slot, now: Loop.now)
        links[slot]?.congestion = nil
        updateCongestion()
    }

    fileprivate func updateCongestion() {
        let isCongested = links.values.contains { $0.pipe.isCongested }
        let wasCongested = shared.isMeshCongested
        shared.isMeshCongested = isCongested
        if wasCongested, !isCongested { onDrained() }
    }
}

/// Hears one link and knows whose it is.
@LoopActor
private final class Receiver: PipeDelegate {
    private let slot: UInt8
    private weak var links: MeshLinks?

    init(slot: UInt8, links: MeshLinks) {
        self.slot = slot
        self.links = links
    }

    func pipe(_ pipe: Pipe, received frame: UnsafeRawBufferPointer) { links?.received(frame, from: slot, pipe) }
    func pipeCongested(_ pipe: Pipe) { links?.congested(slot) }
    func pipeDrained(_ pipe: Pipe) { links?.drained(slot) }
    func pipeClosed(_ pipe: Pipe) { links?.closed(pipe, slot: slot) }
}
