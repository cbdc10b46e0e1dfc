/// One worker's place and who holds it. Pure; the supervisor owns one for each worker that should exist.
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
        /// Told to stop.
        case leaving
        /// Killed, its exit is awaited; when it had been ready, since when.
        case condemned(readySince: Int64?)
    }

    let number: UInt8
    /// That of the present process, or of the last.
    private(set) var incarnation: UInt32 = 0
    /// Deaths in a row without stable service between.
    private(set) var setbacks = 0
    var state = State.vacant

    init(number: UInt8) { self.number = number }

    var worker: WorkerName { WorkerName(slot: number, incarnation: incarnation) }

    var isAlive: Bool {
        switch state {
        case .starting, .ready, .leaving, .condemned: true
        case .vacant, .waiting: false
        }
    }

    /// Whether the process was handed mesh ends and can be spoken to.
    var isGreeted: Bool {
        switch state {
        case .starting(let greeted): greeted
        case .ready: true
        case .vacant, .waiting, .leaving, .condemned: false
        }
    }

    var isReady: Bool {
        if case .ready = state { true } else { false }
    }

    /// A new process takes the place.
    mutating func begin() -> WorkerName {
        incarnation += 1
        state = .starting(greeted: false)
        return worker
    }

    /// The process is gone, or could not be started.
    /// - Returns: how long the place stays empty, in milliseconds.
    mutating func end(at now: Int64, _ policy: SupervisionPolicy) -> Int64 {
        let readySince: Int64? =
            switch state {
            case .ready(let since): since
            case .condemned(let since): since
            case .vacant, .waiting, .starting, .leaving: nil
            }
        state = .waiting
        guard let readySince else {
            setbacks += 1
            return policy.delay(setbacks)
        }
        setbacks = now - readySince >= policy.stableAfter ? 0 : setbacks + 1
        return setbacks <= policy.promptRefills ? 0 : policy.delay(setbacks - policy.promptRefills)
    }

    /// It is to be killed.
    mutating func condemn() {
        switch state {
        case .ready(let since): state = .condemned(readySince: since)
        case .starting, .leaving: state = .condemned(readySince: nil)
        case .vacant, .waiting, .condemned: break
        }
    }
}
