internal import Kernel
internal import Network
internal import Streams
internal import XMPP

/// Has the keys checked that incoming streams bring, by the servers that ought to have made them (XEP-0220 §2.2): over streams
/// that serve for nothing else, one to each server for each domain of ours.
@LoopActor
final class DialbackChecks {
    /// Checks under way on a worker; one more fails, so that a flood of streams costs its senders alone.
    private static let mostChecks = 1_000
    /// Checks under way with one server.
    private static let mostAtOneServer = 50
    /// Milliseconds for which a stream without a check stays open for the next one.
    private static let idleMilliseconds: Int64 = 5_000
    /// Milliseconds that a check may take, the search for the server included.
    private static let longestMilliseconds: Int64 = 45_000

    typealias Answered = @LoopActor (DialbackAnswer) -> Void

    private struct Check {
        let answered: Answered
        let timer: Loop.Timer
    }

    private final class Authority {
        let driver: OutgoingServerDriver
        var requests: Set<DialbackRequest> = []
        var idle: Loop.Timer?

        init(_ driver: OutgoingServerDriver) { self.driver = driver }
    }

    weak var federation: Federation?
    private var checks: [DialbackRequest: [Check]] = [:]
    private var count = 0
    private var authorities: [DomainPair: Authority] = [:]

    /// Has a key checked; `answered` is called once, in a later turn as a rule.
    func check(_ request: DialbackRequest, _ answered: @escaping Answered) {
        guard let federation else { return answered(.error(.remoteServerTimeout, reason: "the server is stopping")) }
        let known = authorities[request.pair]
        guard count < Self.mostChecks, known?.requests.count ?? 0 < Self.mostAtOneServer else {
            return answered(.error(.resourceConstraint, reason: "too many keys are being checked"))
        }
        let timer = Loop.after(Self.longestMilliseconds) { [weak self] in
            self?.verified(request, .error(.remoteServerTimeout, reason: "the authority has not answered in time"))
        }
        let isFirst = checks[request] == nil
        checks[request, default: []].append(Check(answered: answered, timer: timer))
        count += 1
        guard isFirst else { return }
        let authority = known ?? Authority(OutgoingServerDriver(request.pair, purpose: .verification, federation, self))
        authority.idle?.cancel()
        authority.idle = nil
        authority.requests.insert(request)
        authorities[request.pair] = authority
        authority.driver.verify(request)
        if known == nil { authority.driver.begin() }
    }

    func closeAll() {
        for authority in authorities.values {
            authority.idle?.cancel()
            authority.driver.close(nil)
        }
        authorities = [:]
    }
}

extension DialbackChecks: OutgoingServerOwner {
    func established(_ pair: DomainPair, by driver: OutgoingServerDriver) {}
    func refused(_ pair: DomainPair, _ failure: ServerFailure, by driver: OutgoingServerDriver) {}

    func verified(_ request: DialbackRequest, _ answer: DialbackAnswer) {
        for check in checks.removeValue(forKey: request) ?? [] {
            check.timer.cancel()
            count -= 1
            check.answered(answer)
        }
        guard let authority = authorities[request.pair] else { return }
        authority.requests.remove(request)
        guard authority.requests.isEmpty, authority.idle == nil else { return }
        authority.idle = Loop.after(Self.idleMilliseconds) { [weak self] in
            guard let self, let authority = self.authorities[request.pair], authority.requests.isEmpty else { return }
            self.authorities[request.pair] = nil
            authority.driver.close(nil)
        }
    }

    func ended(_ failure: ServerFailure?, by driver: OutgoingServerDriver) {
        guard let authority = authorities[driver.pair], authority.driver === driver else { return }
        authorities[driver.pair] = nil
        authority.idle?.cancel()
        let reason = failure?.reason ?? "the authority has closed the stream"
        for request in authority.requests { verified(request, .error(failure?.condition ?? .remoteServerTimeout, reason: reason)) }
    }
}
