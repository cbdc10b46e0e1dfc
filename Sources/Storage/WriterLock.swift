import Glibc

/// The queue of the processes that want to write: who waits for the write lock stands in the turnstile, and nobody passes him.
///
/// SQLite's lock goes to whoever asks at the right moment. A process that writes without pause asks the moment it has released it, and
/// on a loaded machine a waiting one, which looks once in a while, could miss all the gaps until its patience ends. The lock is the
/// kernel's, on the file `…-turn` beside the database: it ends with the process that holds it.
///
/// `@unchecked`: used by the one thread that writes.
final class WriterLock: @unchecked Sendable {
    private let file: Int32

    init(path: String) throws(StorageError) {
        file = open(path + "-turn", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        if file < 0 { throw .unavailable("\(path)-turn: \(String(cString: strerror(errno)))") }
    }

    deinit { close(file) }

    /// Takes the turn. False when another process kept it too long.
    func enter(_ patience: BusyHandler) -> Bool {
        var tries = 0
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, patience.waits(after: tries) else { return false }
            tries += 1
        }
        return true
    }

    /// Gives the turn to another process.
    func leave() { flock(file, LOCK_UN) }
}
