internal import Network

/// How long a client may take over its next step, and over all of them until it has logged in (`c2s_state_timeout`).
@LoopActor
struct ClientClock {
    /// The client's steps up to its login may take as much time together as so many silences of `c2s_state_timeout`:
    /// beyond it the stream ends, or a client with a word in each could keep a connection for minutes.
    private static let loginTimeouts: Int64 = 3

    /// What the client has left of the time for its login.
    private enum LoginTime {
        /// In milliseconds.
        case left(Int64)
        case unlimited
        /// It has logged in: from here on only the single steps are timed.
        case over
    }

    private var timer: Loop.Timer?
    /// When the timer was started, in milliseconds of `Loop.now`.
    private var began: Int64 = 0
    private var loginTime: LoginTime

    /// - Parameter timeout: the time for one step; nil: unlimited.
    init(timeoutMilliseconds timeout: Int64?) {
        guard let timeout else {
            loginTime = .unlimited
            return
        }
        let product = timeout.multipliedReportingOverflow(by: Self.loginTimeouts)
        loginTime = .left(product.overflow ? .max : product.partialValue)
    }

    var hasLoggedIn: Bool {
        switch loginTime {
        case .over: true
        case .left, .unlimited: false
        }
    }

    mutating func noteLogin() { loginTime = .over }

    /// The next step is the client's.
    /// - Parameters:
    ///   - timeout: the time for it; nil: unlimited.
    ///   - body: runs when it has taken longer.
    mutating func restart(timeoutMilliseconds timeout: Int64?, _ body: @escaping @LoopActor () -> Void) {
        stop()
        guard var time = timeout else { return }
        if case .left(let left) = loginTime { time = min(time, left) }
        began = Loop.now
        timer = Loop.after(time, body)
    }

    /// The next step is the server's, or there is none.
    mutating func stop() {
        guard let timer else { return }
        timer.cancel()
        self.timer = nil
        if case .left(let left) = loginTime { loginTime = .left(max(0, left - (Loop.now - began))) }
    }
}
