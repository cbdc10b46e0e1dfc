internal import Glibc

/// The master's only loop: waits for descriptors and timers and calls their handlers. poll(2) suffices for some hundred
/// descriptors.
///
/// Not safe for a second thread; the master has none.
final class EventLoop {
    /// Called with the events that occurred (`POLLIN`, `POLLOUT`, `POLLHUP` …).
    typealias Handler = (Int16) -> Void

    /// A watched descriptor; ends with `cancel` (not with the last reference).
    final class Watch {
        let descriptor: Int32
        fileprivate(set) var events: Int16
        fileprivate let handler: Handler
        fileprivate weak var loop: EventLoop?

        fileprivate init(_ descriptor: Int32, _ events: Int16, _ loop: EventLoop, _ handler: @escaping Handler) {
            self.descriptor = descriptor
            self.events = events
            self.loop = loop
            self.handler = handler
        }

        /// Waits for other events from now on.
        func change(to events: Int16) { self.events = events }

        /// Ends the watch; to be called before the descriptor is closed.
        func cancel() {
            loop?.watches.removeAll { $0 === self }
            loop = nil
        }
    }

    private struct Timer {
        let due: Int64
        let body: () -> Void
    }

    private var watches: [Watch] = []
    /// The timers, in the order of their times.
    private var timers: [Timer] = []

    /// Milliseconds of the monotonic clock.
    var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    func watch(_ descriptor: Int32, for events: Int16, _ handler: @escaping Handler) -> Watch {
        let watch = Watch(descriptor, events, self, handler)
        watches.append(watch)
        return watch
    }

    func after(_ milliseconds: Int64, _ body: @escaping () -> Void) {
        let due = now + max(0, milliseconds)
        let place = timers.lastIndex { $0.due <= due }.map { $0 + 1 } ?? 0
        timers.insert(Timer(due: due, body: body), at: place)
    }

    /// Runs turns until the condition holds at the end of one.
    func run(until condition: () -> Bool) {
        while !condition() { turn() }
    }

    private func turn() {
        var entries = watches.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
        let asked = watches
        let count = poll(&entries, nfds_t(entries.count), patienceMilliseconds)
        if count > 0 {
            for (entry, watch) in zip(entries, asked) where entry.revents != 0 && watch.loop != nil {
                watch.handler(entry.revents)
            }
        }
        let moment = now
        while let first = timers.first, first.due <= moment {
            timers.removeFirst()
            first.body()
        }
    }

    /// How long to wait for the next timer, in milliseconds; -1 without one.
    private var patienceMilliseconds: Int32 {
        guard let first = timers.first else { return -1 }
        return Int32(clamping: max(0, first.due - now))
    }
}

/// The events of poll(2) as they are used.
enum Readiness {
    static let input = Int16(POLLIN)
    static let output = Int16(POLLOUT)
}
