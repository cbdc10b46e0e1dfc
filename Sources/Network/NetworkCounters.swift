/// What the connections of this process have done so far; `Telemetry` and the shared segment read it.
public struct NetworkCounters: Sendable, Equatable {
    /// On the wire, after TLS.
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0
    /// Between the workers.
    public var pipeBytesIn: UInt64 = 0
    public var pipeBytesOut: UInt64 = 0
    /// Connections accepted since the start, and those that exist now.
    public var accepted: UInt64 = 0
    public var open: UInt64 = 0
    /// Times that connections gave their buffers back.
    public var hibernated: UInt64 = 0
    /// Handshakes that succeeded and that did not.
    public var handshakes: UInt64 = 0
    public var handshakesFailed: UInt64 = 0
    /// Turns of the loop, and those that were too long (`TurnClock.longTurn`).
    public var turns: UInt64 = 0
    public var longTurns: UInt64 = 0
    /// The longest turn so far, in microseconds.
    public var longestTurn: Int64 = 0

    @LoopActor public internal(set) static var current = NetworkCounters()
}
