internal import Glibc
internal import Synchronization

/// A few threads for work that blocks: key derivation, libraries that wait for another server.
///
/// The threads exist from the first use on, until `stop()`. Work is taken in the order in which it came; the answer is
/// heard on the loop if that is where it was asked for.
public final class BlockingPool: Sendable {
    /// The work was not begun: too much waited already, the system has no thread to spare, or the pool has been stopped.
    public struct Refused: Error {}

    private struct State {
        var waiting: ContiguousArray<@Sendable () -> Void> = []
        var head = 0
        var threads = 0
        var idle = 0
        var isStopped = false
    }

    /// Pieces of work of all pools that are waiting or being done.
    static let underway = Atomic<Int>(0)

    private let limit: Int
    private let bound: Int
    private let state = Mutex(State())
    /// Counts what waits. `sem_t` must not move, hence the pointer.
    private nonisolated(unsafe) let signal = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// - Parameters:
    ///   - threads: how much is done at once.
    ///   - bound: how much may wait for a thread.
    public init(threads: Int, bound: Int = .max) {
        limit = threads
        self.bound = bound
        sem_init(signal, 0, 0)
    }

    deinit {
        sem_destroy(signal)
        signal.deallocate()
    }

    /// Runs `work` on one of the threads.
    public func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            if !submit({ continuation.resume(with: Result(catching: work)) }) {
                continuation.resume(throwing: Refused())
            }
        }
    }

    /// Lets the threads end once everything has been done that was taken. Nothing is taken from now on.
    public func stop() {
        let threads = state.withLock { state in
            if state.isStopped { return 0 }
            state.isStopped = true
            return state.threads
        }
        for _ in 0..<threads { sem_post(signal) }
    }

    /// Runs `work` on one of the threads, for those who hear of its end in their own way. Whether it was taken.
    public func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        let (isTaken, needsThread) = state.withLock { state -> (Bool, Bool) in
            guard !state.isStopped, state.waiting.count - state.head < bound else { return (false, false) }
            let needsThread = state.idle == 0 && state.threads < limit
            if needsThread { state.threads += 1 }
            state.waiting.append(work)
            Self.underway.add(1, ordering: .relaxed)
            return (true, needsThread)
        }
        guard isTaken else { return false }
        sem_post(signal)
        if needsThread, !BlockingThread.start({ [self] in serve() }) { return threadIsMissing() }
        return true
    }

    /// Without any thread nobody would ever do the work: it is taken back, as the one that was added last.
    private func threadIsMissing() -> Bool {
        state.withLock { state in
            state.threads -= 1
            if state.threads > 0 { return true }
            state.waiting.removeLast()
            Self.underway.subtract(1, ordering: .relaxed)
            return false
        }
    }

    /// Until the pool is stopped and nothing is left to be done.
    private func serve() {
        while true {
            state.withLock { $0.idle += 1 }
            while sem_wait(signal) != 0 {}
            let (work, isOver) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
                state.idle -= 1
                guard state.head < state.waiting.count else {
                    if state.isStopped { state.threads -= 1 }
                    return (nil, state.isStopped)
                }
                let next = state.waiting[state.head]
                state.head += 1
                if state.head == state.waiting.count {
                    state.waiting.removeAll(keepingCapacity: state.waiting.count <= 1024)
                    state.head = 0
                }
                return (next, false)
            }
            if isOver { return }
            guard let work else { continue }
            work()
            Self.underway.subtract(1, ordering: .relaxed)
        }
    }
}
