import Testing

@testable import SharedState

@Suite(.timeLimit(.minutes(5))) struct AddressTimersTests {
    @Test func addressClaimsOncePerIntervalWhereverItComes() throws {
        let segment = try smallSegment()
        let here = AddressTimers(segment, .registration)
        let there = AddressTimers(try secondMapping(of: segment), .registration)
        #expect(here.last("192.0.2.1") == nil)
        #expect(here.claim("192.0.2.1", now: 1000, intervalSeconds: 600))
        #expect(!there.claim("192.0.2.1", now: 1000, intervalSeconds: 600))
        #expect(!there.claim("192.0.2.1", now: 1599, intervalSeconds: 600))
        #expect(there.claim("192.0.2.2", now: 1599, intervalSeconds: 600))
        #expect(there.claim("192.0.2.1", now: 1600, intervalSeconds: 600))
        #expect(here.last("192.0.2.1") == 1600)
    }

    @Test func purposesAreApart() throws {
        let segment = try smallSegment()
        #expect(AddressTimers(segment, .registration).claim("::1", now: 10, intervalSeconds: 60))
        #expect(AddressTimers(segment, .knownLogin).last("::1") == nil)
    }

    @Test func clockThatWasSetBackLocksNobodyOut() throws {
        let timers = AddressTimers(try smallSegment(), .registration)
        #expect(timers.claim("::1", now: 1_000_000, intervalSeconds: 600))
        #expect(timers.claim("::1", now: 5000, intervalSeconds: 600))
        #expect(!timers.claim("::1", now: 5001, intervalSeconds: 600))
        #expect(timers.claim("::1", now: .max, intervalSeconds: 600))
        #expect(timers.claim("::1", now: .min, intervalSeconds: 600))
    }

    /// 64 places in 4 sets: whoever came last is still known, however many came before.
    @Test func oldestGivesWay() throws {
        let timers = AddressTimers(try smallSegment(), .knownLogin)
        for number in 0..<10_000 {
            #expect(timers.claim("192.0.2.\(number)", now: Int64(1 + number), intervalSeconds: 1_000_000))
            #expect(timers.last("192.0.2.\(number)") == Int64(1 + number))
        }
        let known = (0..<10_000).filter { timers.last("192.0.2.\($0)") != nil }
        #expect(known.count == 64)
        #expect(known.allSatisfy { $0 > 9_800 })
    }
}
