import IPC
import Kernel
import Network
import Testing
import XMPP

@testable import Worker

@Suite("What a worker does with a listener, whoever its peers are", .timeLimit(.minutes(1)))
struct WorkerListenerTests {
    init() { precondition(Loop.runOnThread()) }

    @Test("a listener that is gone accepts no more and ends its streams, with a session or without")
    @LoopActor func gone() async throws {
        let stage = try await WorkerStage()
        let listener = PlainListener(WorkerStage.descriptor(7, 5269), [PlainStream(hasSession: true), PlainStream()])
        stage.runtime.listeners.append(listener)
        let effects = try await stage.apply(stage.bundle(), [])
        #expect(effects.closings == [.init(cause: .listener, subject: "127.0.0.1:5269", sessions: 1, others: 1)])
        #expect(listener.calls == ["stopAccepting, others go on: false"])
        #expect(listener.peers.allSatisfy { $0.ending?.condition == .reset })
        #expect(stage.runtime.listeners.isEmpty)
        await stage.end()
    }

    @Test("a listener that stays follows, its open streams are told, and a socket at another address is its own")
    @LoopActor func stays() async throws {
        let stage = try await WorkerStage()
        let listener = PlainListener(WorkerStage.descriptor(7, 5269), [PlainStream()])
        stage.runtime.listeners.append(listener)
        let moved = WorkerStage.descriptor(7, 5270)
        let effects = try await stage.apply(stage.bundle(), [moved])
        #expect(effects.closings.isEmpty)
        stage.runtime.listen(moved, 99)
        stage.runtime.mesh.onDrained()
        #expect(listener.calls == ["apply", "start 99", "meshDrained"])
        #expect(listener.peers.allSatisfy { $0.ending == nil && $0.hasFollowed })
        await stage.end()
    }
}

/// Notes what it is told.
@LoopActor
private final class PlainListener: WorkerListener {
    private(set) var descriptor: ListenerDescriptor
    let peers: [PlainStream]
    private(set) var calls: [String] = []

    init(_ descriptor: ListenerDescriptor, _ peers: [PlainStream]) {
        self.descriptor = descriptor
        self.peers = peers
    }

    var streams: [any PeerStream] { peers }
    var openConnections: Int { 0 }
    func start(_ socket: Int32) { calls.append("start \(socket)") }
    func apply(_ descriptor: ListenerDescriptor, _ prepared: PreparedConfiguration) {
        self.descriptor = descriptor
        calls.append("apply")
    }
    func stopAccepting(othersGoOn others: Bool) { calls.append("stopAccepting, others go on: \(others)") }
    func meshDrained() { calls.append("meshDrained") }
    func closeAll() { calls.append("closeAll") }
}

@LoopActor
private final class PlainStream: PeerStream {
    let hasSession: Bool
    private(set) var ending: StreamError?
    private(set) var hasFollowed = false

    init(hasSession: Bool = false) { self.hasSession = hasSession }

    var isClosed: Bool { ending != nil }
    func isOpen(to host: Host) -> Bool { false }
    func followOptions() { hasFollowed = true }
    func end(_ error: StreamError?) { ending = error }
}
