/// Decides when a pool asks its service: never while it is known to be down, and again when it is likely to be back.
struct PoolPolicy: Equatable {
    /// The pauses between tries, in milliseconds; each is twice the one before, up to the longest.
    struct Patience: Equatable, Sendable {
        let first: Int64
        let longest: Int64
    }

    enum Standing: Equatable {
        /// Nobody has asked yet.
        case untried
        case up
        /// Nothing is asked until a try of our own succeeds, which is made at `retryAt`.
        case down(failures: Int, retryAt: Int64, wasSilent: Bool)
        /// It can be reached again after it had said nothing; one question decides.
        case onTrial(failures: Int, isAsked: Bool)
    }

    let patience: Patience
    private(set) var standing = Standing.untried
    /// When it came to be up or down.
    private(set) var since: Int64
    /// Why it is down, or was last.
    private(set) var reason = ""

    init(_ patience: Patience, now: Int64) {
        self.patience = patience
        since = now
    }

    var isDown: Bool {
        switch standing {
        case .untried, .up: false
        case .down, .onTrial: true
        }
    }

    /// Whether a question may be asked now; on trial only one may at a time.
    mutating func admits() -> Bool {
        switch standing {
        case .untried, .up: return true
        case .onTrial(let failures, isAsked: false):
            standing = .onTrial(failures: failures, isAsked: true)
            return true
        case .down, .onTrial: return false
        }
    }

    /// When to try to reach it, if it is down.
    var retryAt: Int64? {
        if case .down(_, let moment, _) = standing { moment } else { nil }
    }

    /// A question was answered. Whether the service had been down.
    mutating func answered(now: Int64) -> Bool {
        standing == .up ? false : rise(now)
    }

    /// A try of our own reached it. Whether the service had been down and no longer is.
    mutating func reached(now: Int64) -> Bool {
        switch standing {
        case .untried: return rise(now)
        case .down(let failures, _, wasSilent: true):
            standing = .onTrial(failures: failures, isAsked: false)
            return false
        case .down: return rise(now)
        case .up, .onTrial: return false
        }
    }

    private mutating func rise(_ now: Int64) -> Bool {
        let wasDown = isDown
        standing = .up
        since = now
        return wasDown
    }

    /// It could not be reached or said nothing in time. Whether it is down since now.
    mutating func failed(_ failure: ServiceFailure, isProbe: Bool, now: Int64) -> Bool {
        let wasSilent = if case .silent = failure { true } else { false }
        let failures: Int
        switch standing {
        case .untried, .up: failures = 1
        case .down(let before, _, _):
            // Questions that were under way when it went down say nothing new.
            guard isProbe else { return false }
            failures = before + 1
        case .onTrial(let before, _): failures = before + 1
        }
        let begins = !isDown
        if begins { since = now }
        reason = failure.description
        standing = .down(failures: failures, retryAt: now + pause(after: failures), wasSilent: wasSilent)
        return begins
    }

    /// A question on trial was given up without having been asked.
    mutating func withdrawn() {
        if case .onTrial(let failures, _) = standing { standing = .onTrial(failures: failures, isAsked: false) }
    }

    private func pause(after failures: Int) -> Int64 {
        let doublings = min(failures - 1, 20)
        return min(patience.longest, patience.first << Int64(doublings))
    }
}
