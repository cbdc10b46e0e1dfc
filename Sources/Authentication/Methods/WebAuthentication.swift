internal import Configuration
internal import Network
internal import Pools
internal import SASL
internal import XMPP

/// `auth.http`: a web service knows the users; it is asked by the pool `http.auth` in MongooseIM's words.
///
/// GET `check_password`, `get_password` and `user_exists`, POST `register`, `set_password` and `remove_user`, each with `user`,
/// `server` and `pass`. Where passwords are kept as keys the service is shown and shows keys, in MongooseIM's form.
@LoopActor
final class WebAuthentication: AuthenticationBackend {
    let method = AuthenticationMethod.http
    let abilities: AuthenticationCapabilities
    private let domain: String
    private let options: AuthenticationConfiguration
    /// The header that says who asks.
    private let headers: [String]
    private let pool: AuthenticationPool<WebConnection>
    private let outage: OutageLog
    private let verifier: PasswordVerifier

    init(_ context: AuthenticationContext, _ options: HTTPAuthOptions) {
        domain = context.domain
        self.options = context.options
        headers = options.basicAuth.map { ["Authorization: Basic \(Base64.encode(Array($0.reveal().utf8)))"] } ?? []
        verifier = PasswordVerifier(context, order: .weakestFirst)
        outage = context.outage(of: .http)
        abilities = verifier.capabilities
        pool = AuthenticationPool(context, tag: "auth", outage: outage) { $0.web($1, for: $2) }
    }

    // MARK: Questions to the service

    private struct Answer {
        let status: Int
        /// Without the line's end that some services add.
        let text: String

        var hasSucceeded: Bool { [200, 201, 204].contains(status) }
    }

    /// Asks the service; nil where there is no answer, or one that says it cannot give any. The log explains.
    private func ask(_ path: String, _ user: String, password: String = "", isPost: Bool = false) async -> Answer? {
        let fields = FormEncoding.encode([("user", user), ("server", domain), ("pass", password)])
        let headers = headers
        let objection: (WebConnection.Answer) -> String? = { answer in
            (200..<500).contains(answer.status) ? nil : "\(path) was answered with status \(answer.status)"
        }
        let answer = await pool.ask(isRepeatable: !isPost, objection: objection) { connection, deadline in
            isPost
                ? connection.request(.post(form: fields), path, headers: headers, deadline)
                : connection.request(.get, path, query: fields, headers: headers, deadline)
        }
        guard let answer else { return nil }
        let end = answer.body.lastIndex { $0 != 0x0A && $0 != 0x0D }.map { $0 + 1 } ?? 0
        return Answer(status: answer.status, text: String(decoding: answer.body[..<end], as: UTF8.self))
    }

    /// What the service says of a user's password.
    private func look(_ user: String) async -> PasswordLookup {
        guard let answer = await ask("get_password", user) else { return .unavailable }
        guard answer.status == 200, !answer.text.isEmpty else { return .notFound }
        guard let stored = StoredPassword(answer.text) else {
            outage.failed("get_password was answered with SCRAM keys that cannot be read")
            return .unavailable
        }
        return .found(stored)
    }

    // MARK: Logging in

    func credentials(_ user: String, _ hash: ScramHash) async -> SASLExchange.CredentialsAnswer {
        await look(user).credentials(user, hash, verifier)
    }

    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        if options.passwordFormat == .plain {
            let text = String(decoding: password.bytes, as: UTF8.self)
            guard let answer = await ask("check_password", user, password: text) else { return .temporarilyUnavailable }
            return answer.status == 200 && answer.text == "true" ? .accepted : .rejected
        }
        return await look(user).verify(password, verifier)
    }

    // MARK: Accounts

    func exists(_ user: String) async throws(StanzaError) -> Bool {
        guard let answer = await ask("user_exists", user) else { throw .accountsUnavailable }
        return answer.status == 200 && answer.text == "true"
    }

    /// What the service is shown of a new password.
    private func shown(_ password: Password, of user: String) async throws(StanzaError) -> String {
        let stored = await verifier.make(user, password)
        guard let text = stored?.plainText ?? stored?.serializedKeys else { throw StanzaError(.internalServerError) }
        return text
    }

    func create(_ user: String, _ password: Password) async throws(StanzaError) {
        let text = try await shown(password, of: user)
        guard let answer = await ask("register", user, password: text, isPost: true) else { throw .accountsUnavailable }
        switch answer.status {
        case 201: return
        case 409: throw StanzaError(.conflict)
        default: throw StanzaError(.notAllowed)
        }
    }

    func setPassword(_ user: String, _ password: Password) async throws(StanzaError) -> Bool {
        let text = try await shown(password, of: user)
        guard let answer = await ask("set_password", user, password: text, isPost: true) else { throw .accountsUnavailable }
        return try done(answer)
    }

    func remove(_ user: String) async throws(StanzaError) -> Bool {
        guard let answer = await ask("remove_user", user, isPost: true) else { throw .accountsUnavailable }
        return try done(answer)
    }

    private func done(_ answer: Answer) throws(StanzaError) -> Bool {
        if answer.hasSucceeded { return true }
        if answer.status == 404 { return false }
        throw StanzaError(.notAllowed)
    }
}
