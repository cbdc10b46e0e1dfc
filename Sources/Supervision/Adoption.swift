/// The supervisor's state, handed to the next program that the master executes in place of this one. No reload, restart or
/// stop is under way in it.
public struct SupervisorSnapshot: Equatable, Sendable {
    public struct Place: Equatable, Sendable {
        public enum State: UInt8, Sendable { case vacant, waiting, greeting, starting, ready, draining, condemned }

        public var slot: UInt8
        public var incarnation: UInt32
        public var state: State
        /// When it became ready, in milliseconds of the monotonic clock; nil if it has not.
        public var since: Int64?

        public init(slot: UInt8, incarnation: UInt32, state: State, since: Int64?) {
            self.slot = slot
            self.incarnation = incarnation
            self.state = state
            self.since = since
        }
    }

    public struct Post: Equatable, Sendable {
        public var number: UInt8
        public var activeSlot: UInt8
        public var starts: UInt32
        public var hasServed: Bool
        public var consecutiveFailures: UInt32
        public var crashStreak: CrashStreak?

        public init(
            number: UInt8, activeSlot: UInt8, starts: UInt32, hasServed: Bool, consecutiveFailures: UInt32,
            crashStreak: CrashStreak?
        ) {
            self.number = number
            self.activeSlot = activeSlot
            self.starts = starts
            self.hasServed = hasServed
            self.consecutiveFailures = consecutiveFailures
            self.crashStreak = crashStreak
        }
    }

    public var wanted: UInt8
    /// Slots that have ever had a process.
    public var places: [Place]
    /// Positions that have ever had a worker.
    public var posts: [Post]
    /// Dead workers whose sessions may still be in the directory.
    public var orphans: [WorkerName]

    public init(wanted: UInt8, places: [Place], posts: [Post], orphans: [WorkerName]) {
        self.wanted = wanted
        self.places = places
        self.posts = posts
        self.orphans = orphans
    }
}

extension Supervisor {
    /// The state for the next program; nil while a reload, a restart or the stop is under way, or before all workers have
    /// been ready once.
    public var memory: SupervisorSnapshot? {
        guard phase == .running, hasBeenUp, size == nil else { return nil }
        let places = slots.filter { $0.incarnation > 0 }.map { slot -> SupervisorSnapshot.Place in
            let (state, since): (SupervisorSnapshot.Place.State, Int64?) =
                switch slot.state {
                case .vacant, .leaving: (.vacant, nil)
                case .waiting: (.waiting, nil)
                case .starting(let greeted): (greeted ? .starting : .greeting, nil)
                case .ready(let since): (.ready, since)
                case .draining(let since): (.draining, since)
                case .condemned(let since): (.condemned, since)
                }
            return SupervisorSnapshot.Place(slot: slot.number, incarnation: slot.incarnation, state: state, since: since)
        }
        let posts = positions.filter { $0.starts > 0 }.map {
            SupervisorSnapshot.Post(
                number: UInt8(clamping: $0.number), activeSlot: $0.activeSlot, starts: $0.starts, hasServed: $0.hasServed,
                consecutiveFailures: UInt32(clamping: $0.consecutiveFailures),
                crashStreak: $0.crashStreak)
        }
        return SupervisorSnapshot(wanted: UInt8(clamping: wanted), places: places, posts: posts, orphans: orphans.map(\.dead))
    }

    /// Goes on from the state of the previous program; `.adopted` must be the first event.
    /// - Returns: nil if the state contradicts itself.
    public init?(_ memory: SupervisorSnapshot, policy: SupervisionPolicy) {
        guard (1...WorkerName.positions).contains(Int(memory.wanted)) else { return nil }
        self.init(workers: Int(memory.wanted), policy: policy)
        for place in memory.places {
            guard Int(place.slot) < WorkerName.slots else { return nil }
            let state: Slot.State
            switch place.state {
            case .vacant: state = .vacant
            case .waiting: state = .waiting
            case .greeting: state = .starting(greeted: false)
            case .starting: state = .starting(greeted: true)
            case .ready: state = .ready(since: place.since ?? 0)
            case .draining: state = .draining(since: place.since ?? 0)
            case .condemned: state = .condemned(readySince: place.since)
            }
            slots[Int(place.slot)] = Slot(number: place.slot, incarnation: place.incarnation, state: state)
        }
        for post in memory.posts {
            let number = Int(post.number)
            guard number < WorkerName.positions, Int(post.activeSlot) % WorkerName.positions == number else { return nil }
            positions[number] = WorkerIndexState(
                number: number, activeSlot: post.activeSlot, starts: post.starts, hasServed: post.hasServed,
                consecutiveFailures: Int(post.consecutiveFailures), crashStreak: post.crashStreak)
        }
        orphans = memory.orphans.map { Orphans(dead: $0) }
        hasBeenUp = true
        phase = .running
    }

    /// Timers do not outlive the previous program: all are armed anew. A kill may not have been carried out: it is repeated.
    mutating func adopted(at now: Int64) -> [SupervisionAction] {
        guard phase == .running else { return [] }
        var actions: [SupervisionAction] = []
        for slot in slots.indices {
            let worker = slots[slot].worker
            switch slots[slot].state {
            case .vacant, .ready, .leaving: break
            case .waiting:
                let next = WorkerName(slot: worker.slot, incarnation: worker.incarnation + 1)
                let due = positions[worker.position].crashStreak?.nextStart ?? now
                actions.append(.arm(.refill(next), after: max(0, due - now)))
            case .starting: actions.append(.arm(.readiness(worker), after: policy.readinessMilliseconds))
            case .draining: actions.append(.arm(.drain(worker), after: policy.drainMilliseconds + policy.drainGraceMilliseconds))
            case .condemned: actions.append(.kill(worker))
            }
        }
        return actions + [.notify(status), .notify(.ready)] + assignOrphans()
    }
}
