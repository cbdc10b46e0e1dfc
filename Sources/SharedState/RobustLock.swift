internal import CPlatform
internal import Glibc

/// A process-shared robust mutex in the segment: whoever takes it after its owner's death repairs what it guards.
struct RobustLock {
    let mutex: UnsafeMutablePointer<pthread_mutex_t>

    /// Runs `body` under the lock; if the last owner died holding it, `repair` comes first.
    ///
    /// A process that dies in `repair` leaves the lock in the same condition for the next, so a repair must be
    /// repeatable. Returns nil only when the lock itself is destroyed, that is, when somebody wrote over the segment.
    @inline(__always)
    func whileHeld<Result>(repair: () -> Void, _ body: () -> Result) -> Result? {
        let outcome = pthread_mutex_lock(mutex)
        if outcome != 0 {
            guard outcome == EOWNERDEAD else { return nil }
            repair()
            pthread_mutex_consistent(mutex)
        }
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
