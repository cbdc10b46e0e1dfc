internal import IPC
public import Network
internal import SharedState
internal import Telemetry

/// Who owns a key.
public enum KeyOwner: Equatable, Sendable {
    case local
    case worker(slot: UInt8)
    /// Nobody serves the owner's index now; what is sent waits.
    case vacant
}

/// What belongs to no session and lives on one worker each: who owns it, and how something gets there
/// (`IPC/OwnershipMessage.swift` has the course of it).
@LoopActor
public final class Ownership {
    /// How often a frame is passed on; then it is refused.
    static let maxHops: UInt8 = 3
    /// Milliseconds from one look at what waits to the next.
    private static let tickMilliseconds: Int64 = 50
    /// The bits of a frame's number that count; the incarnation is above them.
    private static let countBits = 40

    unowned let server: Server
    /// Nil where there is no other worker: this one owns everything.
    private let table: OwnershipTable?
    /// As this worker has seen them last.
    private(set) var owners = WorkerOwners()
    private(set) var kinds: [OwnedKind: any OwnedObjects] = [:]
    private(set) var barrier = EpochBarrier()
    private var waiting = WaitingFrames()
    private var held = HeldFrames()
    private lazy var moves = OwnedMoves(ownership: self)
    private(set) var sentFrames = SentFrames()
    /// Frames of others that are being handled here, and those whose senders are to hear that they are.
    private var beingHandled = 0
    private let handled: HandledFrames
    /// Touched on the loop only. `deinit` of a hold has no isolation and no free way to prove it.
    private nonisolated(unsafe) var released: [(FrameName, wasPassedOn: Bool)] = []
    private var sent: UInt64 = 0
    /// Frames that can be handled, in order.
    private var deliveries: [OwnedFrame] = []
    private var isDelivering = false
    /// Frames that were refused here, and how many of them the log knows of.
    private(set) var refusals = 0
    private var loggedRefusals = 0
    private var timer: Loop.Timer?

    init(server: Server, table: OwnershipTable?) {
        self.server = server
        self.table = table
        handled = HandledFrames(server: server)
    }

    /// Has a handler carry out what concerns the objects of a kind.
    public func add(_ objects: any OwnedObjects, of kind: OwnedKind) { kinds[kind] = objects }

    public func owner(of key: OwnedKey) -> KeyOwner {
        guard table != nil else { return .local }
        guard !owners.workers.isEmpty, let worker = owners.workers[key.index(among: owners.workers.count)] else { return .vacant }
        if worker.slot == server.slot { return worker.incarnation == server.incarnation ? .local : .vacant }
        return server.livePeers[worker.slot] == worker.incarnation ? .worker(slot: worker.slot) : .vacant
    }

    /// Nothing here is for others, and none of them sends here any more what is for another: a worker that leaves can end.
    public var isIdle: Bool {
        guard let table else { return true }
        guard beingHandled == 0, handled.isEmpty else { return false }
        return waiting.isEmpty && moves.isIdle && barrier.hasSettled && table.epoch == owners.epoch
    }

    // MARK: Frames

    /// Sends something to the owner of a key: its handler gets it, or this worker's is told that nobody took it.
    public func send(_ payload: [UInt8], to key: OwnedKey) {
        refresh()
        sent += 1
        let number = UInt64(server.incarnation) << Self.countBits | sent
        dispatch(
            OwnedFrame(kind: key.kind.rawValue, key: key.name, sender: server.slot, number: number, payload: payload), for: key)
    }

    private func dispatch(_ frame: OwnedFrame, for key: OwnedKey) {
        guard !waiting.contains(key) else { return wait(frame, for: key) }
        switch owner(of: key) {
        case .local: take(frame, for: key)
        case .worker(let slot):
            guard sentFrames.hasRoom(for: frame) else { return refuse(frame) }
            if !sendNow(frame, to: slot) { wait(frame, for: key) }
        case .vacant: wait(frame, for: key)
        }
    }

    private func sendNow(_ frame: OwnedFrame, to slot: UInt8) -> Bool {
        guard server.outbox.sendNow(.owned(.frame(frame)), to: slot) else { return false }
        sentFrames.append(frame, to: slot)
        return true
    }

    /// Passes on what has come for a key that another worker owns.
    private func pass(_ frame: OwnedFrame, for key: OwnedKey) {
        var frame = frame
        if frame.sender != server.slot {
            guard frame.hops < Self.maxHops else { return refuse(frame) }
            frame.hops += 1
        }
        dispatch(frame, for: key)
    }

