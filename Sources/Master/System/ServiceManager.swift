internal import CSystemd
internal import Glibc

/// Tells systemd the state of the service, if it asked for that (sd_notify(3)).
enum ServiceManager {
    static func ready() { tell("READY=1") }

    /// `Type=notify` of systemd 252 waits for READY=1 after this.
    static func reloading() { tell("RELOADING=1\nMONOTONIC_USEC=\(microseconds)") }

    static func stopping() { tell("STOPPING=1") }

    static func status(_ text: String) { tell("STATUS=\(text)") }

    static func alive() { tell("WATCHDOG=1") }

    private static func tell(_ state: String) { sd_notify(0, state) }

    private static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
