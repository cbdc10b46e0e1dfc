internal import CSystemd
internal import Supervision

/// Feeds systemd's watchdog (`WatchdogSec=`) as long as a worker gives signs of life: without one the server serves no
/// client, and systemd restarts it.
final class Watchdog {
    private let isAlive: () -> Bool

    /// Nil if systemd has no watchdog for the service.
    init?(on loop: EventLoop, isAlive: @escaping () -> Bool) {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0, microseconds > 0 else { return nil }
        self.isAlive = isAlive
        // Half the time is asked for; a third leaves room for a long turn of the loop.
        feed(every: max(1, Int64(microseconds / 3000)), on: loop)
    }

    private func feed(every milliseconds: Int64, on loop: EventLoop) {
        if isAlive() { ServiceManager.alive() }
        loop.after(milliseconds) { [weak self] in self?.feed(every: milliseconds, on: loop) }
    }
}