    /// Takes a frame for a key of this worker.
    private func take(_ frame: OwnedFrame, for key: OwnedKey) {
        guard isOpen(for: key) else {
            if !held.append(frame) { refuse(frame) }
            return
        }
        deliveries.append(frame)
        deliver()
    }

    private func isOpen(for key: OwnedKey) -> Bool { barrier.isOpen(for: key, ofIndex: Int(server.slot) % OwnershipTable.indices) }

    /// A handler may send, and see another epoch: what is left then may be for others.
    private func deliver() {
        guard !isDelivering else { return }
        isDelivering = true
        var next = 0
        while next < deliveries.count {
            let frame = deliveries[next]
            next += 1
            let key = frame.owned
            guard owner(of: key) == .local else {
                pass(frame, for: key)
                continue
            }
            guard isOpen(for: key) else {
                if !held.append(frame) { refuse(frame) }
                continue
            }
            if let objects = kinds[key.kind] {
                objects.receive(frame.payload, for: key.name, from: frame.sender, hold(frame))
            } else {
                refuse(frame)
            }
        }
        deliveries.removeAll(keepingCapacity: deliveries.count <= 64)
        isDelivering = false
    }

    /// What ends the record that others keep of a frame; nil if nobody does.
    private func hold(_ frame: OwnedFrame) -> FrameHold? {
        if frame.sender == server.slot { sentFrames.remove(FrameName(frame)) }
        guard frame.sender != server.slot || frame.hops > 0 else { return nil }
        beingHandled += 1
        return FrameHold(frame, self)
    }

    /// Takes note of a hold that has lost its last reference; the words follow at the end of the turn.
    nonisolated func handledLater(_ name: FrameName, wasPassedOn: Bool) {
        if released.isEmpty { LoopActor.assumeIsolated { Loop.endOfTurn { [self] in release() } } }
        released.append((name, wasPassedOn))
    }

    private func release() {
        let now = released
        released = []
        beingHandled -= now.count
        for (name, wasPassedOn) in now { handled.add(name, wasPassedOn: wasPassedOn) }
        handled.flush()
        if !handled.isEmpty { startTimer() }
    }

    private func wait(_ frame: OwnedFrame, for key: OwnedKey) {
        guard waiting.append(frame, for: key, now: Loop.now) else { return refuse(frame) }
        startTimer()
    }

    /// Tells the sender's handler that nobody takes a frame.
    private func refuse(_ frame: OwnedFrame) {
        refusals += 1
        startTimer()
        sentFrames.remove(FrameName(frame))
        if frame.hops > 0 { handled.add(FrameName(frame), wasPassedOn: true) }
        if frame.sender == server.slot {
            handleRefused(frame)
        } else {
            server.outbox.send(.owned(.refused(frame)), to: frame.sender)
        }
    }

    private func handleRefused(_ frame: OwnedFrame) {
        sentFrames.remove(FrameName(frame))
        // The slot may have another process than the one that sent it.
        guard frame.number >> Self.countBits == UInt64(server.incarnation) else { return }
        kinds[frame.owned.kind]?.refuse(frame.payload, for: frame.key)
    }

    /// Sends what waits for keys that have an owner now.
    private func flush() {
        var full: Set<UInt8> = []
        for key in waiting.keys {
            while let frame = waiting.first(for: key), sendWaiting(frame, for: key, &full) {}
        }
    }

    /// - Parameter full: the workers whose mesh has refused something just now.
    /// - Returns: false if the frame goes on waiting.
    private func sendWaiting(_ frame: OwnedFrame, for key: OwnedKey, _ full: inout Set<UInt8>) -> Bool {
        switch owner(of: key) {
        case .vacant: return false
        case .local:
            waiting.removeFirst(for: key)
            take(frame, for: key)
        case .worker(let slot):
            guard !full.contains(slot), sentFrames.hasRoom(for: frame), sendNow(frame, to: slot) else {
                full.insert(slot)
                return false
            }
            waiting.removeFirst(for: key)
        }
        return true
    }

    /// Refuses what waits: this worker leaves, and nobody will send it.
    public func refuseWaiting() {
        for frame in waiting.removeExpired(now: nil) { refuse(frame) }
    }

    // MARK: Epochs

