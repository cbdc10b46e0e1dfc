import Glibc
import Synchronization

/// How long a connection waits for a lock that another process holds.
///
/// SQLite's own timeout sleeps up to 100 ms between looks. Transactions here last about a millisecond, and a busy neighbour leaves
/// only short gaps between them, so looking that seldom starves a process; this looks at least every millisecond.
final class BusyHandler: Sendable {
    private let limit: Int64
    private let deadline = Atomic<Int64>(0)
    private let isCounting = Atomic<Bool>(false)

    /// `milliseconds` is the longest wait for one lock.
    init(milliseconds: Int) { limit = Int64(milliseconds) * 1_000_000 }

    /// Sleeps a moment and answers true, or false when the wait has lasted long enough. `tries` counts from 0 for each lock.
    func waits(after tries: Int) -> Bool {
        let now = Self.monotonicNanoseconds()
        if tries == 0, !isCounting.load(ordering: .relaxed) { deadline.store(now + limit, ordering: .relaxed) }
        if now >= deadline.load(ordering: .relaxed) { return false }
        usleep(useconds_t(min(1000, 50 * (tries + 1))))
        return true
    }

    /// Makes the waits for several locks count together while `body` runs.
    func together<T>(_ body: () -> T) -> T {
        deadline.store(Self.monotonicNanoseconds() + limit, ordering: .relaxed)
        isCounting.store(true, ordering: .relaxed)
        defer { isCounting.store(false, ordering: .relaxed) }
        return body()
    }

    private static func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
