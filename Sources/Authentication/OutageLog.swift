internal import Configuration
internal import Network
internal import Telemetry

/// Tells the log that a method cannot answer: when it begins, then once a minute as long as it lasts, and when it is over.
@LoopActor
final class OutageLog {
    private static let intervalMilliseconds: Int64 = 60_000

    private let domain: String
    let method: AuthenticationMethod
    private var lastTold: Int64?
    private var unanswered = 0

    init(domain: String, method: AuthenticationMethod) {
        self.domain = domain
        self.method = method
    }

    /// A question was not answered. `reason` holds no secret.
    func failed(_ reason: @autoclosure () -> String) {
        unanswered += 1
        if let lastTold, Loop.now - lastTold < Self.intervalMilliseconds { return }
        lastTold = Loop.now
        Log.error("authentication method cannot answer", fields + [Field("reason", reason())])
    }

    /// A question was answered.
    func answered() {
        guard lastTold != nil else { return }
        Log.notice("authentication method answers again", fields)
        lastTold = nil
        unanswered = 0
    }

    private var fields: [Field] {
        [Field("host", domain), Field("method", method.rawValue), Field("unanswered", unanswered)]
    }
}