    /// Looks whether another epoch is in force: one load. Called before a key is asked for, and now and then.
    public func refresh() {
        guard let table, table.epoch != owners.epoch else { return }
        let former = owners
        owners = table.read()
        let servesOn = owners.epoch == former.epoch + 1 && serves(former) && serves(owners)
        barrier.begin(owners, after: former, servesOn: servesOn, now: Loop.now)
        for slot in server.livePeers.keys { server.outbox.send(.owned(.seen(epoch: owners.epoch)), to: slot) }
        for frame in held.removeAll() {
            let key = frame.owned
            if owner(of: key) == .local { take(frame, for: key) } else { pass(frame, for: key) }
        }
        flush()
        moves.plan()
        startTimer()
    }

    private func serves(_ owners: WorkerOwners) -> Bool {
        let index = Int(server.slot) % OwnershipTable.indices
        return index < owners.workers.count
            && owners.workers[index] == WorkerOwners.Process(slot: server.slot, incarnation: server.incarnation)
    }

    /// Goes on to the next step of the epoch, if it is time.
    func advance() {
        guard !barrier.isOpen else { return }
        let (peers, now) = (server.livePeers.keys, Loop.now)
        if !barrier.hasSettled {
            let isComplete = barrier.isSeen(by: peers) && moves.isDone && !hasMoreToPassOn
            guard isComplete || isOverdue(EpochBarrier.deadlineMilliseconds, now) else { return }
            barrier.settle()
            for slot in peers { server.outbox.send(.owned(.settled(epoch: barrier.epoch)), to: slot) }
        }
        guard barrier.isSettled(by: peers) || isOverdue(EpochBarrier.openingMilliseconds, now) else { return }
        barrier.open()
        deliveries += held.removeAll()
        deliver()
    }

    private func isOverdue(_ milliseconds: Int64, _ now: Int64) -> Bool {
        guard barrier.isOverdue(milliseconds, now: now) else { return false }
        Log.notice("a worker does not say that it knows who owns what, going on without it", [Field("lasts_ms", milliseconds)])
        return true
    }

    private var hasMoreToPassOn: Bool {
        !waiting.isEmpty && waiting.keys(passedOnBy: server.slot).contains { owner(of: $0) != .vacant }
    }

    // MARK: Other workers

    func receive(_ message: OwnershipMessage, from slot: UInt8) {
        refresh()
        switch message {
        case .frame(let frame):
            let key = frame.owned
            if owner(of: key) == .local { take(frame, for: key) } else { pass(frame, for: key) }
        case .refused(let frame): handleRefused(frame)
        case .handled(let sender, let numbers):
            for number in numbers { sentFrames.remove(FrameName(sender: sender, number: number)) }
        case .seen(let epoch): barrier.noteSeen(epoch, by: slot)
        case .settled(let epoch): barrier.noteSettled(epoch, by: slot)
        case .snapshot, .adopted, .declined, .returned: moves.receive(message, from: slot)
        }
        advance()
    }

    func peerConnected(_ slot: UInt8) {
        guard table != nil else { return }
        refresh()
        server.outbox.send(.owned(.seen(epoch: owners.epoch)), to: slot)
        if barrier.hasSettled { server.outbox.send(.owned(.settled(epoch: barrier.epoch)), to: slot) }
        flush()
        moves.plan()
    }

    func peerGone(_ slot: UInt8) {
        guard table != nil else { return }
        barrier.peerGone(slot)
        moves.peerGone(slot)
        handled.peerGone(slot)
        // Whether they were handled nobody knows any more: their senders are told so, in order.
        for frame in sentFrames.removeAll(sentTo: slot) { refuse(frame) }
        refresh()
        advance()
    }

    // MARK: Time

    func startTimer() {
        guard timer == nil else { return }
        timer = Loop.every(Self.tickMilliseconds) { [weak self] in self?.tick() }
    }

    private func tick() {
        refresh()
        flush()
        for frame in waiting.removeExpired(now: Loop.now) { refuse(frame) }
        handled.flush()
        moves.go()
        advance()
        if refusals > loggedRefusals {
            Log.notice("frames have found no owner and went back", [Field("messages", refusals - loggedRefusals)])
            loggedRefusals = refusals
        }
        guard waiting.isEmpty, moves.isDone, barrier.isOpen, handled.isEmpty else { return }
        timer?.cancel()
        timer = nil
    }
}

extension OwnedFrame {
    /// What it is for.
    var owned: OwnedKey { OwnedKey(OwnedKind(rawValue: kind), key) }
}
