internal import IPC
internal import Network
internal import Telemetry

/// The objects of this worker that others own now, on their way there.
///
/// The former owner keeps an object until the new one has adopted it; if that dies before, the object goes to whoever serves
/// the index next.
@LoopActor
final class OwnedMoves {
    /// Objects that are on their way at one time; the others wait for these.
    private static let maxUnderWay = 256

    private struct Move {
        let slot: UInt8
        let number: UInt64
    }

    private unowned let ownership: Ownership
    private var underWay: [OwnedKey: Move] = [:]
    /// Objects whose new owner can be reached.
    private var departing: [OwnedKey] = []
    /// Objects whose new owner's index nobody serves; the next epoch tells.
    private var stranded = 0
    private var isPlanned = true
    private var attempts: UInt64 = 0

    init(ownership: Ownership) { self.ownership = ownership }

    /// Everything has moved that has a place to go to.
    var isDone: Bool { isPlanned && departing.isEmpty && underWay.isEmpty }

    /// Everything has moved.
    var isIdle: Bool { isDone && stranded == 0 }

    /// Looks in the next turn which objects are for others: whoever sees another epoch may be changing one.
    func plan() {
        guard isPlanned else { return }
        isPlanned = false
        Loop.submit { [weak self] in self?.sort() }
    }

    private func sort() {
        isPlanned = true
        (departing, stranded) = ([], 0)
        for (kind, objects) in ownership.kinds {
            for name in objects.names {
                let key = OwnedKey(kind, name)
                guard underWay[key] == nil else { continue }
                switch ownership.owner(of: key) {
                case .local: objects.keep(name)
                case .worker: departing.append(key)
                case .vacant: stranded += 1
                }
            }
        }
        go()
        ownership.advance()
    }

    /// Sends what departs, as far as the mesh takes it.
    func go() {
        while underWay.count < Self.maxUnderWay, let key = departing.last {
            guard case .worker(let slot) = ownership.owner(of: key),
                let contents = ownership.kinds[key.kind]?.snapshot(of: key.name)
            else {
                departing.removeLast()
                continue
            }
            attempts += 1
            let message = OwnershipMessage.snapshot(
                kind: key.kind.rawValue, key: key.name, number: attempts, contents: contents)
            guard ownership.server.outbox.sendNow(.owned(message), to: slot) else { return ownership.startTimer() }
            departing.removeLast()
            underWay[key] = Move(slot: slot, number: attempts)
        }
    }

    func receive(_ message: OwnershipMessage, from slot: UInt8) {
        switch message {
        case .snapshot(let kind, let name, let number, let contents):
            let answer = adopt(OwnedKey(OwnedKind(rawValue: kind), name), number, contents)
            ownership.server.outbox.send(.owned(answer), to: slot)
        case .adopted(let kind, let name, let number):
            end(OwnedKey(OwnedKind(rawValue: kind), name), number, at: slot) { $0.discard(name) }
        case .declined(let kind, let name, let number):
            end(OwnedKey(OwnedKind(rawValue: kind), name), number, at: slot) {
                Log.error("another worker cannot take over what it owns now", [Field("slot", slot)])
                $0.discard(name)
            }
        case .returned(let kind, let name, let number):
            // This worker sees the other's epoch by now; the object may even be its own again.
            end(OwnedKey(OwnedKind(rawValue: kind), name), number, at: slot) { _ in plan() }
        case .frame, .refused, .handled, .seen, .settled: break
        }
    }

    private func adopt(_ key: OwnedKey, _ number: UInt64, _ contents: [UInt8]) -> OwnershipMessage {
        let kind = key.kind.rawValue
        guard ownership.owner(of: key) == .local else { return .returned(kind: kind, key: key.name, number: number) }
        guard ownership.kinds[key.kind]?.adopt(contents, for: key.name) == true else {
            return .declined(kind: kind, key: key.name, number: number)
        }
        return .adopted(kind: kind, key: key.name, number: number)
    }

    private func end(_ key: OwnedKey, _ number: UInt64, at slot: UInt8, _ body: (any OwnedObjects) -> Void) {
        guard let move = underWay[key], move.slot == slot, move.number == number else { return }
        underWay[key] = nil
        if let objects = ownership.kinds[key.kind] { body(objects) }
        go()
    }

    /// What had not been adopted by a worker that has died is here still.
    func peerGone(_ slot: UInt8) {
        let lost = underWay.filter { $0.value.slot == slot }.map(\.key)
        guard !lost.isEmpty else { return }
        for key in lost { underWay[key] = nil }
        plan()
    }
}
