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
}

extension PollTarget {
    func writable() {}
    func hungUp() { readable() }
}

/// The kernel's readiness of descriptors (epoll, level-triggered), told to who waits for them.
@LoopActor
enum Poller {
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let input = Interest(rawValue: EPOLLIN.rawValue)
        static let output = Interest(rawValue: EPOLLOUT.rawValue)
        /// Of all processes that watch the same socket one is woken, in turn. The interest cannot be changed afterwards.
        static let alone = Interest(rawValue: EPOLLEXCLUSIVE.rawValue)
    }

    /// How many events one wait brings at most.
    private static let batch = 256
    private static let over = EPOLLHUP.rawValue | EPOLLERR.rawValue

    /// A watched descriptor. The number tells it from an earlier one of the same value, whose events may still come.
    private struct Entry {
        var target: (any PollTarget)?
        var number: UInt32 = 0
    }

    private static var epoll: CInt = -1
    private static var entries: ContiguousArray<Entry> = []
    private static var lastNumber: UInt32 = 0
    private static let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: batch)

    /// Begins to watch. 0, or the number of the error that the kernel refused with.
    static func add(_ descriptor: CInt, _ interest: Interest, _ target: any PollTarget) -> CInt {
        if epoll < 0 { epoll = epoll_create1(CInt(EPOLL_CLOEXEC)) }
        let place = Int(descriptor)
        while entries.count <= place { entries.append(Entry()) }
        lastNumber &+= 1
        entries[place] = Entry(target: target, number: lastNumber)
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

    /// Tells of what the last wait brought.
    static func tell(_ count: Int) {
        for index in 0..<count {
            let (bits, name) = (events[index].events, events[index].data.u64)
            guard let target = target(name) else { continue }
            if bits & over != 0 {
                target.hungUp()
                continue
            }
            if bits & Interest.output.rawValue != 0 { target.writable() }
            if bits & Interest.input.rawValue != 0, self.target(name) != nil { target.readable() }
        }
    }

    /// Nil when the descriptor was given up, by an earlier event of the same wait perhaps.
    private static func target(_ name: UInt64) -> (any PollTarget)? {
        let place = Int(name & 0xffff_ffff)
        guard place < entries.count, entries[place].number == UInt32(name >> 32) else { return nil }
        return entries[place].target
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
