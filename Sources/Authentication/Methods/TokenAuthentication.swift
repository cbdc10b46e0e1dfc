internal import Configuration
internal import Glibc
internal import Network
internal import SASL
internal import XMPP

/// `auth.jwt`: the password is a token (RFC 7519) that somebody else has signed and that names the user.
@LoopActor
final class TokenAuthentication: AuthenticationBackend {
    let method = AuthenticationMethod.jwt
    let abilities: AuthenticationCapabilities = [.password]
    private let options: JWTOptions
    private let outage: OutageLog
    private var key: TokenKey?

    init(_ context: AuthenticationContext, _ options: JWTOptions) {
        self.options = options
        outage = context.outage(of: .jwt)
    }

    func exists(_ user: String) async throws(StanzaError) -> Bool { true }

    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        let token = String(decoding: password.bytes, as: UTF8.self)
        let (options, known) = (options, key)
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = Double(time.tv_sec)
        do {
            let (key, name) = try await Loop.offload {
                let key = if let known { known } else { try TokenKey(options) }
                return (key, key.user(of: token, claim: options.usernameKey, at: now))
            }
            self.key = key
            outage.answered()
            guard let name, let owner = JID.preparedLocal(name), owner == user else { return .rejected }
            return .accepted
        } catch {
            outage.failed((error as? TokenKey.Problem)?.text ?? "too much is waiting for a thread")
            return .temporarilyUnavailable
        }
    }
}
