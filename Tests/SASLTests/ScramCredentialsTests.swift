import Testing

@testable import SASL

@Suite("SCRAM credentials")
struct ScramCredentialsTests {
    private let salt = Base64.decode("QSXCR+Q6sek8bf92") ?? []

    private func derive(
        _ password: String, salt: [UInt8] = [1, 2, 3], iterations: Int = 4, hash: ScramHash = .sha256
    ) -> ScramCredentials? {
        .derive(password: Password(prepared: password), salt: salt, iterations: iterations, hash: hash)
    }

    @Test("The keys of RFC 5802 §5's example")
    func standardKeys() throws {
        let derived = try #require(derive("pencil", salt: salt, iterations: 4096, hash: .sha1))
        #expect(Base64.encode(derived.storedKey) == "6dlGYMOdZcOPutkcNY8U2g7vK9Y=")
        #expect(Base64.encode(derived.serverKey) == "D+CSWLOshSulAsxiupA+qs2/fTE=")
    }

    @Test("Each hash verifies its own password and no other", arguments: ScramHash.allCases)
    func verify(hash: ScramHash) throws {
        let derived = try #require(derive("Gr\u{fc}n", hash: hash))
        #expect(derived.storedKey.count == hash.length)
        #expect(derived.verify(Password(prepared: "Gr\u{fc}n")))
        #expect(!derived.verify(Password(prepared: "Grun")))
        #expect(!derived.verify(Password(prepared: "")))
    }

    @Test("No account: no password is right")
    func missing() throws {
        let password = Password(prepared: "secret")
        #expect(!ScramCredentials.verify(password, against: nil, orHash: .sha256, iterations: 4))
        let stored = try #require(derive("secret"))
        #expect(ScramCredentials.verify(password, against: stored, orHash: .sha256, iterations: 4))
    }

    @Test("Parameters out of bounds give no credentials")
    func bounds() throws {
        #expect(derive("p", salt: []) == nil)
        #expect(derive("p", salt: [UInt8](repeating: 0, count: 1025)) == nil)
        #expect(derive("p", iterations: 0) == nil)
        #expect(derive("p", iterations: -1) == nil)
        #expect(derive("p", iterations: 10_000_001) == nil)
        let good = try #require(derive("p"))
        func stored(_ storedKey: [UInt8], _ serverKey: [UInt8], _ iterations: Int = 4) -> ScramCredentials? {
            ScramCredentials(
                hash: .sha256, salt: [1, 2, 3], iterations: iterations, storedKey: storedKey, serverKey: serverKey)
        }
        #expect(stored(good.storedKey, good.serverKey) == good)
        #expect(stored(Array(good.storedKey.dropLast()), good.serverKey) == nil)
        #expect(stored(good.storedKey, good.serverKey + [0]) == nil)
        #expect(stored(good.storedKey, good.serverKey, 0) == nil)
    }

    @Test("The stand-in of an unknown account is stable, differs by name and hash, and looks like the others")
    func standIn() throws {
        func make(_ user: String, _ hash: ScramHash = .sha256, _ secret: [UInt8] = [7]) throws -> ScramCredentials {
            try #require(ScramCredentials.standIn(user: user, secret: secret, iterations: 4096, hash: hash))
        }
        let one = try make("romeo")
        #expect(try make("romeo") == one)
        #expect(one.salt.count == ScramCredentials.standInSaltLength)
        #expect(one.iterations == 4096)
        #expect(try make("juliet").salt != one.salt)
        #expect(try make("romeo", .sha1).salt != one.salt)
        #expect(try make("romeo", .sha256, [8]).salt != one.salt)
    }

    @Test("Secrets do not describe themselves")
    func descriptions() throws {
        let password = Password(prepared: "hunter2")
        let derived = try #require(derive("hunter2"))
        for text in ["\(password)", String(reflecting: password), "\(derived)", String(reflecting: derived)] {
            #expect(!text.contains("hunter2") && !text.contains("["))
        }
        var dumped = ""
        dump(password, to: &dumped)
        dump(derived, to: &dumped)
        #expect(!dumped.contains("104") && !dumped.contains("Key"))
    }
}
