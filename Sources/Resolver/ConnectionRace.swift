/// Which address is connected to when (RFC 8305): of each target both families in turn, each with a head start before the next,
/// and the next target when all addresses of one have failed.
///
/// A pure machine: what happens is told with the time, in milliseconds of any clock that does not go back, and what it answers
/// is to be done in order.
public struct ConnectionRace: Sendable {
    public struct Limits: Sendable, Equatable {
        /// After which the next address is tried beside the one before.
        public var headStart: Duration
        /// How long one connection may take to come about.
        public var attempt: Duration
        /// How long all of it may take, look-ups included.
        public var whole: Duration

        public init(headStart: Duration = .milliseconds(250), attempt: Duration = .seconds(10), whole: Duration = .seconds(30)) {
            self.headStart = headStart
            self.attempt = attempt
            self.whole = whole
        }
    }

    public struct Attempt: Sendable, Hashable {
        public let number: Int
        public let target: ServerTarget
        public let address: InternetAddress
    }

    public enum Event: Sendable {
        case started
        /// The answers to `.lookUp`. The addresses may be of both families, in any order.
        case found([InternetAddress])
        case notFound(DNSFailure)
        case connected(Int)
        case failed(Int, reason: String)
        /// At the time that `.wake` named, or at any other.
        case timePassed
        /// The connection that has won was of no use: what is left is tried.
        case refused(reason: String)
    }

    public enum Action: Sendable, Equatable {
        /// The addresses of the name are wanted.
        case lookUp(String)
        case begin(Attempt)
        /// It is not waited for any longer.
        case abandon(Int)
        /// `.timePassed` is wanted then; takes the place of the time before.
        case wake(at: Int64)
        /// This connection is the one.
        case win(Attempt)
        /// There is none; `record` says why.
        case giveUp
    }

    /// What came of one address, or of one target that has none.
    public struct Trial: Sendable, Equatable {
        public enum Result: Sendable, Equatable {
            case connected
            case failed(String)
            case noAnswer
            /// Another one was faster.
            case abandoned
            case notFound(DNSFailure)
            /// All addresses are of a family that is not wanted.
            case noAddress
            /// The whole had taken too long.
            case outOfTime
        }
        public let target: ServerTarget
        public let address: InternetAddress?
        public internal(set) var result: Result
    }

    private enum Phase { case idle, lookingUp, trying, won(Attempt), over }

    private let families: [AddressFamily]
    private let limits: Limits
    private var targets: ArraySlice<ServerTarget>
    private var phase = Phase.idle
    private var target: ServerTarget?
    /// Addresses of the target that have not been tried.
    private var waiting: ArraySlice<InternetAddress> = []
    private var running: [(attempt: Attempt, ends: Int64)] = []
    private var attempts = 0
    /// When the next of those that wait has its turn.
    private var nextBegins: Int64 = 0
    private var ends: Int64 = 0
    private var wake: Int64?
    /// What has been tried so far and how it went.
    public private(set) var record: [Trial] = []

    /// `families`: those that are wanted, the preferred one first.
    public init(_ targets: [ServerTarget], families: [AddressFamily] = [.ipv4, .ipv6], limits: Limits = Limits()) {
        self.targets = targets[...]
        self.families = families
        self.limits = limits
    }

    /// `now`: in milliseconds.
    public mutating func handle(_ event: Event, now: Int64) -> [Action] {
        var actions: [Action] = []
        switch (phase, event) {
        case (.idle, .started):
            ends = now + Self.milliseconds(limits.whole)
            nextTarget(now, &actions)
        case (.lookingUp, .found(let addresses)):
            use(addresses, now, &actions)
        case (.lookingUp, .notFound(let failure)):
            note(nil, .notFound(failure))
            nextTarget(now, &actions)
        case (.trying, .connected(let number)):
            win(number, &actions)
        case (.trying, .failed(let number, let reason)):
            remove(number, .failed(reason), now, &actions)
        case (.lookingUp, .timePassed), (.trying, .timePassed):
            advance(now, &actions)
        case (.won(let attempt), .refused(let reason)):
            note(attempt.address, .failed(reason))
            proceed(now, &actions)
        case (.idle, _), (.lookingUp, _), (.trying, _), (.won, _), (.over, _):
            // Late news of what is not waited for any longer.
            return []
        }
        setWake(&actions)
        return actions
    }

    /// Ends it, whatever it was about to do.
    public mutating func cancel() -> [Action] {
        let actions = running.map { Action.abandon($0.attempt.number) }
        running = []
        phase = .over
        return actions
    }

    // MARK: Steps

