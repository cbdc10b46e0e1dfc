/// A SCRAM exchange between the client's first message and the answer of the credential store.
struct ScramOpening: Sendable {
    /// The account's name after preparation.
    let user: String
    private let nonce: String
    private let bare: [UInt8]
    /// What the client must repeat in its final message.
    private let expectedBinding: [UInt8]
    /// Shown when there is no such account. Made before that is known, so that both ways do the same work.
    private let standIn: ScramCredentials

    init(
        _ message: ScramClientFirst, hash: ScramHash, plus: Bool, service: SASLService, bindings: ChannelBindings,
        offersPlus: Bool
    ) throws(SASLFailure) {
        let data = try Self.channelData(message.flag, plus: plus, bindings: bindings, offersPlus: offersPlus)
        guard let user = service.naming.user(message.user) else { throw .notAuthorized }
        try SASLExchange.checkIdentity(message.authzid, user, service.naming)
        let standIn = ScramCredentials.standIn(
            user: user, secret: service.secret, iterations: service.iterations, hash: hash)
        guard let standIn else { throw .temporaryAuthFailure }
        self.user = user
        self.standIn = standIn
        nonce = message.nonce
        bare = message.bare
        expectedBinding = message.header + data
    }

    /// The data that the proof must cover, by what the client says about channel binding (RFC 5802 §6).
    private static func channelData(
        _ flag: ChannelBindingFlag, plus: Bool, bindings: ChannelBindings, offersPlus: Bool
    ) throws(SASLFailure) -> [UInt8] {
        switch (flag, plus) {
        case (.unsupported, false):
            return []
        case (.unused, false):
            // Somebody took the -PLUS mechanisms out of the offer on its way to the client, or the client is
            // careless with the flag (slixmpp up to 1.8 is). No password was guessed.
            if offersPlus { throw .malformed("channel binding was offered") }
            return []
        case (.required(let name), true):
            guard let type = ChannelBindingType(rawValue: name), let data = bindings[type] else {
                throw .malformed("channel binding type not offered")
            }
            return data
        case (.required, false), (.unsupported, true), (.unused, true):
            throw .malformed("channel binding flag does not fit the mechanism")
        }
    }

    /// The server's first message, once it is known whether there is such an account.
    func challenge(_ answer: SASLExchange.CredentialsAnswer, nonce random: [UInt8]) throws(SASLFailure) -> ScramChallenge {
        guard random.count >= SASLExchange.nonceLength else { throw .temporaryAuthFailure }
        return try challenge(answer, ownNonce: Base64.encode(random))
    }

    /// The same with the server's part of the nonce as text: the examples of the standards have one that no bytes give.
    func challenge(_ answer: SASLExchange.CredentialsAnswer, ownNonce: String) throws(SASLFailure) -> ScramChallenge {
        switch answer {
        case .found(let credentials):
            guard credentials.hash == standIn.hash else { throw .temporaryAuthFailure }
            return make(credentials, isKnown: true, ownNonce)
        case .notFound:
            return make(standIn, isKnown: false, ownNonce)
        case .temporarilyUnavailable:
            throw .temporaryAuthFailure
        }
    }

    private func make(_ credentials: ScramCredentials, isKnown: Bool, _ ownNonce: String) -> ScramChallenge {
        let combined = nonce + ownNonce
        let message = "r=\(combined),s=\(Base64.encode(credentials.salt)),i=\(credentials.iterations)"
        return ScramChallenge(
            user: user, message: Array(message.utf8), nonce: Array(combined.utf8), bare: bare,
            expectedBinding: expectedBinding, credentials: credentials, isKnown: isKnown)
    }
}

/// A SCRAM exchange between the server's first message and the client's final one.
struct ScramChallenge: Sendable {
    let user: String
    /// `server-first-message`.
    let message: [UInt8]
    fileprivate let nonce: [UInt8]
    fileprivate let bare: [UInt8]
    fileprivate let expectedBinding: [UInt8]
    fileprivate let credentials: ScramCredentials
    fileprivate let isKnown: Bool

    /// The `server-final-message` if the client's final message proves the password.
    func verify(_ bytes: [UInt8]) throws(SASLFailure) -> [UInt8] {
        let final = try ScramClientFinal(parsing: bytes)
        guard final.nonce.elementsEqual(nonce) else { throw .malformed("not the nonce of this exchange") }
        guard final.proof.count == credentials.hash.length else { throw .malformed("proof of a wrong length") }
        let comma = [UInt8(ascii: ",")]
        let covered = bare + comma + message + comma + final.withoutProof
        let signature = credentials.check(proof: final.proof, of: covered)
        let isBound = ScramHash.isEqual(final.binding, expectedBinding)
        guard let signature, isBound, isKnown else { throw .notAuthorized }
        return Array("v=\(Base64.encode(signature))".utf8)
    }
}
