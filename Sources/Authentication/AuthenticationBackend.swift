internal import Configuration
internal import Network
internal import SASL
internal import XMPP

/// Somewhere that users are known: the database of this server, or something of the operator's.
///
/// Users are named by their prepared local part. A method that cannot answer now says so; it never guesses. It is asked
/// only for what `abilities` has; for the rest there are answers here.
@LoopActor
protocol AuthenticationBackend: AnyObject {
    /// Which of `auth.methods` it is.
    var method: AuthenticationMethod { get }
    var abilities: AuthenticationCapabilities { get }
    /// Methods that cannot know say yes: what is for such a user is then not refused.
    func exists(_ user: String) async throws(StanzaError) -> Bool
    /// The keys of one SCRAM hash, or `.notFound` if the user or these keys are unknown.
    func credentials(_ user: String, _ hash: ScramHash) async -> SASLExchange.CredentialsAnswer
    /// Checks a password, with the same work for users who do not exist.
    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict
    /// Whether somebody with this user's certificate, which has been verified, may log in.
    func admits(_ user: String) async -> SASLExchange.PasswordVerdict
    /// A user who is nobody else.
    func admitAnonymous() async -> SASLExchange.AnonymousAnswer
    /// `.conflict`: there is such an account; `.notAllowed`: this method makes none.
    func create(_ user: String, _ password: Password) async throws(StanzaError)
    /// `false`: there is no such account; `.notAllowed`: its password cannot be changed here.
    func setPassword(_ user: String, _ password: Password) async throws(StanzaError) -> Bool
    /// `false`: there is no such account; `.notAllowed`: this method removes none.
    func remove(_ user: String) async throws(StanzaError) -> Bool
    /// User names in order, those after `after`; none where they are not known.
    func list(after: String?, limit: Int) async throws(StanzaError) -> [String]
    func count() async throws(StanzaError) -> Int
    /// Another configuration is in force, or the server ends: processes and connections go. Questions may be under way.
    func close()
}

extension AuthenticationBackend {
    func credentials(_ user: String, _ hash: ScramHash) async -> SASLExchange.CredentialsAnswer { .notFound }
    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict { .rejected }
    func admits(_ user: String) async -> SASLExchange.PasswordVerdict { .rejected }
    func admitAnonymous() async -> SASLExchange.AnonymousAnswer { .rejected }
    func create(_ user: String, _ password: Password) async throws(StanzaError) { throw StanzaError(.notAllowed) }
    func setPassword(_ user: String, _ password: Password) async throws(StanzaError) -> Bool {
        throw StanzaError(.notAllowed)
    }
    func remove(_ user: String) async throws(StanzaError) -> Bool { throw StanzaError(.notAllowed) }
    func list(after: String?, limit: Int) async throws(StanzaError) -> [String] { [] }
    func count() async throws(StanzaError) -> Int { 0 }
    func close() {}
}
