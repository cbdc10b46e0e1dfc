/// Which process: its place among the workers and how many have had the place before.
public struct WorkerName: Hashable, Sendable, CustomStringConvertible {
    /// From 0.
    public var slot: UInt8
    /// From 1.
    public var incarnation: UInt32

    public init(slot: UInt8, incarnation: UInt32) {
        self.slot = slot
        self.incarnation = incarnation
    }

    public var description: String { "\(slot).\(incarnation)" }
}

/// How a process ended.
public enum Exit: Hashable, Sendable {
    case status(Int32)
    case signal(Int32)
}
