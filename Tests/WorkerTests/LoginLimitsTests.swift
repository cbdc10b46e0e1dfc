import Network
import SharedState
import Testing

@testable import Worker

@Suite("Limits of guessing passwords", .timeLimit(.minutes(1)))
struct LoginLimitsTests {
    private let segment: SharedSegment

    init() throws {
        precondition(Loop.runOnThread())
        segment = try SharedSegment.create(workers: 2, sessions: 10)
    }

    @Test(
        "clients are counted by an address of IPv4, or a subscriber's network of IPv6",
        arguments: [
            ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "20:1:d:b8:0:1:0:2/64"), ("2001:db8:1:2::1", "20:1:d:b8:0:1:0:2/64"),
            ("2001:db8:1:3::1", "20:1:d:b8:0:1:0:3/64"), ("local", "local"),
        ])
    func origin(address: String, counted: String) {
        #expect(LoginLimits.origin(of: address) == counted)
    }

    /// So many wrong passwords from an address.
    @LoopActor
    private func guess(_ limits: LoginLimits, _ count: Int, from address: String, account: String, now: Int64 = 0) {
        for _ in 0..<count {
            guard let attempt = limits.begin(from: address, account: account, now: now, unixTime: 1000) else { continue }
            limits.end(attempt, .failed, now: now, unixTime: 1000)
        }
    }

    @Test("ten wrong passwords are free, then the address waits, and no other")
    @LoopActor func waits() throws {
        let limits = LoginLimits(segment)
        guess(limits, 10, from: "192.0.2.1", account: "romeo")
        let first = try #require(limits.begin(from: "192.0.2.1", account: "juliet", now: 0, unixTime: 1000))
        limits.end(first, .failed, now: 0, unixTime: 1000)
        let second = try #require(limits.begin(from: "192.0.2.1", account: "juliet", now: 0, unixTime: 1000))
        #expect(second.waitMilliseconds > 0)
        #expect(limits.begin(from: "192.0.2.2", account: "juliet", now: 0, unixTime: 1000)?.waitMilliseconds == 0)
    }

    @Test("an account under attack slows strangers, not who has logged in to it before")
    @LoopActor func known() throws {
        let limits = LoginLimits(segment)
        let login = try #require(limits.begin(from: "192.0.2.9", account: "romeo", now: 0, unixTime: 1000))
        limits.end(login, .succeeded, now: 0, unixTime: 1000)
        for host in 0..<20 { guess(limits, 1, from: "198.51.100.\(host)", account: "romeo") }
        #expect(try #require(limits.begin(from: "203.0.113.1", account: "romeo", now: 0, unixTime: 1000)).waitMilliseconds > 0)
        #expect(try #require(limits.begin(from: "192.0.2.9", account: "romeo", now: 0, unixTime: 1000)).waitMilliseconds == 0)
    }

    @Test("attempts that are under way are bounded, and one that was given up makes room")
    @LoopActor func underWay() throws {
        let limits = LoginLimits(segment)
        var attempts: [LoginLimits.Attempt] = []
        while attempts.count < 1000, let attempt = limits.begin(from: "::1", account: "romeo", now: 0, unixTime: 0) {
            attempts.append(attempt)
        }
        #expect(attempts.count == 256)
        limits.end(try #require(attempts.last), .abandoned, now: 0, unixTime: 0)
        #expect(limits.begin(from: "::1", account: "romeo", now: 0, unixTime: 0) != nil)
    }

    @Test("what one worker counts another sees")
    @LoopActor func shared() throws {
        guess(LoginLimits(segment), 30, from: "192.0.2.1", account: "romeo")
        let attempt = LoginLimits(segment).begin(from: "192.0.2.1", account: "romeo", now: 0, unixTime: 1000)
        #expect(attempt.map { $0.waitMilliseconds > 0 } ?? true)
    }
}
