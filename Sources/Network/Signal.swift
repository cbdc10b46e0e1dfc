extension Loop {
    /// Lets work on the loop wait until something happens there. It remembers nothing: whoever comes after it has happened
    /// waits for the next time.
    @LoopActor
    public final class Signal {
        /// By the number under which each came.
        private var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        private var lastWaiter: UInt64 = 0

        public init() {}

        /// Waits until the next `fire`.
        public func wait() async { _ = await next { _ in } }

        /// Waits until the next `fire`, or until so many milliseconds have passed. False: they have.
        public func wait(within milliseconds: Int64) async -> Bool {
            var timer: Timer?
            let isFired = await next { waiter in
                timer = Loop.after(milliseconds) { self.waiters.removeValue(forKey: waiter)?.resume(returning: false) }
            }
            timer?.cancel()
            return isFired
        }

        /// It has happened: all that wait go on, in the order in which they came.
        public func fire() {
            guard !waiters.isEmpty else { return }
            let now = waiters
            waiters = [:]
            for waiter in now.keys.sorted() { now[waiter]?.resume(returning: true) }
        }

        private func next(_ arrived: (_ waiter: UInt64) -> Void) async -> Bool {
            lastWaiter += 1
            let waiter = lastWaiter
            return await withCheckedContinuation { continuation in
                waiters[waiter] = continuation
                arrived(waiter)
            }
        }
    }
}
