internal import Configuration
internal import Network
internal import Pools
internal import SASL
internal import XMPP

/// `auth.ldap`: users of a directory, which is only read. A user is searched on one pool; a password is right if the
/// directory takes it with the user's entry (RFC 4513 §5.1.3), on another pool.
@LoopActor
final class DirectoryAuthentication: AuthenticationBackend {
    let method = AuthenticationMethod.ldap
    let abilities: AuthenticationCapabilities = [.password, .certificate, .accounts]
    private let options: LDAPAuthOptions
    private let rules: DirectoryRules
    private let searches: AuthenticationPool<DirectoryConnection>
    private let binds: AuthenticationPool<DirectoryConnection>

    init(_ context: AuthenticationContext, _ options: LDAPAuthOptions) {
        self.options = options
        rules = DirectoryRules(options, domain: context.domain)
        let outage = context.outage(of: .ldap)
        let find: AuthenticationPool<DirectoryConnection>.Search = { $0.directory($1, for: $2) }
        searches = AuthenticationPool(context, tag: options.poolTag, outage: outage, find)
        binds = AuthenticationPool(context, tag: options.bindPoolTag, outage: outage, find)
    }

    // MARK: Questions to the directory

    private func search(_ filter: String, _ attributes: [String], limit: Int) async -> [DirectoryConnection.Entry]? {
        let search = DirectoryConnection.Search(
            base: options.base, filter: filter, attributes: attributes, dereferencing: options.dereference, limit: limit)
        return await searches.ask { connection, deadline in connection.search(search, deadline) }
    }

    private enum Lookup {
        case found(DirectoryConnection.Entry), notFound, unavailable
    }

    private func look(_ user: String) async -> Lookup {
        guard let entries = await search(rules.filter(user: user), rules.attributes, limit: 0) else { return .unavailable }
        guard let entry = entries.first, rules.allowsLocally(entry) else { return .notFound }
        switch await passesNameFilter(entry, user) {
        case true?: return .found(entry)
        case false?: return .notFound
        case nil: return .unavailable
        }
    }

    /// Whether an entry meets `dn_filter`; nil where there is no answer.
    private func passesNameFilter(_ entry: DirectoryConnection.Entry, _ user: String) async -> Bool? {
        guard let filter = rules.nameFilter(entry, user: user) else { return true }
        return await search(filter, ["1.1"], limit: 1).map { !$0.isEmpty }
    }

    // MARK: Logging in

    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        // With no password a directory takes every name, as nobody's (RFC 4513 §5.1.2).
        guard !password.bytes.isEmpty else { return .rejected }
        let name: String, isUser: Bool
        switch await look(user) {
        case .unavailable: return .temporarilyUnavailable
        case .found(let entry): (name, isUser) = (entry.name, true)
        // The same work, so that time does not tell who is known.
        case .notFound: (name, isUser) = ("cn=nobody,\(options.base)", false)
        }
        let text = String(decoding: password.bytes, as: UTF8.self)
        let isRight = await binds.ask { connection, deadline in connection.bind(name, text, deadline) }
        guard let isRight else { return .temporarilyUnavailable }
        return isRight && isUser ? .accepted : .rejected
    }

    /// A verified certificate is enough for whoever is in the directory.
    func admits(_ user: String) async -> SASLExchange.PasswordVerdict {
        switch await look(user) {
        case .found: .accepted
        case .notFound: .rejected
        case .unavailable: .temporarilyUnavailable
        }
    }

    // MARK: Accounts

    func exists(_ user: String) async throws(StanzaError) -> Bool {
        switch await look(user) {
        case .found: true
        case .notFound: false
        case .unavailable: throw .accountsUnavailable
        }
    }

    func list(after: String?, limit: Int) async throws(StanzaError) -> [String] {
        Array(try await users().filter { user in after.map { user > $0 } ?? true }.prefix(limit))
    }

    func count() async throws(StanzaError) -> Int { try await users().count }

    /// All users, in order. A directory has no order of its own to go on from.
    private func users() async throws(StanzaError) -> [String] {
        guard let entries = await search(rules.filterForAll, rules.attributes, limit: 0) else { throw .accountsUnavailable }
        var users: Set<String> = []
        for entry in entries where rules.allowsLocally(entry) {
            for name in rules.userNames(of: entry) {
                guard let user = JID.preparedLocal(name) else { continue }
                guard let passes = await passesNameFilter(entry, user) else { throw .accountsUnavailable }
                if passes { users.insert(user) }
            }
        }
        return users.sorted()
    }
}
