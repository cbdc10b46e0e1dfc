/// How long a peer that sent so many bytes must wait before it may send more (the `shaper` options).
///
/// Pure: times are milliseconds of a steady clock. One second's worth may come at once; what exceeds it is let through
/// and paid for by waiting, so nothing is dropped and the mean rate holds.
struct TokenBucket: Equatable {
    /// Bytes per second, at least 1.
    let rate: Int64
    /// In thousandths of a byte, so that a low rate loses nothing to rounding. Negative: in debt.
    private var credit: Int64
    private var last: Int64

    init(bytesPerSecond: Int, now: Int64) {
        rate = Int64(max(1, min(bytesPerSecond, 1 << 40)))
        credit = rate * 1000
        last = now
    }

    /// Charges `count` bytes. The answer is how many milliseconds reading must pause, 0 while there is credit.
    mutating func take(_ count: Int, now: Int64) -> Int64 {
        refill(now)
        credit -= Int64(count) * 1000
        return waitMilliseconds
    }

    /// How many bytes may be read now. A read should take no more: it cannot be given back. At least what comes in 50 ms,
    /// so that a slow peer is not read byte by byte.
    mutating func allowance(now: Int64) -> Int {
        refill(now)
        return Int(max(credit / 1000, max(1, rate / 20)))
    }

    /// How long until there is credit again.
    private var waitMilliseconds: Int64 { credit >= 0 ? 0 : (-credit + rate - 1) / rate }

    private mutating func refill(_ now: Int64) {
        // A day is enough to fill any bucket from any debt that one read can make; it keeps the product in range.
        let elapsed = min(max(0, now - last), 86_400_000)
        last = max(last, now)
        let (gain, overflow) = elapsed.multipliedReportingOverflow(by: rate)
        credit = overflow ? rate * 1000 : min(rate * 1000, credit + gain)
    }
}
