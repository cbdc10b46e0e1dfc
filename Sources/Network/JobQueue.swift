internal import CPlatform
internal import Glibc
internal import Synchronization

/// Work for the loop, from any thread: Swift's jobs and plain closures, in the order in which they came.
///
/// While the loop sleeps, the first that comes wakes it through an eventfd.
final class JobQueue: Sendable {
    enum Work {
        case job(UnownedJob)
        case body(@LoopActor @Sendable () -> Void)
    }

    private struct State {
        var waiting: ContiguousArray<Work> = []
        var isAsleep = false
    }

    private let state = Mutex(State())
    private let wakeup = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))

    func add(_ work: Work) {
        let mustWake = state.withLock { state in
            state.waiting.append(work)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if mustWake { eventfd_write(wakeup, 1) }
    }

    /// Whether the loop may wait: nothing is to be done, and what comes from now on will wake it.
    func fallsAsleep() -> Bool {
        state.withLock { state in
            state.isAsleep = state.waiting.isEmpty
            return state.isAsleep
        }
    }

    var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

    func wakesUp() { state.withLock { $0.isAsleep = false } }

    /// Takes all that waits; `spare` is an empty array whose storage serves again. Whether there was anything.
    func take(into spare: inout ContiguousArray<Work>) -> Bool {
        state.withLock { swap(&$0.waiting, &spare) }
        return !spare.isEmpty
    }

    /// Has the loop's poller watch for the wake-up call.
    @LoopActor func watch() { _ = Poller.add(wakeup, .input, WakeupCall(wakeup)) }

    private final class WakeupCall: PollTarget {
        private let descriptor: CInt
        init(_ descriptor: CInt) { self.descriptor = descriptor }

        func readable() {
            var count: eventfd_t = 0
            eventfd_read(descriptor, &count)
        }
    }
}
