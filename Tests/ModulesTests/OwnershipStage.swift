import Configuration
import IPC
import Network
import SharedState
import Storage
import Testing

@testable import Kernel

/// The workers of one server in this process, as many as are started, with an ownership table in a real segment. The mesh hands
/// frames over one after another on each way, some at once and some turns later; a worker can die.
@LoopActor
final class OwnershipStage {
    static let kind = OwnedKind(rawValue: 200)

    struct Member {
        let server: Server
        let logs: OwnedLogs
    }

    private(set) var workers: [UInt8: Member] = [:]
    let table: OwnershipTable
    private let segment: SharedSegment
    private let configuration: ServerConfiguration
    private let database: StageDatabase
    private let directory = PlainDirectory()
    private let ways = MeshWays()

    /// Workers 0, 1 and so on, which serve.
    init(workers count: Int) async throws {
        segment = try SharedSegment.create(workers: 128, sessions: 64)
        table = OwnershipTable(segment)
        configuration = try Stage.configuration("")
        database = try await StageDatabase()
        for slot in 0..<count { try start(UInt8(slot)) }
        publish((0..<count).map { UInt8($0) })
    }

    /// Starts a process in a slot, which all others are connected to.
    @discardableResult
    func start(_ slot: UInt8, incarnation: UInt32 = 1) throws -> Member {
        let server = Server(
            slot: slot, incarnation: incarnation, configuration: configuration, directory: directory,
            store: database.repositories, catalog: [], ownership: table)
        let logs = OwnedLogs()
        server.ownership.add(logs, of: Self.kind)
        server.mesh = WayMesh(slot, ways)
        try server.start()
        let others = workers
        workers[slot] = Member(server: server, logs: logs)
        ways.servers[slot] = server
        for (other, worker) in others {
            worker.server.peerConnected(slot: slot, incarnation: incarnation)
            server.peerConnected(slot: other, incarnation: worker.server.incarnation)
        }
        return Member(server: server, logs: logs)
    }

    /// Writes who serves the indices, as the master does.
    func publish(_ slots: [UInt8?]) {
        table.write(
            slots.map { slot in
                slot.map { WorkerOwners.Process(slot: $0, incarnation: workers[$0]?.server.incarnation ?? 0) }
            })
    }

    /// Ends a process at once; what it had sent before arrives.
    func kill(_ slot: UInt8) async {
        workers[slot] = nil
        ways.close(slot)
        while ways.hasFrames(from: slot) { await Loop.pause(1) }
        for worker in workers.values { worker.server.peerGone(slot: slot) }
    }

    /// A worker leaves once nothing is on its way from it.
    func retire(_ slot: UInt8) async {
        guard let worker = workers[slot] else { return }
        let isIdle = await fulfilled { worker.server.ownership.isIdle }
        #expect(isIdle, "worker \(slot) has something to move")
        #expect(worker.logs.names.isEmpty)
        await kill(slot)
    }

    /// Frames go no further on the way to a worker, and are refused once `count` wait.
    func stopReading(_ slot: UInt8, after count: Int) { ways.stopped[slot] = count }
    func readOn(_ slot: UInt8) { ways.readOn(slot) }

    func fulfilled(_ condition: () -> Bool) async -> Bool {
        for _ in 0..<20_000 where !condition() { await Loop.pause(1) }
        return condition()
    }

    /// All have come to rest: nothing waits anywhere.
    func settles() async -> Bool {
        await fulfilled {
            !ways.hasFrames && workers.values.allSatisfy { $0.server.ownership.isIdle && $0.server.ownership.barrier.isOpen }
        }
    }

    /// The log of a key, on the worker that owns it; no other worker has one.
    func log(_ name: String) -> [OwnedLogs.Line] {
        let holders = workers.filter { $0.value.logs.logs[name] != nil }
        #expect(holders.count <= 1, "\(name) is at \(holders.keys.sorted())")
        for (slot, worker) in holders {
            #expect(worker.server.ownership.owner(of: OwnedKey(Self.kind, name)) == .local, "\(name) is at \(slot)")
        }
        return holders.first?.value.logs.logs[name] ?? []
    }
}

/// Objects that one worker owns each: what was sent to them, in order.
@LoopActor
final class OwnedLogs: OwnedObjects {
    struct Line: Equatable {
        var sender: UInt8
        var number: UInt32
    }

