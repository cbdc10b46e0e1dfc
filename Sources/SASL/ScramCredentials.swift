/// What a server keeps instead of a password: salt, iteration count and the two keys of RFC 5802 §3.
///
/// Whoever has them can check a proof or a password, but cannot log in elsewhere without guessing. Still a secret: it
/// describes itself without its contents.
public struct ScramCredentials: Sendable, Equatable {
    /// What an iteration count may be. The upper end bounds how long one check may occupy a thread (seconds).
    public static let iterationRange = 1...10_000_000
    /// Bytes of a salt.
    public static let saltRange = 1...1024

    public let hash: ScramHash
    public let salt: [UInt8]
    public let iterations: Int
    public let storedKey: [UInt8]
    public let serverKey: [UInt8]

    /// Credentials read from a store; nil when they cannot be credentials: a key of the wrong length, a count or a
    /// salt out of bounds.
    public init?(hash: ScramHash, salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
        guard Self.saltRange.contains(salt.count), Self.iterationRange.contains(iterations),
            storedKey.count == hash.length, serverKey.count == hash.length
        else { return nil }
        self.hash = hash
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// The credentials of a password. Takes milliseconds (PBKDF2): call it on a thread of its own.
    ///
    /// - Parameters:
    ///   - salt: fresh random bytes, 16 are enough.
    ///   - iterations: within `iterationRange`.
    /// - Returns: nil when a parameter is out of bounds or the library refuses the hash.
    public static func derive(
        password: Password, salt: [UInt8], iterations: Int, hash: ScramHash
    ) -> ScramCredentials? {
        derive(form: password.keyForm, salt: salt, iterations: iterations, hash: hash)
    }

    private static func derive(form: [UInt8], salt: [UInt8], iterations: Int, hash: ScramHash) -> ScramCredentials? {
        guard saltRange.contains(salt.count), iterationRange.contains(iterations),
            let salted = hash.stretch(form, salt: salt, iterations: iterations),
            let clientKey = hash.authenticate(Array("Client Key".utf8), key: salted),
            let storedKey = hash.digest(clientKey),
            let serverKey = hash.authenticate(Array("Server Key".utf8), key: salted)
        else { return nil }
        return ScramCredentials(
            hash: hash, salt: salt, iterations: iterations, storedKey: storedKey, serverKey: serverKey)
    }

    /// Whether `password` is the one these credentials were derived from, in either of its forms: earlier releases and
    /// other servers derived from another than we do. Takes milliseconds (PBKDF2), twice as many only for a password
    /// whose forms differ.
    public func verify(_ password: Password) -> Bool {
        password.forms.contains { form in
            let derived = Self.derive(form: form, salt: salt, iterations: iterations, hash: hash)
            return derived.map { ScramHash.isEqual($0.storedKey, storedKey) } ?? false
        }
    }

    /// Checks a password of an account that may not exist: without stored credentials the same work is done against
    /// a stand-in, so that time does not tell which accounts there are. Takes milliseconds (PBKDF2).
    ///
    /// - Parameters:
    ///   - stored: the account's credentials, nil for no account.
    ///   - iterations: the count that new accounts get.
    public static func verify(
        _ password: Password, against stored: ScramCredentials?, orHash hash: ScramHash, iterations: Int
    ) -> Bool {
        if let stored { return stored.verify(password) }
        let salt = [UInt8](repeating: 0, count: standInSaltLength)
        for form in password.forms { _ = derive(form: form, salt: salt, iterations: iterations, hash: hash) }
        return false
    }

    /// What a client that asks for an unknown account is shown: the same salt each time it asks (RFC 5802 §9), which
    /// nobody without `secret` can tell from a stored one.
    static func standIn(user: String, secret: [UInt8], iterations: Int, hash: ScramHash) -> ScramCredentials? {
        let label = Array(hash.rawValue.utf8) + [0] + Array(user.utf8)
        guard let salt = standInSalt(user: user, secret: secret, hash: hash),
            let key = hash.authenticate([1] + label, key: secret)
        else { return nil }
        return ScramCredentials(hash: hash, salt: salt, iterations: iterations, storedKey: key, serverKey: key)
    }

    /// The salt that every client which asks for this user is shown where no salt is kept: of an unknown account, and
    /// of one whose password is kept as it is. The two are then the same for a client.
    public static func standInSalt(user: String, secret: [UInt8], hash: ScramHash) -> [UInt8]? {
        let label = Array(hash.rawValue.utf8) + [0] + Array(user.utf8)
        return ScramHash.sha256.authenticate([0] + label, key: secret).map { Array($0.prefix(standInSaltLength)) }
    }

    /// Bytes of the salt of an unknown account: what `derive`'s callers use for stored ones.
    public static let standInSaltLength = 16

    /// Whether `proof` answers `message` (RFC 5802 §3): the server's signature if it does, nil if not. Both ways take
    /// the same work.
    func check(proof: [UInt8], of message: [UInt8]) -> [UInt8]? {
        guard proof.count == hash.length,
            let clientSignature = hash.authenticate(message, key: storedKey),
            let serverSignature = hash.authenticate(message, key: serverKey),
            let candidate = hash.digest(zip(proof, clientSignature).map { $0 ^ $1 })
        else { return nil }
        return ScramHash.isEqual(candidate, storedKey) ? serverSignature : nil
    }
}

extension ScramCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "(credentials \(hash.rawValue), \(iterations) iterations)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
