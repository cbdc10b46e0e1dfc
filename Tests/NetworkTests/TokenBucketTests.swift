import Testing

@testable import Network

@Suite(.timeLimit(.minutes(5)))
struct TokenBucketTests {
    @Test func oneSecondsWorthPassesAtOnce() {
        var bucket = TokenBucket(bytesPerSecond: 1000, now: 0)
        #expect(bucket.take(400, now: 0) == 0)
        #expect(bucket.take(600, now: 0) == 0)
        #expect(bucket.take(1, now: 0) == 1)
    }

    @Test func aDebtIsPaidByWaiting() {
        var bucket = TokenBucket(bytesPerSecond: 1000, now: 5000)
        #expect(bucket.take(3000, now: 5000) == 2000)
        #expect(bucket.take(0, now: 6000) == 1000)
        #expect(bucket.take(0, now: 7000) == 0)
        #expect(bucket.take(1, now: 7000) == 1)
    }

    @Test func idleTimeFillsItUpToOneSecondOnly() {
        var bucket = TokenBucket(bytesPerSecond: 100, now: 0)
        #expect(bucket.take(100, now: 0) == 0)
        #expect(bucket.take(100, now: 1_000_000) == 0)
        #expect(bucket.take(100, now: 1_000_000) == 1000)
    }

    /// Whatever the sizes and times of the reads, no more than the rate passes.
    @Test func theMeanRateHolds() {
        for rate in [1, 7, 1000, 50_000, 10_000_000] {
            var bucket = TokenBucket(bytesPerSecond: rate, now: 0)
            var now: Int64 = 0
            var passed = 0
            for step in 0..<200 {
                let size = [1, 512, 8192][step % 3]
                passed += size
                now += bucket.take(size, now: now)
            }
            let allowed = Double(rate) * (Double(now) / 1000 + 1)
            #expect(Double(passed) <= allowed + 1 && now >= 0)
        }
    }

    @Test func aReadTakesWhatThereIsCreditFor() {
        var bucket = TokenBucket(bytesPerSecond: 1000, now: 0)
        #expect(bucket.allowance(now: 0) == 1000)
        #expect(bucket.take(900, now: 0) == 0)
        #expect(bucket.allowance(now: 0) == 100)
        #expect(bucket.take(100, now: 0) == 0)
        #expect(bucket.allowance(now: 0) == 50)
        #expect(bucket.allowance(now: 500) == 500)
        var slow = TokenBucket(bytesPerSecond: 1, now: 0)
        #expect(slow.take(1, now: 0) == 0)
        #expect(slow.allowance(now: 0) == 1)
    }

    @Test func survivesClocksAndRatesAtTheirEnds() {
        var bucket = TokenBucket(bytesPerSecond: .max, now: 0)
        #expect(bucket.take(1 << 30, now: .max / 2) == 0)
        #expect(bucket.take(1, now: 0) == 0)  // a clock that goes back gives nothing and takes nothing
        var none = TokenBucket(bytesPerSecond: 0, now: 0)
        #expect(none.take(2, now: 0) == 1000)  // a rate of nothing counts as one byte per second
    }
}