    private(set) var logs: [String: [Line]] = [:]
    /// Numbers that were refused to this worker.
    private(set) var refused: [String: [UInt32]] = [:]
    var refusesSnapshots = false
    /// Whether what comes is not handled yet.
    var keepsHolds = false
    var holds: [FrameHold] = []

    var names: [String] { Array(logs.keys) }

    func receive(_ payload: [UInt8], for name: String, from sender: UInt8, _ hold: FrameHold?) {
        if let hold, keepsHolds { holds.append(hold) }
        logs[name, default: []].append(Line(sender: sender, number: number(payload)))
    }

    func refuse(_ payload: [UInt8], for name: String) { refused[name, default: []].append(number(payload)) }

    private func number(_ payload: [UInt8]) -> UInt32 {
        var reader = ByteReader(payload)
        return (try? reader.uint32()) ?? 0
    }

    static func payload(_ number: UInt32) -> [UInt8] {
        var writer = ByteWriter()
        writer.uint32(number)
        return writer.bytes
    }

    /// Objects that were made anew before their snapshots came.
    private(set) var remade: [String] = []

    func snapshot(of name: String) -> [UInt8]? {
        logs[name].map { lines in
            var writer = ByteWriter()
            for line in lines {
                writer.uint8(line.sender)
                writer.uint32(line.number)
            }
            return writer.bytes
        }
    }

    func adopt(_ snapshot: [UInt8], for name: String) -> Bool {
        guard !refusesSnapshots else { return false }
        if logs[name] != nil { remade.append(name) }
        var reader = ByteReader(snapshot), lines: [Line] = []
        while let sender = try? reader.uint8(), let number = try? reader.uint32() {
            lines.append(Line(sender: sender, number: number))
        }
        logs[name] = lines
        return true
    }

    func keep(_ name: String) {}
    func discard(_ name: String) { logs[name] = nil }
}

/// What is on its way from each worker to each other.
@LoopActor
private final class MeshWays {
    var servers: [UInt8: Server] = [:]
    /// Workers that do not read, and how many frames are taken for them all the same.
    var stopped: [UInt8: Int] = [:]
    private var frames: [[UInt8]: [[UInt8]]] = [:]
    private var random = Dice()

    var hasFrames: Bool { frames.contains { servers[$0.key[1]] != nil && !$0.value.isEmpty } }
    func hasFrames(from slot: UInt8) -> Bool { frames.contains { $0.key[0] == slot && !$0.value.isEmpty } }

    func close(_ slot: UInt8) {
        servers[slot] = nil
        for way in frames.keys where way[1] == slot { frames[way] = nil }
    }

    func readOn(_ slot: UInt8) {
        stopped[slot] = nil
        for way in frames.keys where way[1] == slot { bring(way) }
    }

    func send(_ frame: [UInt8], _ from: UInt8, _ to: UInt8) -> Bool {
        guard servers[to] != nil, servers[from] != nil else { return false }
        let way = [from, to]
        if let most = stopped[to], frames[way]?.count ?? 0 >= most { return false }
        frames[way, default: []].append(frame)
        if frames[way]?.count == 1, stopped[to] == nil { bring(way) }
        return true
    }

    private func bring(_ way: [UInt8]) {
        Loop.after(Int64.random(in: 0...3, using: &random)) { [self] in
            for _ in 0..<Int.random(in: 1...200, using: &random) {
                guard stopped[way[1]] == nil, let frame = frames[way]?.first, let server = servers[way[1]] else { return }
                do { try frame.withUnsafeBytes { try server.receive($0, from: way[0]) } } catch { Issue.record(error) }
                guard frames[way]?.isEmpty == false else { return }
                frames[way]?.removeFirst()
            }
            if frames[way]?.isEmpty == false { bring(way) }
        }
    }
}

/// Random numbers that are the same in every run.
private struct Dice: RandomNumberGenerator {
    private var state: UInt64 = 42
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}

/// One worker's end of all ways.
@LoopActor
private final class WayMesh: Mesh {
    private let slot: UInt8
    private let ways: MeshWays

    init(_ slot: UInt8, _ ways: MeshWays) {
        self.slot = slot
        self.ways = ways
    }

    var peers: [UInt8] { ways.servers.keys.filter { $0 != slot } }
    func send(_ frame: [UInt8], to other: UInt8) -> Bool { ways.send(frame, slot, other) }
}
