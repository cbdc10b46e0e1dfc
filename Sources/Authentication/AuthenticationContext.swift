internal import Configuration
internal import Network
internal import XMPP

/// What an authentication method may use. One is made for each host and configuration.
@LoopActor
struct AuthenticationContext {
    let domain: String
    let options: AuthenticationConfiguration
    let resources: AuthenticationResources
    /// All methods of the host.
    unowned let accounts: Accounts

    func outage(of method: AuthenticationMethod) -> OutageLog {
        OutageLog(domain: domain, method: method)
    }

    /// The sessions of a user, on all workers.
    func sessions(of user: String) -> UserSessions { resources.sessions(.prepared(local: user, domain: domain)) }
}
