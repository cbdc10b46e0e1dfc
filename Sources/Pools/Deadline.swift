internal import Glibc
internal import Network

/// A moment by which an answer must be there, on the loop's clock.
public struct Deadline: Sendable, Comparable {
    /// Milliseconds of the monotonic clock.
    let end: Int64

    init(end: Int64) { self.end = end }

    public init(in milliseconds: Int64) { end = Loop.now + milliseconds }

    /// Milliseconds that are left, never less than 0.
    public var remaining: Int64 { max(0, end - Loop.now) }
    public var hasPassed: Bool { remaining == 0 }

    /// The sooner of this one and the moment so many milliseconds from now.
    public func within(_ milliseconds: Int64) -> Deadline { min(self, Deadline(in: milliseconds)) }

    public static func < (left: Deadline, right: Deadline) -> Bool { left.end < right.end }

    /// Waits until a descriptor is readable or writable. Whether it is, before the deadline.
    func wait(for descriptor: Int32, _ events: Int32) -> Bool {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, Int32(clamping: remaining))
            if count < 0, errno == EINTR { continue }
            return count > 0
        }
    }

    /// The same as a difference of time, at least a millisecond: to some libraries none means for ever.
    var interval: timeval {
        let left = max(1, remaining)
        return timeval(tv_sec: Int(left / 1000), tv_usec: Int(left % 1000) * 1000)
    }
}

extension Duration {
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
