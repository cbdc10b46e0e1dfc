/// One slot and the process in it. Most of the 128 slots are vacant.
struct Slot: Equatable, Sendable {
    enum State: Equatable {
        /// No process, and none planned.
        case vacant
        /// No process; a timer or the end of a change starts the next.
        case waiting
        /// A process that has not said ready; `greeted` once it has got configuration, segment and mesh.
        case starting(greeted: Bool)
        /// Serving since that moment, in milliseconds of the monotonic clock.
        case ready(since: Int64)
        /// Told to hand its sessions over; its exit is awaited.
        case draining(since: Int64)
        /// Told to stop; its exit is awaited.
        case leaving
        /// Killed; its exit is awaited. `readySince` is nil if it was never ready.
        case condemned(readySince: Int64?)
    }

    let number: UInt8
    /// The number of the present process in this slot, or of the last; from 1.
    private(set) var incarnation: UInt32 = 0
    var state = State.vacant

    init(number: UInt8) { self.number = number }

    /// The slot as the previous program of the master left it.
    init(number: UInt8, incarnation: UInt32, state: State) {
        self.number = number
        self.incarnation = incarnation
        self.state = state
    }

    var worker: WorkerName { WorkerName(slot: number, incarnation: incarnation) }

    var isAlive: Bool {
        switch state {
        case .starting, .ready, .draining, .leaving, .condemned: true
        case .vacant, .waiting: false
        }
    }

    /// Whether the process has got its mesh ends and takes messages.
    var isGreeted: Bool {
        switch state {
        case .starting(let greeted): greeted
        case .ready, .draining: true
        case .vacant, .waiting, .leaving, .condemned: false
        }
    }

    var isReady: Bool {
        if case .ready = state { true } else { false }
    }

    var isDraining: Bool {
        if case .draining = state { true } else { false }
    }

    /// A new process is started here.
    mutating func begin() -> WorkerName {
        incarnation += 1
        state = .starting(greeted: false)
        return worker
    }

    /// The process is dead, or could not be started.
    /// - Returns: since when it had been ready; nil if it never was.
    mutating func end() -> Int64? {
        defer { state = .waiting }
        return switch state {
        case .ready(let since), .draining(let since): since
        case .condemned(let since): since
        case .vacant, .waiting, .starting, .leaving: nil
        }
    }

    /// Marks the process as killed; the caller sends the signal.
    mutating func markForKill() {
        switch state {
        case .ready(let since), .draining(let since): state = .condemned(readySince: since)
        case .starting, .leaving: state = .condemned(readySince: nil)
        case .vacant, .waiting, .condemned: break
        }
    }
}
