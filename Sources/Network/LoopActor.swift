internal import Glibc
internal import Synchronization

/// The isolation of everything that acts in a worker: its executor is the one event loop of the process.
///
/// Code isolated to it is synchronous and shares state without locks. Nothing isolated to it may block.
@globalActor
public actor LoopActor {
    public static let shared = LoopActor()

    /// For `Task(executorPreference:)`: such a task and all its continuations resume on the loop.
    public static var taskExecutor: any TaskExecutor { LoopExecutor.shared }

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        LoopExecutor.shared.asUnownedSerialExecutor()
    }

    /// Runs `body` as code of the loop. The caller must already be on the loop.
    /// It costs an allocation, so what is called for every message has an isolated conformance instead.
    @available(*, noasync)
    public static func assumeIsolated<T>(_ body: @LoopActor () throws -> T) rethrows -> T {
        assert(LoopExecutor.shared.isCurrent, "not on the loop")
        // The two function types differ in isolation only, and the isolation has just been established.
        return try withoutActuallyEscaping(body) { escaping in
            try unsafeBitCast(escaping, to: (() throws -> T).self)()
        }
    }
}

/// Carries Swift's jobs to the event loop. Jobs that come before the loop runs wait for it.
///
/// It names itself as task executor too, so in tasks that prefer it (`Loop.spawn`) a call from one function of the loop
/// to another stays in place. In other tasks each such call is a turn of its own.
final class LoopExecutor: SerialExecutor, TaskExecutor {
    static let shared = LoopExecutor()

    let queue = JobQueue()
    /// The thread that is the loop, 0 while there is none.
    private let thread = Atomic<UInt>(0)

    var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    func attach() { thread.store(UInt(pthread_self()), ordering: .relaxed) }
    func detach() { thread.store(0, ordering: .relaxed) }

    func enqueue(_ job: consuming ExecutorJob) { queue.add(.job(UnownedJob(job))) }

    @LoopActor func runNow(_ job: UnownedJob) {
        job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    func isIsolatingCurrentContext() -> Bool? { isCurrent }
    func checkIsolated() { precondition(isCurrent, "not on the loop") }
}
