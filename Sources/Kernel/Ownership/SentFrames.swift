internal import IPC
internal import Network

/// What a frame is told apart by: who sent it first, and that worker's number.
struct FrameName: Hashable, Sendable {
    let sender: UInt8
    let number: UInt64

    init(_ frame: OwnedFrame) { (sender, number) = (frame.sender, frame.number) }

    init(sender: UInt8, number: UInt64) { (self.sender, self.number) = (sender, number) }
}

/// The frames that this worker has sent to owners, or passed on, and that are not handled yet: what a dying owner takes with it
/// goes back from here.
struct SentFrames {
    /// Frames, and bytes of their payloads, of all owners together; one more is refused to its sender.
    static let maxFrames = 16_384
    static let maxBytes = 32 << 20

    private struct Entry {
        let frame: OwnedFrame
        let slot: UInt8
        let order: UInt64
    }

    private var entries: [FrameName: Entry] = [:]
    private var bytes = 0
    private var last: UInt64 = 0

    var count: Int { entries.count }

    func hasRoom(for frame: OwnedFrame) -> Bool {
        entries.count < Self.maxFrames && bytes + frame.payload.count <= Self.maxBytes
    }

    mutating func append(_ frame: OwnedFrame, to slot: UInt8) {
        last += 1
        bytes += frame.payload.count
        let former = entries.updateValue(Entry(frame: frame, slot: slot, order: last), forKey: FrameName(frame))
        bytes -= former?.frame.payload.count ?? 0
    }

    mutating func remove(_ name: FrameName) {
        guard let entry = entries.removeValue(forKey: name) else { return }
        bytes -= entry.frame.payload.count
    }

    /// Removes what was sent to a worker, in order.
    mutating func removeAll(sentTo slot: UInt8) -> [OwnedFrame] {
        let lost = entries.values.filter { $0.slot == slot }.sorted { $0.order < $1.order }.map(\.frame)
        for frame in lost { remove(FrameName(frame)) }
        return lost
    }
}

/// Holds the owner's word that a frame is handled: it is given when the last reference has gone, so that whoever carries what
/// the frame brought cannot forget it.
public final class FrameHold: Sendable {
    let name: FrameName
    /// Workers that have passed the frame on keep it as well.
    let wasPassedOn: Bool
    private let ownership: Ownership

    init(_ frame: OwnedFrame, _ ownership: Ownership) {
        (name, wasPassedOn) = (FrameName(frame), frame.hops > 0)
        self.ownership = ownership
    }

    deinit { ownership.handledLater(name, wasPassedOn: wasPassedOn) }
}

/// The words that this worker owes to others, that frames of theirs are handled.
@LoopActor
final class HandledFrames {
    /// Numbers of one message.
    private static let mostNumbers = 4096

    private unowned let server: Server
    private var owed: [UInt8: [FrameName]] = [:]

    init(server: Server) { self.server = server }

    var isEmpty: Bool { owed.isEmpty }

    func add(_ name: FrameName, wasPassedOn: Bool) {
        guard wasPassedOn else { return owed[name.sender, default: []].append(name) }
        for slot in server.livePeers.keys { owed[slot, default: []].append(name) }
    }

    /// Gives them, as far as the mesh takes them; the rest goes with the next ones.
    func flush() {
        for (slot, names) in owed {
            var left = names[...]
            while let sender = left.first?.sender {
                let some = left.prefix { $0.sender == sender }.prefix(Self.mostNumbers)
                let message = OwnershipMessage.handled(sender: sender, numbers: some.map(\.number))
                guard server.outbox.sendNow(.owned(message), to: slot) else { break }
                left = left.dropFirst(some.count)
            }
            owed[slot] = left.isEmpty || server.livePeers[slot] == nil ? nil : Array(left)
        }
    }

    func peerGone(_ slot: UInt8) { owed[slot] = nil }
}
