internal import Glibc

/// Seconds since 1970.
enum WallClock {
    static var seconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }
}
