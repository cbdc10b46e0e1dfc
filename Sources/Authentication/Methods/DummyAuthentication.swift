internal import Configuration
internal import Network
internal import SASL
internal import XMPP

/// `auth.dummy`: everybody is who they say, after a pause. For tests of load.
@LoopActor
final class DummyAuthentication: AuthenticationBackend {
    let method = AuthenticationMethod.dummy
    let abilities: AuthenticationCapabilities = [.password]
    private let options: DummyOptions

    init(_ options: DummyOptions) { self.options = options }

    func exists(_ user: String) async throws(StanzaError) -> Bool { true }

    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        let more = Int64.random(in: 0..<max(1, options.variance.wholeMilliseconds))
        await Loop.pause(options.baseTime.wholeMilliseconds + more)
        return .accepted
    }
}
