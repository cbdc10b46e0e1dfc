internal import Configuration
internal import Network
internal import SASL
internal import XMPP

/// `auth.anonymous`: users without an account (XEP-0175). Such a user exists as long as there is a session.
@LoopActor
final class AnonymousAuthentication: AuthenticationBackend {
    private static let nameLength = 16

    let method = AuthenticationMethod.anonymous
    let abilities: AuthenticationCapabilities
    private let context: AuthenticationContext
    private let options: AnonymousOptions

    init(_ context: AuthenticationContext, _ options: AnonymousOptions) {
        self.context = context
        self.options = options
        var abilities: AuthenticationCapabilities = [.accounts]
        if options.allowsMechanism { abilities.insert(.anonymous) }
        if options.allowsLogin { abilities.insert(.password) }
        self.abilities = abilities
    }

    func exists(_ user: String) async throws(StanzaError) -> Bool { isHere(user) }

    private func isHere(_ user: String) -> Bool { context.sessions(of: user).anonymous > 0 }

    /// A name that nobody can guess is nobody's.
    func admitAnonymous() async -> SASLExchange.AnonymousAnswer {
        let digits = randomBytes(Self.nameLength).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }
        return .named(digits.joined())
    }

    /// Any password is right, unless the name is that of a user of another method, or perhaps is.
    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        do throws(StanzaError) {
            guard try await !context.accounts.exists(user, besides: .anonymous) else { return .rejected }
        } catch { return .temporarilyUnavailable }
        let sessions = context.sessions(of: user)
        guard sessions.named == 0 else { return .rejected }
        return sessions.anonymous == 0 || options.allowsMultipleConnections ? .accepted : .rejected
    }

    func setPassword(_ user: String, _ password: Password) async throws(StanzaError) -> Bool {
        if isHere(user) { throw StanzaError(.notAllowed) }
        return false
    }

    func remove(_ user: String) async throws(StanzaError) -> Bool {
        if isHere(user) { throw StanzaError(.notAllowed) }
        return false
    }
}
