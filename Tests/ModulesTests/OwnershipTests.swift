import IPC
import Network
import SharedState
import Testing

@testable import Kernel

/// Something that one worker owns, while its owner changes and others send to it (`IPC/OwnershipMessage.swift`).
@Suite(.timeLimit(.minutes(5))) struct OwnershipTests {
    init() { StageLoop.start() }

    private static let names = (0..<24).map { "room\($0)" }

    /// Sends numbered frames from each of some workers to each of all keys, until it is told to stop.
    @LoopActor
    private final class Load {
        let stage: OwnershipStage
        let senders: [UInt8]
        private(set) var count: UInt32 = 0
        private var isOver = false
        private var hasEnded = false

        init(_ stage: OwnershipStage, from senders: [UInt8]) {
            self.stage = stage
            self.senders = senders
        }

        func start() { Loop.spawn { [self] in await run() } }

        private func run() async {
            while !isOver {
                count += 1
                for sender in senders { for name in names { send(count, name, sender) } }
                await Loop.pause(1)
            }
            hasEnded = true
        }

        private func send(_ number: UInt32, _ name: String, _ sender: UInt8) {
            stage.workers[sender]?.server.ownership.send(OwnedLogs.payload(number), to: OwnedKey(OwnershipStage.kind, name))
        }

        func stop() async {
            isOver = true
            while !hasEnded { await Loop.pause(1) }
            #expect(await stage.settles())
        }

        func goOn(_ turns: UInt32 = 20) async {
            let goal = count + turns
            while count < goal { await Loop.pause(1) }
        }

        /// What each sender has sent to a key is there once, in order; `isWhole`: all of it.
        func expectOrder(isWhole: (String) -> Bool = { _ in true }) {
            for name in names {
                let log = stage.log(name)
                for sender in senders {
                    let numbers = log.filter { $0.sender == sender }.map(\.number)
                    if isWhole(name) {
                        #expect(numbers == Array(1...count), "from \(sender) to \(name)")
                    } else {
                        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "from \(sender) to \(name)")
                    }
                }
            }
            for worker in stage.workers.values {
                #expect(worker.logs.refused.keys.allSatisfy { !isWhole($0) })
                #expect(worker.logs.remade.isEmpty)
            }
        }

        /// Where frames may be passed on too often, they go back.
        func expectArrivalOrReturn() {
            for name in names {
                let log = stage.log(name)
                for sender in senders {
                    let numbers = log.filter { $0.sender == sender }.map(\.number)
                    let refused = stage.workers[sender]?.logs.refused[name] ?? []
                    #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "from \(sender) to \(name)")
                    #expect((numbers + refused).sorted() == Array(1...count), "from \(sender) to \(name)")
                }
            }
        }
    }

    @Test("an owner's handler gets what others send, and its own") @LoopActor func sendAndReceive() async throws {
        let stage = try await OwnershipStage(workers: 3)
        let load = Load(stage, from: [0, 1, 2])
        load.start()
        await load.goOn(5)
        await load.stop()
        load.expectOrder()
        let holders = stage.workers.values.map { $0.logs.names.count }
        #expect(holders.allSatisfy { $0 > 0 } && holders.reduce(0, +) == Self.names.count)
    }

    @Test("a rolling restart moves what its worker owns, in order and whole") @LoopActor func rolled() async throws {
        let stage = try await OwnershipStage(workers: 3)
        let load = Load(stage, from: [1, 2])
        load.start()
        await load.goOn()
        for round in 0..<3 {
            let (old, new): (UInt8, UInt8) = round % 2 == 0 ? (0, 64) : (64, 0)
            try stage.start(new, incarnation: UInt32(round) + 2)
            await load.goOn(3)
            stage.publish([new, 1, 2])
            await load.goOn()
            await stage.retire(old)
        }
        await load.stop()
        load.expectOrder()
    }

    @Test("who sends and owns is rolled, and what it had sent is there") @LoopActor func senderRolled() async throws {
        let stage = try await OwnershipStage(workers: 3)
        let load = Load(stage, from: [0, 2])
        load.start()
        await load.goOn()
        try stage.start(64)
        stage.publish([64, 1, 2])
        await load.goOn(3)
        await load.stop()
        load.expectOrder()
        await stage.retire(0)
        load.expectOrder()
    }

    @Test("another number of workers moves what it must, in order and whole") @LoopActor func resized() async throws {
        let stage = try await OwnershipStage(workers: 3)
        let load = Load(stage, from: [0, 1])
        load.start()
        await load.goOn()
        stage.publish([0, 1])
        await load.goOn()
        await stage.retire(2)
        try stage.start(2, incarnation: 2)
        try stage.start(3)
        stage.publish([0, 1, 2])
        await load.goOn(2)
        stage.publish([0, 1, 2, 3])
        await load.goOn()
        await load.stop()
        load.expectOrder()
    }

    @Test(
        "while one epoch follows the other at once, a frame arrives once and in order, or goes back",
        arguments: [1, 2, 3, 4, 6] as [UInt32]) @LoopActor
    func quickChanges(pause: UInt32) async throws {
        let stage = try await OwnershipStage(workers: 4)
        let load = Load(stage, from: [0, 1, 2, 3])
        load.start()
        for round in 0..<24 {
            stage.publish(Array([0, 1, 2, 3].prefix([4, 2, 3, 1][round % 4])))
            await load.goOn(UInt32(round) % pause)
        }
        stage.publish([0, 1, 2, 3])
        await load.stop()
        // Once in some dozen runs an object is made anew before its snapshot comes, and what the snapshot held is lost.
        withKnownIssue(isIntermittent: true) {
            load.expectArrivalOrReturn()
            for worker in stage.workers.values { #expect(worker.logs.remade.isEmpty) }
        }
    }

    @Test("what an owner has not handled when it dies goes back to its senders, in order, and what it has handled does not")
    @LoopActor func unhandled() async throws {
        let stage = try await OwnershipStage(workers: 3)
        let name = try #require(Self.names.first { OwnedKey(OwnershipStage.kind, $0).index(among: 3) == 0 })
        let (owner, sender) = (try #require(stage.workers[0]), try #require(stage.workers[1]))
        func send(_ numbers: ClosedRange<UInt32>) async {
            for number in numbers {
                sender.server.ownership.send(OwnedLogs.payload(number), to: OwnedKey(OwnershipStage.kind, name))
            }
            #expect(await stage.fulfilled { owner.logs.logs[name]?.last?.number == numbers.upperBound })
        }
        await send(1...3)
        #expect(await stage.fulfilled { sender.server.ownership.sentFrames.count == 0 })
        owner.logs.keepsHolds = true
        await send(4...7)
        owner.logs.holds.removeFirst()
        #expect(await stage.fulfilled { sender.server.ownership.sentFrames.count == 3 })
        #expect(!owner.server.ownership.isIdle)
        await stage.kill(0)
        #expect(sender.logs.refused[name] == [5, 6, 7])
        #expect(sender.server.ownership.sentFrames.count == 0)
        // What is left of the dead process goes before its server does.
        owner.logs.holds = []
        await Loop.pause(5)
        withExtendedLifetime(owner) {}
    }

    @Test("a killed owner costs what it had, nothing else, and the rest waits for the next process") @LoopActor
    func killed() async throws {
        let stage = try await OwnershipStage(workers: 3)
        let lost = Self.names.filter { OwnedKey(OwnershipStage.kind, $0).index(among: 3) == 0 }
        #expect(!lost.isEmpty)
        let load = Load(stage, from: [1, 2])
        load.start()
        await load.goOn()
        stage.publish([nil, 1, 2])
        await stage.kill(0)
        await load.goOn()
        let before = load.count
        try stage.start(0, incarnation: 2)
        await load.goOn(3)
        stage.publish([0, 1, 2])
        await load.goOn()
        await load.stop()
        load.expectOrder { !lost.contains($0) }
        for name in lost {
            #expect(stage.log(name).filter { $0.sender == 1 }.map(\.number).suffix(Int(load.count - before)).first == before + 1)
        }
    }

    @Test("an owner that dies before it has adopted leaves the object with its former owner") @LoopActor
    func killedBeforeAdoption() async throws {
        let stage = try await OwnershipStage(workers: 2)
        let load = Load(stage, from: [1])
        load.start()
        await load.goOn()
        await load.stop()
        try stage.start(64)
        stage.stopReading(64, after: 1000)
        stage.publish([64, 1])
        stage.workers[0]?.server.ownership.refresh()
        await Loop.pause(5)
        stage.publish([nil, 1])
        await stage.kill(64)
        #expect(stage.workers[0]?.server.ownership.isIdle == false)
        stage.readOn(64)
        try stage.start(64, incarnation: 2)
        stage.publish([64, 1])
        stage.workers[0]?.server.ownership.refresh()
        await stage.retire(0)
        load.expectOrder()
    }

    @Test("what a full mesh refuses waits, in order") @LoopActor func fullMesh() async throws {
        let stage = try await OwnershipStage(workers: 3)
        let load = Load(stage, from: [1, 2])
        load.start()
        await load.goOn(3)
        stage.stopReading(0, after: 10)
        await load.goOn()
        try stage.start(64)
        stage.publish([64, 1, 2])
        await load.goOn()
        stage.readOn(0)
        await load.goOn()
        await stage.retire(0)
        await load.stop()
        load.expectOrder()
    }

    @Test("what waits for a vacant owner is bounded, and refused to its sender beyond") @LoopActor func bounded() async throws {
        let stage = try await OwnershipStage(workers: 2)
        let key = OwnedKey(
            OwnershipStage.kind, try #require(Self.names.first { OwnedKey(OwnershipStage.kind, $0).index(among: 2) == 1 }))
        stage.publish([0, nil])
        await stage.kill(1)
        let worker = try #require(stage.workers[0])
        for number in 1...UInt32(WaitingFrames.maxFrames + 3) { worker.server.ownership.send(OwnedLogs.payload(number), to: key) }
        #expect(worker.logs.refused == [key.name: (1...3).map { UInt32(WaitingFrames.maxFrames) + $0 }])
        worker.server.ownership.refuseWaiting()
        #expect(worker.logs.refused[key.name]?.count == WaitingFrames.maxFrames + 3)
        worker.server.ownership.send([UInt8](repeating: 0, count: WaitingFrames.maxBytes), to: key)
        #expect(worker.server.ownership.refusals == WaitingFrames.maxFrames + 4)
    }

    @Test("a frame that is passed on too often goes back to its sender") @LoopActor func passedOnTooOften() async throws {
        let stage = try await OwnershipStage(workers: 2)
        #expect(await stage.settles())
        let name = try #require(Self.names.first { OwnedKey(OwnershipStage.kind, $0).index(among: 2) == 1 })
        let (here, there) = (try #require(stage.workers[0]), try #require(stage.workers[1]))
        for hops in 0...Ownership.maxHops {
            here.server.ownership.receive(
                .frame(
                    .init(
                        kind: 200, key: name, sender: 1, number: 1 << 40 | 1, hops: hops, payload: OwnedLogs.payload(UInt32(hops)))),
                from: 1)
        }
        let isBack = await stage.fulfilled { there.logs.refused == [name: [UInt32(Ownership.maxHops)]] }
        #expect(isBack)
        #expect(stage.log(name).map(\.number) == [0, 1, 2] && here.server.ownership.refusals == 1)
        // Another process in the sender's slot had not sent it.
        here.server.ownership.receive(
            .frame(.init(kind: 200, key: name, sender: 1, number: 9 << 40, hops: Ownership.maxHops, payload: [])), from: 1)
        #expect(await stage.settles())
        #expect(there.logs.refused[name]?.count == 1)
    }

    @Test("a frame of a kind that its owner does not know goes back") @LoopActor func unknownKind() async throws {
        let stage = try await OwnershipStage(workers: 1)
        let worker = try #require(stage.workers[0])
        worker.server.ownership.send([], to: OwnedKey(OwnedKind(rawValue: 1), "x"))
        #expect(await stage.settles())
        #expect(worker.server.ownership.refusals == 1)
    }

    @Test("a snapshot that makes no object costs that object") @LoopActor func declined() async throws {
        let stage = try await OwnershipStage(workers: 1)
        let load = Load(stage, from: [0])
        load.start()
        await load.goOn(2)
        await load.stop()
        try stage.start(64).logs.refusesSnapshots = true
        stage.publish([64])
        stage.workers[0]?.server.ownership.refresh()
        await stage.retire(0)
        #expect(stage.workers[64]?.logs.names == [])
    }
}
