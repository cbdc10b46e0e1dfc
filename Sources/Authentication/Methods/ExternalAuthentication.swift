internal import Configuration
internal import Network
internal import SASL
internal import XMPP

/// `auth.external`: a program of the operator's is asked, in the words that MongooseIM and ejabberd have for it:
/// `auth:USER:DOMAIN:PASSWORD`, and so on, answered by two bytes that are 0 or 1.
@LoopActor
final class ExternalAuthentication: AuthenticationBackend {
    let method = AuthenticationMethod.external
    let abilities: AuthenticationCapabilities = [.password, .accounts, .registration]
    private let domain: String
    private let programs: ExternalProgramPool
    private let outage: OutageLog

    init(_ context: AuthenticationContext, _ options: ExternalOptions) {
        domain = context.domain
        outage = context.outage(of: .external)
        programs = ExternalProgramPool(options, outage)
    }

    /// What the program says; nil: nothing, or nothing that makes sense.
    private func ask(_ verb: String, _ user: String, _ password: Password? = nil) async -> Bool? {
        var request = Array("\(verb):\(user):\(domain)".utf8)
        if let password { request += [UInt8(ascii: ":")] + password.bytes }
        guard let answer = await programs.ask(request) else { return nil }
        switch answer {
        case [0, 0]: break
        case [0, 1]: break
        default:
            outage.failed("it answers \(answer.count) bytes that are neither 0 nor 1 in two")
            return nil
        }
        outage.answered()
        return answer == [0, 1]
    }

    private func demand(_ verb: String, _ user: String, _ password: Password? = nil) async throws(StanzaError) -> Bool {
        guard let answer = await ask(verb, user, password) else { throw .accountsUnavailable }
        return answer
    }

    func exists(_ user: String) async throws(StanzaError) -> Bool { try await demand("isuser", user) }

    func verify(_ user: String, _ password: Password) async -> SASLExchange.PasswordVerdict {
        switch await ask("auth", user, password) {
        case true: .accepted
        case false: .rejected
        default: .temporarilyUnavailable
        }
    }

    func create(_ user: String, _ password: Password) async throws(StanzaError) {
        if try await demand("tryregister", user, password) { return }
        throw StanzaError(try await exists(user) ? .conflict : .notAllowed)
    }

    func setPassword(_ user: String, _ password: Password) async throws(StanzaError) -> Bool {
        if try await demand("setpass", user, password) { return true }
        if try await exists(user) { throw StanzaError(.notAllowed) }
        return false
    }

    func remove(_ user: String) async throws(StanzaError) -> Bool {
        if try await demand("removeuser", user) { return true }
        if try await exists(user) { throw StanzaError(.notAllowed) }
        return false
    }

    func close() { programs.close() }
}