    private mutating func nextTarget(_ now: Int64, _ actions: inout [Action]) {
        guard now < ends else { return runOut(&actions) }
        guard let next = targets.popFirst() else { return giveUp(&actions) }
        target = next
        switch next.place {
        case .name(let name):
            phase = .lookingUp
            actions.append(.lookUp(name))
        case .address(let address):
            waiting = [address]
            phase = .trying
            begin(now, &actions)
        }
    }

    private mutating func use(_ addresses: [InternetAddress], _ now: Int64, _ actions: inout [Action]) {
        waiting = Self.interleaved(addresses, families)[...]
        guard !waiting.isEmpty else {
            note(nil, .noAddress)
            return nextTarget(now, &actions)
        }
        phase = .trying
        begin(now, &actions)
    }

    private mutating func begin(_ now: Int64, _ actions: inout [Action]) {
        guard let target, let address = waiting.popFirst() else { return }
        attempts += 1
        let attempt = Attempt(number: attempts, target: target, address: address)
        running.append((attempt, now + Self.milliseconds(limits.attempt)))
        nextBegins = now + Self.milliseconds(limits.headStart)
        actions.append(.begin(attempt))
    }

    private mutating func win(_ number: Int, _ actions: inout [Action]) {
        guard let place = running.firstIndex(where: { $0.attempt.number == number }) else { return }
        let attempt = running.remove(at: place).attempt
        note(attempt.address, .connected)
        for (other, _) in running {
            actions.append(.abandon(other.number))
            note(other.address, .abandoned)
        }
        // Should this one be of no use, they get their chance.
        waiting = (running.map(\.attempt.address) + waiting)[...]
        running = []
        phase = .won(attempt)
        actions.append(.win(attempt))
    }

    private mutating func remove(_ number: Int, _ result: Trial.Result, _ now: Int64, _ actions: inout [Action]) {
        guard let place = running.firstIndex(where: { $0.attempt.number == number }) else { return }
        note(running.remove(at: place).attempt.address, result)
        proceed(now, &actions)
    }

    /// One is over: the next has its turn at once.
    private mutating func proceed(_ now: Int64, _ actions: inout [Action]) {
        phase = .trying
        guard now < ends else { return runOut(&actions) }
        if !waiting.isEmpty { return begin(now, &actions) }
        if running.isEmpty { nextTarget(now, &actions) }
    }

    private mutating func advance(_ now: Int64, _ actions: inout [Action]) {
        guard now < ends else {
            if case .lookingUp = phase { note(nil, .outOfTime) }
            return runOut(&actions)
        }
        for (attempt, ends) in running where ends <= now {
            actions.append(.abandon(attempt.number))
            remove(attempt.number, .noAnswer, now, &actions)
        }
        if case .trying = phase, !waiting.isEmpty, nextBegins <= now { begin(now, &actions) }
    }

    /// The time for the whole is over.
    private mutating func runOut(_ actions: inout [Action]) {
        for (attempt, _) in running {
            actions.append(.abandon(attempt.number))
            note(attempt.address, .outOfTime)
        }
        running = []
        giveUp(&actions)
    }

    private mutating func giveUp(_ actions: inout [Action]) {
        phase = .over
        actions.append(.giveUp)
    }

    private mutating func setWake(_ actions: inout [Action]) {
        var next: Int64?
        switch phase {
        case .lookingUp: next = ends
        case .trying:
            next = running.map(\.ends).reduce(ends, min)
            if !waiting.isEmpty { next = next.map { min($0, nextBegins) } }
        case .idle, .won, .over: break
        }
        guard next != wake else { return }
        wake = next
        if let next { actions.append(.wake(at: next)) }
    }

    private mutating func note(_ address: InternetAddress?, _ result: Trial.Result) {
        guard let target else { return }
        if case .failed = result, let place = record.lastIndex(where: { $0.result == .connected && $0.address == address }) {
            return record[place].result = result
        }
        record.append(Trial(target: target, address: address, result: result))
    }

    /// The families in turn, the preferred one first, each in its order (RFC 8305 §4); those that are not wanted left out.
    static func interleaved(_ addresses: [InternetAddress], _ families: [AddressFamily]) -> [InternetAddress] {
        let families = families.map { family in addresses.filter { $0.family == family } }
        let longest = families.map(\.count).max() ?? 0
        return (0..<longest).flatMap { place in families.compactMap { $0.indices.contains(place) ? $0[place] : nil } }
    }

    private static func milliseconds(_ duration: Duration) -> Int64 { Int64(duration / .milliseconds(1)) }
}
