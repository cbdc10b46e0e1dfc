internal import Glibc

/// Times as XEP-0082 §3 writes them.
public enum ClockText {
    /// Seconds since 1970.
    public static var now: Int64 { milliseconds / 1000 }

    /// Milliseconds since 1970.
    public static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// `2006-12-19T17:58:35Z` for seconds since 1970.
    public static func utc(_ seconds: Int64) -> String {
        var (time, parts) = (time_t(seconds), tm())
        gmtime_r(&time, &parts)
        let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Int($0) }
        return date.map(twoDigits).joined(separator: "-") + "T" + clock.map(twoDigits).joined(separator: ":") + "Z"
    }

    /// `+05:30`; hours and minutes east of Greenwich.
    public static func offset(seconds: Int) -> String {
        let minutes = abs(seconds) / 60
        guard minutes > 0 else { return "Z" }
        return (seconds < 0 ? "-" : "+") + twoDigits(minutes / 60) + ":" + twoDigits(minutes % 60)
    }

    /// How far this machine's clock is ahead of UTC at a time, in seconds.
    public static func localOffset(at seconds: Int64) -> Int {
        var (time, parts) = (time_t(seconds), tm())
        localtime_r(&time, &parts)
        return parts.tm_gmtoff
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
