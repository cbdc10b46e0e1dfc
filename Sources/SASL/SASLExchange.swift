/// One authentication, from the chosen mechanism to success or failure (RFC 4422), on the server's side.
///
/// Pure: it asks for credentials and password checks by actions, gets answers as events, and takes randomness with
/// them. After success or failure every event is ignored.
public struct SASLExchange: Sendable {
    public enum Event: Equatable, Sendable {
        /// What came with the choice of the mechanism; nil for nothing, which is not the same as no bytes.
        case initialResponse([UInt8]?)
        case response([UInt8])
        /// The answer to `fetchCredentials`, with at least `nonceLength` fresh random bytes.
        case credentials(CredentialsAnswer, nonce: [UInt8])
        /// The answer to `verifyPassword` or `admit`.
        case verdict(PasswordVerdict)
        /// The answer to `admitAnonymous`.
        case anonymous(AnonymousAnswer)
        case abort
    }

    public enum Action: Equatable, Sendable {
        case fetchCredentials(user: String, ScramHash)
        /// To be checked away from the loop and, for unknown accounts, with the same work (`ScramCredentials.verify`).
        case verifyPassword(user: String, Password)
        /// The certificate is right: whether its user may log in is to be said.
        case admit(user: String)
        /// A user is to be made up.
        case admitAnonymous
        case challenge([UInt8])
        /// `additionalData` goes with the success (RFC 6120 §6.3.10); nil for nothing.
        case success(user: String, additionalData: [UInt8]?)
        case failure(SASLFailure)
    }

    public enum CredentialsAnswer: Equatable, Sendable {
        case found(ScramCredentials)
        /// No such account, or none that may log in this way.
        case notFound
        case temporarilyUnavailable
    }

    public enum PasswordVerdict: Equatable, Sendable {
        case accepted, rejected, temporarilyUnavailable
    }

    public enum AnonymousAnswer: Equatable, Sendable {
        /// The user that the client is from now on, who is nobody else.
        case named(String)
        case rejected, temporarilyUnavailable
    }

    /// Bytes of one message of the client, at most. Generous, since a token may stand for a password.
    public static let messageLimit = 8192
    /// Random bytes of a server's nonce, at least.
    public static let nonceLength = 16

    /// What the negotiation before this exchange settled.
    private struct Terms {
        let service: SASLService
        let bindings: ChannelBindings
        let offersPlus: Bool
        let certificate: ClientCertificate?
    }

    private enum State {
        case starting(Mechanism)
        case awaitingFirst(Mechanism)
        case fetching(ScramOpening)
        case awaitingFinal(ScramChallenge)
        case verifying(user: String)
        case naming
        case finished
    }

    private let terms: Terms
    private var state: State

    /// - Parameters:
    ///   - bindings: the channel binding data of the connection, empty without TLS.
    ///   - offersPlus: whether mechanisms with channel binding were offered, so that a client that claims the contrary
    ///     was lied to (RFC 5802 §6).
    ///   - certificate: that of the client, if it showed one that can be relied on.
    public init(
        mechanism: Mechanism, service: SASLService, bindings: ChannelBindings, offersPlus: Bool,
        certificate: ClientCertificate? = nil
    ) {
        terms = Terms(service: service, bindings: bindings, offersPlus: offersPlus, certificate: certificate)
        state = .starting(mechanism)
    }

    /// Whether an answer to an action is awaited, so that nothing from the client may be handed in.
    public var isWaiting: Bool {
        switch state {
        case .fetching, .verifying, .naming: true
        case .starting, .awaitingFirst, .awaitingFinal, .finished: false
        }
    }

    /// What is to be done after `event`; nil only for an event after the end.
    public mutating func handle(_ event: Event) -> Action? {
        do {
            let (next, action) = try Self.step(state, event, terms)
            state = next
            return action
        } catch {
            state = .finished
            return .failure(error)
        }
    }

