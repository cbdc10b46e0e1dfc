internal import NIOCore
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

    /// Runs `body` as code of the loop. The caller must already be on the loop: an event library's callback is.
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

    private struct State {
        var loop: (any EventLoop)?
        var waiting: [UnownedJob] = []
    }
    private let state = Mutex(State())

    /// The loop, once `Loop.run` has begun and until it ends.
    var loop: (any EventLoop)? { state.withLock { $0.loop } }

    var isCurrent: Bool { loop?.inEventLoop ?? false }

    func attach(_ loop: any EventLoop) {
        let waiting = state.withLock { state in
            state.loop = loop
            defer { state.waiting = [] }
            return state.waiting
        }
        for job in waiting { run(job, on: loop) }
    }

    func detach() { state.withLock { $0.loop = nil } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let loop = state.withLock { state -> (any EventLoop)? in
            if state.loop == nil { state.waiting.append(job) }
            return state.loop
        }
        if let loop { run(job, on: loop) }
    }

    private func run(_ job: UnownedJob, on loop: any EventLoop) {
        loop.execute {
            job.runSynchronously(isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor())
        }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    func isIsolatingCurrentContext() -> Bool? { isCurrent }
    func checkIsolated() { precondition(isCurrent, "not on the loop") }
}
