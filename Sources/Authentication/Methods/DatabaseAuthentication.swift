internal import Configuration
internal import Network
internal import Pools
internal import SASL
internal import XMPP

/// `auth.rdbms`: accounts in the table `users` of the pool `rdbms.default`, as MongooseIM keeps them there.
///
/// Its columns: `server`, `username`, `password` (empty where keys are kept) and `pass_details` (the keys, or NULL).
@LoopActor
final class DatabaseAuthentication: AuthenticationBackend {
    let method = AuthenticationMethod.rdbms
    let abilities: AuthenticationCapabilities
    private let domain: String
    private let options: AuthenticationConfiguration
    private let estimatesCount: Bool
    private let pool: AuthenticationPool<DatabaseConnection>
    private let outage: OutageLog
    private let verifier: PasswordVerifier

    init(_ context: AuthenticationContext, _ options: RDBMSAuthOptions) {
        domain = context.domain
        self.options = context.options
        estimatesCount = options.estimatesCount
        verifier = PasswordVerifier(context, order: .weakestFirst)
        outage = context.outage(of: .rdbms)
        abilities = verifier.capabilities
        pool = AuthenticationPool(context, tag: "default", outage: outage) { $0.database($1, for: $2) }
    }

    // MARK: Questions to the database

    /// Carries out a statement; nil where there is no answer, which the log explains.
    private func query(
        _ statement: String, _ values: [String?], isRepeatable: Bool = true
    ) async -> DatabaseConnection.Answer? {
        await pool.ask(isRepeatable: isRepeatable) { connection, deadline in connection.query(statement, values, deadline) }
    }

    private func look(_ user: String) async -> PasswordLookup {
        let statement = "SELECT password, pass_details FROM users WHERE server = $1 AND username = $2"
        guard let answer = await query(statement, [domain, user]) else { return .unavailable }
        guard let row = answer.rows.first, row.count == 2 else { return .notFound }
        guard let details = row[1] else { return .found(.plain(row[0] ?? "")) }
        guard SerializedCredentials.isOne(details), let stored = StoredPassword(details) else {
            outage.failed("pass_details of a user are no SCRAM keys")
            return .unavailable
        }
        return .found(stored)
    }

    // MARK: Logging in

    func credentials(_ user: String, _ hash: ScramHash) async -> SASLExchange.CredentialsAnswer {
        await look(user).credentials(user, hash, verifier)
    }

    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        await look(user).verify(password, verifier)
    }

    // MARK: Accounts

    func exists(_ user: String) async throws(StanzaError) -> Bool {
        let statement = "SELECT 1 FROM users WHERE server = $1 AND username = $2"
        guard let answer = await query(statement, [domain, user]) else { throw .accountsUnavailable }
        return !answer.rows.isEmpty
    }

    func create(_ user: String, _ password: Password) async throws(StanzaError) {
        guard let stored = await verifier.make(user, password) else { throw StanzaError(.internalServerError) }
        // Without a limit of the number no number is looked at.
        let limit = options.maxUsersPerDomain
        let condition = limit == nil ? "" : " WHERE (SELECT COUNT(*) FROM users WHERE server = $1) < $5::bigint"
        let statement = """
            INSERT INTO users (server, username, password, pass_details) \
            SELECT $1::text, $2::text, $3::text, $4::text\(condition) ON CONFLICT DO NOTHING
            """
        let values = [domain, user, stored.plainText ?? "", stored.serializedKeys] + (limit.map { ["\($0)"] } ?? [])
        guard let answer = await query(statement, values, isRepeatable: false) else { throw .accountsUnavailable }
        if answer.affected == 1 { return }
        if try await exists(user) { throw StanzaError(.conflict) }
        throw StanzaError(.resourceConstraint, text: "This domain has all the users it may have")
    }

    func setPassword(_ user: String, _ password: Password) async throws(StanzaError) -> Bool {
        guard let stored = await verifier.make(user, password) else { throw StanzaError(.internalServerError) }
        let statement = "UPDATE users SET password = $3, pass_details = $4 WHERE server = $1 AND username = $2"
        let values = [domain, user, stored.plainText ?? "", stored.serializedKeys]
        guard let answer = await query(statement, values) else { throw .accountsUnavailable }
        return answer.affected > 0
    }

    func remove(_ user: String) async throws(StanzaError) -> Bool {
        let statement = "DELETE FROM users WHERE server = $1 AND username = $2"
        guard let answer = await query(statement, [domain, user], isRepeatable: false) else { throw .accountsUnavailable }
        return answer.affected > 0
    }

    func list(after: String?, limit: Int) async throws(StanzaError) -> [String] {
        // Ordered by bytes, as all lists of users are.
        let statement = """
            SELECT username FROM users WHERE server = $1 AND username COLLATE "C" > $2 \
            ORDER BY username COLLATE "C" LIMIT $3::bigint
            """
        guard let answer = await query(statement, [domain, after ?? "", "\(limit)"]) else { throw .accountsUnavailable }
        return answer.rows.compactMap { $0.first ?? nil }
    }

    func count() async throws(StanzaError) -> Int {
        if estimatesCount {
            // Of all domains together, and less than nothing before the table was first looked through.
            let statement = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'users'::regclass"
            guard let answer = await query(statement, []) else { throw .accountsUnavailable }
            if let count = number(answer), count >= 0 { return count }
        }
        let statement = "SELECT COUNT(*) FROM users WHERE server = $1"
        guard let answer = await query(statement, [domain]) else { throw .accountsUnavailable }
        return number(answer) ?? 0
    }

    private func number(_ answer: DatabaseConnection.Answer) -> Int? { (answer.rows.first?.first ?? nil).flatMap { Int($0) } }
}
