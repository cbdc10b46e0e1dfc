internal import CPlatform
internal import Glibc

/// Somebody who waits for a descriptor. Calls come between turns only, and are never nested in one another.
@LoopActor
protocol PollTarget: AnyObject {
    /// There is something to read: bytes, a connection, or the end of file.
    func readable()
    /// The descriptor takes bytes again.
    func writable()
    /// Both directions are over or broken. Reported whatever the interest, as long as the descriptor is watched.
    func hungUp()
    /// Whether a peer decides how much work there is: then, if the last call took long, the next one waits for those of others.
    var isPeer: Bool { get }
}

extension PollTarget {
    var isPeer: Bool { false }
    func writable() {}
    func hungUp() { readable() }
}

/// The kernel's readiness of descriptors (epoll, level-triggered), told to who waits for them.
///
/// What one turn has no time for is told in the next ones. Peers whose last bytes cost much wait in a line of their own, so
/// that they wait for one another and nobody else waits for more than one of them.
@LoopActor
enum Poller {
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let input = Interest(rawValue: EPOLLIN.rawValue)
        static let output = Interest(rawValue: EPOLLOUT.rawValue)
        /// Of all processes that watch the same socket one is woken, in turn. The interest cannot be changed afterwards.
        static let alone = Interest(rawValue: EPOLLEXCLUSIVE.rawValue)
    }

    /// How many events one wait brings at most: enough to find the others among many peers that wait.
    private static let batch = 1024
    /// Microseconds of one call above which a peer's next one waits for those of others.
    private static let longCall: Int64 = 500
    private static let over = EPOLLHUP.rawValue | EPOLLERR.rawValue

    /// A watched descriptor. The number tells it from an earlier one of the same value, whose events may still come.
    private struct Entry {
        var target: (any PollTarget)?
        var number: UInt32 = 0
        /// What the target is still to be told of; with none it stands in no line.
        var untold: UInt32 = 0
        var isPeer = false
        /// Its last call took long.
        var isSlow = false
    }

    /// Descriptors with something to be told of, in order, by their names.
    private struct Line {
        private var names: ContiguousArray<UInt64> = []
        private var first = 0

        var isEmpty: Bool { first == names.count }
        mutating func append(_ name: UInt64) { names.append(name) }

        mutating func removeFirst() -> UInt64 {
            defer {
                first += 1
                if first == names.count {
                    names.removeAll(keepingCapacity: true)
                    first = 0
                }
            }
            return names[first]
        }
    }

    private static var epoll: CInt = -1
    private static var entries: ContiguousArray<Entry> = []
    private static var lastNumber: UInt32 = 0
    private static let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: batch)
    private static var line = Line()
    private static var slowLine = Line()
    /// Turns since a slow peer had its turn while others took all the time there was.
    private static var passedOver = 0
    /// So often slow peers are passed over at most; then one of them comes first.
    private static let mostPassedOver = 1

    /// Whether somebody is still to be told of something.
    static var hasUntold: Bool { !line.isEmpty || !slowLine.isEmpty }

    /// Begins to watch. 0, or the number of the error that the kernel refused with.
    static func add(_ descriptor: CInt, _ interest: Interest, _ target: any PollTarget) -> CInt {
        if epoll < 0 { epoll = epoll_create1(CInt(EPOLL_CLOEXEC)) }
        let place = Int(descriptor)
        while entries.count <= place { entries.append(Entry()) }
        lastNumber &+= 1
        entries[place] = Entry(target: target, number: lastNumber, isPeer: target.isPeer)
        let failure = control(EPOLL_CTL_ADD, descriptor, interest)
        if failure != 0 { entries[place].target = nil }
        return failure
    }

    static func change(_ descriptor: CInt, _ interest: Interest) { _ = control(EPOLL_CTL_MOD, descriptor, interest) }

    /// Watches no longer, and lets the target go.
    static func remove(_ descriptor: CInt) {
        _ = control(EPOLL_CTL_DEL, descriptor, [])
        forget(descriptor)
    }

    /// The same for a descriptor that is closed now, which ends the kernel's watch if no other process has it, too.
    static func forget(_ descriptor: CInt) { entries[Int(descriptor)].target = nil }

    private static func control(_ operation: CInt, _ descriptor: CInt, _ interest: Interest) -> CInt {
        let name = UInt64(entries[Int(descriptor)].number) << 32 | UInt64(UInt32(bitPattern: descriptor))
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: name))
        return epoll_ctl(epoll, operation, descriptor, &event) == 0 ? 0 : errno
    }

    /// Waits, for ever if `milliseconds` is negative, until something happens. How many events there are to `tell` of.
    static func wait(_ milliseconds: CInt) -> Int { max(0, Int(epoll_wait(epoll, events, CInt(batch), milliseconds))) }

    /// Takes note of so many events that the last wait brought, behind what the turns before had no time for.
    static func note(_ count: Int) {
        for index in 0..<count { note(events[index].data.u64, events[index].events) }
    }

    /// Tells of what was noted, as far as there is time.
    /// - Returns: whether there was anything to tell.
    static func tell() -> Bool {
        guard hasUntold else { return false }
        if passedOver >= mostPassedOver, !slowLine.isEmpty {
            passedOver = 0
            tell(slowLine.removeFirst())
            if TurnClock.isOver { return true }
        }
        while !line.isEmpty {
            tell(line.removeFirst())
            if TurnClock.isOver { break }
        }
        guard !slowLine.isEmpty else { return true }
        guard !TurnClock.isOver else {
            passedOver += 1
            return true
        }
        passedOver = 0
        repeat { tell(slowLine.removeFirst()) } while !slowLine.isEmpty && !TurnClock.isOver
        return true
    }

    private static func note(_ name: UInt64, _ bits: UInt32) {
        guard let place = place(name) else { return }
        if entries[place].untold == 0 {
            if entries[place].isSlow { slowLine.append(name) } else { line.append(name) }
        }
        entries[place].untold |= bits
    }

    private static func tell(_ name: UInt64) {
        guard let place = place(name), let target = entries[place].target else { return }
        let bits = entries[place].untold
        entries[place].untold = 0
        let began = entries[place].isPeer ? Loop.microseconds : 0
        if bits & over != 0 {
            target.hungUp()
        } else {
            if bits & Interest.output.rawValue != 0 { target.writable() }
            if bits & Interest.input.rawValue != 0, self.place(name) != nil { target.readable() }
        }
        guard began != 0, let place = self.place(name) else { return }
        entries[place].isSlow = Loop.microseconds - began > longCall
    }

    /// Nil when the descriptor was given up, by an earlier event of the same wait perhaps.
    private static func place(_ name: UInt64) -> Int? {
        let place = Int(name & 0xffff_ffff)
        guard place < entries.count, entries[place].number == UInt32(name >> 32), entries[place].target != nil else { return nil }
        return place
    }
}

/// One descriptor in the poller's care: it asks the kernel only when the interest changes.
@LoopActor
struct Watch {
    let descriptor: CInt
    private var interest: Poller.Interest = []
    private var isActive = false

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// 0, or the number of the error that the kernel refused with. What is watched already stays as it is.
    mutating func begin(_ interest: Poller.Interest, _ target: any PollTarget) -> CInt {
        if isActive { return 0 }
        let failure = Poller.add(descriptor, interest, target)
        self.interest = interest
        isActive = failure == 0
        return failure
    }

    mutating func want(_ interest: Poller.Interest) {
        guard isActive, interest != self.interest else { return }
        self.interest = interest
        Poller.change(descriptor, interest)
    }

    mutating func end() {
        guard isActive else { return }
        isActive = false
        Poller.remove(descriptor)
    }

    /// Closes the descriptor, which must be ours alone.
    mutating func close() {
        if isActive { Poller.forget(descriptor) }
        isActive = false
        Glibc.close(descriptor)
    }
}
