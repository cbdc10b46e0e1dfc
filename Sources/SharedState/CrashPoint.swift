#if DEBUG
    internal import Glibc
#endif

/// The places between two stores where a process may be killed. Tests die at each of them in turn.
///
/// In release builds nothing of it exists: `pass()` is empty and inlined.
package enum CrashPoint {
    #if DEBUG
        /// The process kills itself when it passes this many more points; 0 is never. For a probe of one thread.
        package nonisolated(unsafe) static var remaining = 0
    #endif

    @inline(__always)
    static func pass() {
        #if DEBUG
            guard remaining > 0 else { return }
            remaining -= 1
            if remaining == 0 { kill(getpid(), SIGKILL) }
        #endif
    }
}
