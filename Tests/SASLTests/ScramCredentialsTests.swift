import Testing

@testable import SASL

@Suite("SCRAM credentials", .timeLimit(.minutes(5)))
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

    /// The vectors of RFC 6070 and RFC 7914 §11, and others made with Python's hashlib, whose derivation is OpenSSL's own.
    @Test(
        "Keys are stretched by PBKDF2 with each hash, whatever the lengths of password and salt",
        arguments: [
            (ScramHash.sha1, "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (.sha1, "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
            (
                .sha1, "pencil", "salt", 3,
                "245ca56f0cbd6344475ad0e6abb5b8f139768268"
            ),
            (
                .sha1, String(repeating: "p", count: 64), "s", 1,
                "490dcde0054501afea8c77ce4432b040c8b7fe81"
            ),
            (
                .sha1, String(repeating: "q", count: 65), String(repeating: "NaCl", count: 40), 2,
                "7514c94192f91ba08f2b447db62c2a047d9a2dce"
            ),
            (
                .sha224, "pencil", "salt", 3,
                "3ed63780d0ba8d09e76a0510b53e39296057ee04384bc4aec2607a79"
            ),
            (
                .sha224, String(repeating: "p", count: 64), "s", 1,
                "64682954487747bcda47464476f46d75929a7e439608d805657a58bc"
            ),
            (
                .sha224, String(repeating: "q", count: 65), String(repeating: "NaCl", count: 40), 2,
                "e421feac68bd530e513788f9dd98fc958a89f49d7eed1521b0ae2224"
            ),
            (
                .sha256, "pencil", "salt", 3,
                "958a229c5bfaa8ac4c4efc20478aa1b9352a6f39d9947c07b8fde99500dc5f8e"
            ),
            (
                .sha256, String(repeating: "p", count: 64), "s", 1,
                "44aa374998bd8dd94dd7ef19e8907e47b3b815600650644ccd1c3841f80e5df7"
            ),
            (
                .sha256, String(repeating: "q", count: 65), String(repeating: "NaCl", count: 40), 2,
                "266b0b3f1c83b14763367ae26f90e252030b876e15e3c3fbbf6cbf36c68b0377"
            ),
            (
                .sha384, "pencil", "salt", 3,
                "887250fbb9301a423370712325e543e786b4bb611a4b921a963f0bc09b72dc062364133bee53755b22e8deb787463a25"
            ),
            (
                .sha384, String(repeating: "p", count: 128), "s", 1,
                "52a10851026832e56e5e544c7b6f32fb9af1cee37b2fca188a322b9375bc0684b10be65c6458ab23b4517bc353493bb2"
            ),
            (
                .sha384, String(repeating: "q", count: 129), String(repeating: "NaCl", count: 40), 2,
                "7f3fca9f1c8da125f18fd45e1c82267fd43009e9293904fd0d797061799408267bb945ae86102ac7cba4da281c64a86d"
            ),
            (
                .sha512, "pencil", "salt", 3,
                "672b69d049d6e6198dea096e866c9e490e9dbd38a668cf6203f36cc45762c831fdaafdb9f2ab19bf03c7bcf1e6f6a8c8e68691279f6d1a0fea612cc4c1b76b56"
            ),
            (
                .sha512, String(repeating: "p", count: 128), "s", 1,
                "c751defdcb4a61a263eef040a8c4836fdf344f977d1f23fc4c484cb61ffef0f44b9443f1c712ca05f288a0f7a1d7f2183ded34ab8db633599f8d20cad6221b0c"
            ),
            (
                .sha512, String(repeating: "q", count: 129), String(repeating: "NaCl", count: 40), 2,
                "2232d4ace7a7a266673409dc6b5f8f9459213e1f42da10a42ce4a7c851ba478911baf724292d898600c710a4605fcbf7d7072d5bc9a89965cebd82386f4defb3"
            ),
        ])
    func stretch(_ hash: ScramHash, _ password: String, _ salt: String, _ iterations: Int, _ expected: String) {
        let key = hash.stretch(Array(password.utf8), salt: Array(salt.utf8), iterations: iterations)
        #expect(key?.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
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
