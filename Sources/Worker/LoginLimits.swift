internal import Glibc
internal import Network
internal import SharedState
internal import Telemetry

/// Limits of guessing passwords, over all workers.
///
/// Wrong passwords count by the client's network address and by the account, known or not. From ten on, attempts from the
/// address wait for their turn before any work is done for them, and are refused where the wait would be long. An account
/// under attack makes only those wait who come from an address that has never logged in to it; nobody is refused for
/// what others do to the account. For an address that has logged in to an account before, only the wrong passwords for this account from
/// there count: neighbours behind the same address that guess elsewhere do not slow it. Right passwords cost nothing, and
/// earn nothing: an attacker with an account does not begin anew by logging in to it.
@LoopActor
final class LoginLimits {
    /// Ten wrong passwords are free; then a quarter of a second between two, up to two seconds.
    private nonisolated static let spacing = FailureLevels.Spacing(free: 10, shortest: 250, longest: 2000)
    /// What a stranger waits for an account under attack: up to three seconds, one beside the other.
    private nonisolated static let accountDelay = FailureLevels.Spacing(free: 10, shortest: 100, longest: 3000)
    /// Milliseconds that an attempt waits for its turn at most; one that would wait longer is refused.
    private nonisolated static let longestWaitMilliseconds: Int64 = 5000
    /// Attempts from one address at one account that may be under way on a worker; a further one is refused. Until they fail
    /// they are not yet counted.
    private nonisolated static let underWay = 256
    /// Seconds for which a login from an address to an account is remembered.
    private nonisolated static let memory: Int64 = 30 * 86_400
    /// Seconds in which it is not noted again.
    private nonisolated static let memoryStep: Int64 = 60
    /// Milliseconds between two log lines of one worker.
    private nonisolated static let logIntervalMilliseconds: Int64 = 10_000

    /// One login with a password.
    struct Attempt: Sendable {
        /// Milliseconds before the work for it may begin.
        let waitMilliseconds: Int64
        fileprivate let origin: String
        fileprivate let account: String
        fileprivate let pair: String
        fileprivate let isKnown: Bool
        fileprivate let turn: FailureLevels.Turn
    }

    enum Outcome { case succeeded, failed, abandoned }

    private let addresses: FailureLevels
    private let accounts: FailureLevels
    private let pairs: FailureLevels
    private let logins: AddressTimers
    private var attempts: [String: Int] = [:]
    private var lastTold: Int64?

    init(_ segment: SharedSegment) {
        addresses = FailureLevels(segment, .address)
        accounts = FailureLevels(segment, .account)
        pairs = FailureLevels(segment, .addressOfAccount)
        logins = AddressTimers(segment, .knownLogin)
    }

    /// What clients are counted by: an IPv4 address, or the /64 of an IPv6 address, which is one subscriber's.
    nonisolated static func origin(of address: String) -> String {
        var bytes = in6_addr()
        guard address.contains(":"), inet_pton(AF_INET6, address, &bytes) == 1 else { return address }
        return withUnsafeBytes(of: &bytes) { bytes in
            let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            if isMapped { return bytes[12...].map { String($0) }.joined(separator: ".") }
            return bytes[..<8].map { String($0, radix: 16) }.joined(separator: ":") + "/64"
        }
    }

    /// Begins an attempt; nil if it is refused.
    func begin(from address: String, account: String, now: Int64, unixTime: Int64) -> Attempt? {
        let origin = Self.origin(of: address)
        let pair = "\(origin) \(account)"
        guard attempts[pair, default: 0] < Self.underWay else { return nil }
        let age = logins.last(pair).map { unixTime - $0 }
        let isKnown = age.map { $0 < Self.memory } ?? false
        let (levels, key) = isKnown ? (pairs, pair) : (addresses, origin)
        guard let turn = levels.take(key, now: now, spacing: Self.spacing, longestWaitMilliseconds: Self.longestWaitMilliseconds)
        else { return nil }
        let delay = isKnown ? 0 : Self.accountDelay.interval(at: accounts.level(account, now: now))
        attempts[pair, default: 0] += 1
        return Attempt(
            waitMilliseconds: max(turn.waitMilliseconds, delay), origin: origin, account: account, pair: pair, isKnown: isKnown,
            turn: turn)
    }

    /// Ends an attempt, once for each that began.
    func end(_ attempt: Attempt, _ outcome: Outcome, now: Int64, unixTime: Int64) {
        let others = attempts[attempt.pair, default: 1] - 1
        attempts[attempt.pair] = others > 0 ? others : nil
        switch outcome {
        case .abandoned: return
        case .succeeded:
            let (levels, key) = attempt.isKnown ? (pairs, attempt.pair) : (addresses, attempt.origin)
            levels.giveBack(attempt.turn, key)
            _ = logins.claim(attempt.pair, now: unixTime, intervalSeconds: Self.memoryStep)
        case .failed:
            let byAddress = addresses.add(attempt.origin, now: now)
            let byAccount = accounts.add(attempt.account, now: now)
            if attempt.isKnown { pairs.add(attempt.pair, now: now) }
            tell(attempt, Int(max(byAddress, byAccount)), now)
        }
    }

    private func tell(_ attempt: Attempt, _ count: Int, _ now: Int64) {
        guard count > Int(Self.spacing.free), lastTold.map({ now - $0 >= Self.logIntervalMilliseconds }) ?? true else { return }
        lastTold = now
        Log.notice(
            "wrong passwords again and again",
            [Field("address", attempt.origin), Field("user", attempt.account), Field("failures", count)])
    }
}
