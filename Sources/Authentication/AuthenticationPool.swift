internal import Configuration
internal import Network
internal import Pools

/// The outgoing pool that a method of authentication asks, and what the log is told of its answers.
@LoopActor
struct AuthenticationPool<Connection: ServiceConnection> {
    typealias Search = @LoopActor (_ pools: OutgoingPools, _ tag: String, _ host: String) -> ServicePool<Connection>?

    private let domain: String
    private let tag: String
    private let pools: OutgoingPools
    private let outage: OutageLog
    private let find: Search

    /// Has the pool `outgoing_pools.KIND.TAG` made, if the configuration has one.
    init(_ context: AuthenticationContext, tag: String, outage: OutageLog, _ find: @escaping Search) {
        domain = context.domain
        self.tag = tag
        pools = context.resources.pools
        self.outage = outage
        self.find = find
        _ = find(pools, tag, domain)
    }

    /// Carries out work on a connection; nil where there is no answer, which the log explains.
    /// - Parameters:
    ///   - isRepeatable: whether doing it twice does no harm.
    ///   - objection: why what came is no answer; nil if it is one.
    func ask<Answer: Sendable>(
        isRepeatable: Bool = true, objection: (Answer) -> String? = { _ in nil },
        _ work: @escaping ServicePool<Connection>.Work<Answer>
    ) async -> Answer? {
        guard let pool = find(pools, tag, domain) else {
            outage.failed("there is no pool \(outage.method.rawValue).\(tag) for this host")
            return nil
        }
        switch await pool.perform(isRepeatable: isRepeatable, work) {
        case .failure(let failure):
            outage.failed(failure.description)
            return nil
        case .success(let answer):
            if let objection = objection(answer) {
                outage.failed(objection)
                return nil
            }
            outage.answered()
            return answer
        }
    }
}
