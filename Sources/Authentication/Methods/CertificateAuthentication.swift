internal import Configuration
internal import Network
internal import SASL
internal import XMPP

/// `auth.pki`: whoever has a certificate that was verified is its user.
@LoopActor
final class CertificateAuthentication: AuthenticationBackend {
    let method = AuthenticationMethod.pki
    let abilities: AuthenticationCapabilities = [.certificate]

    func exists(_ user: String) async throws(StanzaError) -> Bool { true }
    func admits(_ user: String) async -> SASLExchange.PasswordVerdict { .accepted }
}