    private static func step(_ state: State, _ event: Event, _ terms: Terms) throws(SASLFailure) -> (State, Action?) {
        switch (state, event) {
        case (.finished, _): return (.finished, nil)
        case (_, .abort): throw .aborted
        case (.starting(let mechanism), .initialResponse(nil)): return (.awaitingFirst(mechanism), .challenge([]))
        case (.starting(let mechanism), .initialResponse(let bytes?)): return try first(mechanism, bytes, terms)
        case (.awaitingFirst(let mechanism), .response(let bytes)): return try first(mechanism, bytes, terms)
        case (.fetching(let opening), .credentials(let answer, let nonce)):
            let challenge = try opening.challenge(answer, nonce: nonce)
            return (.awaitingFinal(challenge), .challenge(challenge.message))
        case (.awaitingFinal(let challenge), .response(let bytes)):
            let signature = try challenge.verify(checked(bytes))
            return (.finished, .success(user: challenge.user, additionalData: signature))
        case (.verifying(let user), .verdict(let verdict)): return (.finished, try settle(verdict, user))
        case (.naming, .anonymous(let answer)): return (.finished, try settle(answer))
        case (.starting, _), (.awaitingFirst, _), (.fetching, _), (.awaitingFinal, _), (.verifying, _), (.naming, _):
            // Only a shell that answers what was not asked, or does not wait, comes here: it costs this exchange.
            throw .temporaryAuthFailure
        }
    }

    private static func first(
        _ mechanism: Mechanism, _ bytes: [UInt8], _ terms: Terms
    ) throws(SASLFailure) -> (State, Action?) {
        switch mechanism {
        case .plain:
            return try plain(PlainMessage(parsing: checked(bytes)), terms.service.naming)
        case .scram(let hash, let plus):
            let opening = try ScramOpening(
                ScramClientFirst(parsing: checked(bytes)), hash: hash, plus: plus, service: terms.service,
                bindings: terms.bindings, offersPlus: terms.offersPlus)
            return (.fetching(opening), .fetchCredentials(user: opening.user, hash))
        case .anonymous:
            // What the client says is for somebody's log, by RFC 4505 §2 no more than that: it is not looked at.
            _ = try checked(bytes)
            return (.naming, .admitAnonymous)
        case .external:
            guard let certificate = terms.certificate else { throw .notAuthorized }
            let login = ExternalLogin(
                certificate: certificate, rules: terms.service.certificateRules, naming: terms.service.naming)
            let user = try login.user(checked(bytes))
            return (.verifying(user: user), .admit(user: user))
        }
    }

    private static func plain(_ message: PlainMessage, _ naming: SASLNaming) throws(SASLFailure) -> (State, Action?) {
        guard let user = naming.user(message.user), let password = naming.password(message.password) else {
            throw .notAuthorized
        }
        try checkIdentity(message.authzid, user, naming)
        return (.verifying(user: user), .verifyPassword(user: user, password))
    }

    private static func settle(_ verdict: PasswordVerdict, _ user: String) throws(SASLFailure) -> Action {
        switch verdict {
        case .accepted: return .success(user: user, additionalData: nil)
        case .rejected: throw .notAuthorized
        case .temporarilyUnavailable: throw .temporaryAuthFailure
        }
    }

    private static func settle(_ answer: AnonymousAnswer) throws(SASLFailure) -> Action {
        switch answer {
        case .named(let user): return .success(user: user, additionalData: nil)
        case .rejected: throw .notAuthorized
        case .temporarilyUnavailable: throw .temporaryAuthFailure
        }
    }

    private static func checked(_ bytes: [UInt8]) throws(SASLFailure) -> [UInt8] {
        guard bytes.count <= messageLimit else { throw .malformed("message too long") }
        return bytes
    }

    /// A client may act for nobody but itself (RFC 6120 §6.3.8).
    static func checkIdentity(_ authzid: String?, _ user: String, _ naming: SASLNaming) throws(SASLFailure) {
        if let authzid, naming.owner(authzid) != user { throw SASLFailure(.invalidAuthzid) }
    }
}
