public import Configuration
public import Network
public import SASL
public import XMPP

/// Somewhere that accounts are known: the database of this server, or something of the operator's.
///
/// Users are named by their prepared local part. A method that cannot answer now says so; it never guesses.
@LoopActor
public protocol AuthenticationBackend: AnyObject {
    /// Which of `auth.methods` it is.
    var method: AuthenticationMethod { get }
    func exists(_ user: String) async throws(StanzaError) -> Bool
    /// The keys of one SCRAM hash, or `.notFound` if the user or these keys are unknown.
    func credentials(_ user: String, _ hash: ScramHash) async -> SASLExchange.CredentialsAnswer
    /// Checks a password, with the same work for users who do not exist.
    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict
    func create(_ user: String, _ password: Password) async throws(StanzaError)
    /// `false`: there is no such account.
    func setPassword(_ user: String, _ password: Password) async throws(StanzaError) -> Bool
    func remove(_ user: String) async throws(StanzaError) -> Bool
    /// User names in order, those after `after`.
    func list(after: String?, limit: Int) async throws(StanzaError) -> [String]
    func count() async throws(StanzaError) -> Int
}
