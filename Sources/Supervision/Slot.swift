/// One slot and the process in it. Pure; the supervisor owns all of them, most of them vacant.
struct Slot: Equatable, Sendable {
    enum State: Equatable {
        /// Nobody is here, and nobody is awaited.
        case vacant
        /// Nobody is here; a timer or the end of a reload brings the next.
        case waiting
        /// A process exists and has not said ready; `greeted` once it was handed what it needs.
        case starting(greeted: Bool)
        /// Serving since that moment.
        case ready(since: Int64)
        /// Told to hand over what it serves; its exit is awaited.
        case draining(since: Int64)
        /// Told to stop.
        case leaving
        /// Killed, its exit is awaited; when it had been ready, since when.
        case condemned(readySince: Int64?)
    }

    let number: UInt8
    /// That of the present process, or of the last.
    private(set) var incarnation: UInt32 = 0
    var state = State.vacant

    init(number: UInt8) { self.number = number }

    /// As it was when another image of the master knew it.
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

    /// Whether the process was handed mesh ends and can be spoken to.
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

    /// A new process takes the place.
    mutating func begin() -> WorkerName {
        incarnation += 1
        state = .starting(greeted: false)
        return worker
    }

    /// The process is gone, or could not be started.
    /// - Returns: since when it had served; nil if it had not.
    mutating func end() -> Int64? {
        defer { state = .waiting }
        return switch state {
        case .ready(let since), .draining(let since): since
        case .condemned(let since): since
        case .vacant, .waiting, .starting, .leaving: nil
        }
    }

    /// It is to be killed.
    mutating func markForKill() {
        switch state {
        case .ready(let since), .draining(let since): state = .condemned(readySince: since)
        case .starting, .leaving: state = .condemned(readySince: nil)
        case .vacant, .waiting, .condemned: break
        }
    }
}
