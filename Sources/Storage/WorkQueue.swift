import Glibc

/// A bounded queue of waiting work with the threads that empty it, so that nothing of a database ever runs on a caller's thread.
///
/// A thread takes all that waits, up to `batch`, at once. The threads are our own, not those of a shared pool: their number is fixed
/// and known, and each keeps its connection.
///
/// `@unchecked`: `waiting`, `isStopping`, `idle` and `threads` are touched under `mutex` only.
final class WorkQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// Posted once for each sleeping thread that shall wake.
    private let wakeup = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let bound: Int
    private let batch: Int
    private var waiting: [any PendingWork] = []
    private var isStopping = false
    /// Threads that sleep, less those that have been woken.
    private var idle = 0
    private var threads: [pthread_t] = []

    enum Admission { case accepted, full, stopped }

    /// `bound` is the most work that may wait, `batch` the most that a thread takes at once.
    init(bound: Int, batch: Int) {
        self.bound = bound
        self.batch = batch
        pthread_mutex_init(mutex, nil)
        sem_init(wakeup, 0, 0)
    }

    deinit {
        sem_destroy(wakeup)
        pthread_mutex_destroy(mutex)
        wakeup.deallocate()
        mutex.deallocate()
    }

    /// How much work waits that no thread has taken yet.
    var count: Int { locked { waiting.count } }

    /// Adds work, unless the queue is full or stopped.
    func submit(_ work: any PendingWork) -> Admission {
        let (admission, mustWake): (Admission, Bool) = locked {
            if isStopping { return (.stopped, false) }
            if waiting.count >= bound { return (.full, false) }
            waiting.append(work)
            let mustWake = idle > 0
            if mustWake { idle -= 1 }
            return (.accepted, mustWake)
        }
        // Not under the mutex: the thread would wake only to wait for it.
        if mustWake { sem_post(wakeup) }
        return admission
    }

    /// Starts a thread that runs `body` over what waits until the queue is stopped and empty.
    func startThread(_ body: @escaping @Sendable ([any PendingWork]) -> Void) throws(StorageError) {
        let start = ThreadStart { [self] in
            while let work = take() { body(work) }
        }
        guard let thread = start.run() else { throw .unavailable("no thread could be started") }
        locked { threads.append(thread) }
    }

    /// Accepts nothing more, lets the threads finish what waits, and returns when they are gone. On one of them it does not wait for
    /// that one: the last reference to a database may end there.
    func stop() {
        let leaving: [pthread_t] = locked {
            isStopping = true
            idle = 0
            defer { threads = [] }
            return threads
        }
        for _ in leaving { sem_post(wakeup) }
        for thread in leaving {
            if pthread_equal(thread, pthread_self()) != 0 { pthread_detach(thread) } else { pthread_join(thread, nil) }
        }
    }

    /// Nil when the queue is stopped and empty.
    private func take() -> [any PendingWork]? {
        while true {
            let (taken, isOver): ([any PendingWork], Bool) = locked {
                if waiting.isEmpty {
                    if !isStopping { idle += 1 }
                    return ([], isStopping)
                }
                let taken = Array(waiting.prefix(batch))
                if taken.count == waiting.count {
                    waiting.removeAll(keepingCapacity: waiting.capacity <= 1024)
                } else {
                    waiting.removeFirst(taken.count)
                }
                return (taken, false)
            }
            if !taken.isEmpty { return taken }
            if isOver { return nil }
            while sem_wait(wakeup) != 0 {}
        }
    }

    private func locked<T>(_ body: () -> T) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}

/// What a new thread needs: its body. Signals are blocked in it, so that they reach the thread that waits for them.
private final class ThreadStart: Sendable {
    private let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) { self.body = body }

    func run() -> pthread_t? {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 512 * 1024)
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        guard status == 0 else {
            box.release()
            return nil
        }
        return thread
    }
}
