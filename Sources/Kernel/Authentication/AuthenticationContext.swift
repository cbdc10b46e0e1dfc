internal import Configuration
internal import Network
internal import SharedState
internal import Storage
internal import XMPP

/// What an authentication method may use. One is made for each host and configuration.
@LoopActor
struct AuthenticationContext {
    let domain: String
    let options: AuthenticationConfiguration
    let server: Server
    /// All methods of the host.
    unowned let accounts: Accounts

    var store: Repositories { server.store }

    func outage(of method: AuthenticationMethod) -> OutageLog {
        OutageLog(domain: domain, method: method)
    }

    /// The sessions of a user, on all workers.
    func sessions(of user: String) -> [SessionRoute] { server.sessions(of: .prepared(local: user, domain: domain)) }
}
