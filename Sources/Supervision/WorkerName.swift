/// The name of one worker process: its slot, and its number among the processes of that slot.
///
/// A worker serves one of the server's *positions* (0, 1, …, as many as there shall be workers). Each position has two
/// slots, `p` and `p + 64`, so that in a rolling restart the old worker and the new one live side by side: the shared
/// segment and the mesh know workers by their slots.
public struct WorkerName: Hashable, Sendable, CustomStringConvertible {
    /// How many positions there can be.
    public static let positions = 64
    /// How many slots there are.
    public static let slots = 2 * positions

    /// 0 to 127.
    public var slot: UInt8
    /// From 1.
    public var incarnation: UInt32

    public init(slot: UInt8, incarnation: UInt32) {
        self.slot = slot
        self.incarnation = incarnation
    }

    /// The worker's number in `xmppctl status`, from 0.
    public var position: Int { Int(slot) % Self.positions }

    /// `1.3`, or `1b.3` in the second slot of position 1.
    public var description: String { "\(position)\(Int(slot) < Self.positions ? "" : "b").\(incarnation)" }
}

/// How a process ended.
public enum Exit: Hashable, Sendable {
    case status(Int32)
    case signal(Int32)
}
