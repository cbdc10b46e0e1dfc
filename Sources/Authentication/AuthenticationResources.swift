public import Network
public import Pools
public import Storage
public import XMPP

/// What the methods of authentication may use of the worker that they run in, the same for all hosts.
@LoopActor
public final class AuthenticationResources {
    /// Which sessions a user has, on all workers.
    public typealias SessionQuery = @LoopActor (_ user: JID) -> UserSessions

    let accounts: AccountRepository
    let pools: OutgoingPools
    let sessions: SessionQuery
    let derivations = KeyDerivations()
    private let values: ServerValueRepository
    private var secret: [UInt8]?

    public init(store: Repositories, pools: OutgoingPools, sessions: @escaping SessionQuery) {
        accounts = store.accounts
        values = store.serverValues
        self.pools = pools
        self.sessions = sessions
    }

    /// What makes the salts of accounts that have none: the same on all workers and over restarts. Nil while storage fails.
    func saltSecret() async -> [UInt8]? {
        if let secret { return secret }
        let kept = try? await values.secret(Accounts.saltSecretName, orElse: randomBytes(Accounts.saltSecretLength))
        secret = kept
        return kept
    }
}

/// How many sessions a user has, by how they were authenticated.
public struct UserSessions: Sendable {
    public var anonymous = 0
    public var named = 0

    public init() {}
}
