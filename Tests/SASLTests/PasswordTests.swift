import Testing

@testable import SASL

@Suite("Passwords and their two forms", .timeLimit(.minutes(5)))
struct PasswordTests {
    /// A password as a person types it, and what SASLprep makes of it.
    static let folded = [("ｐａｓｓ", "pass"), ("Ⅸ", "IX"), ("ﬁsh", "fish"), ("①", "1"), ("x²", "x2")]

    private func derive(_ password: Password) throws -> ScramCredentials {
        try #require(ScramCredentials.derive(password: password, salt: [1, 2, 3], iterations: 4, hash: .sha256))
    }

    @Test("Keys are derived as a client with SASLprep derives them (RFC 5802 §2.2)", arguments: folded)
    func keysOfTheStandard(_ typed: String, _ prepared: String) throws {
        let new = try #require(Password(new: typed))
        let given = try #require(Password(given: prepared))
        let (server, client) = (try derive(new), try derive(given))
        #expect(server == client)
    }

    @Test("Keys that were derived from either form take the password as it was typed", arguments: folded)
    func bothForms(_ typed: String, _ prepared: String) throws {
        let given = try #require(Password(given: typed))
        #expect(given.forms.count == 2)
        for form in [typed, prepared] {
            let salted = try #require(ScramHash.sha256.stretch(Array(form.utf8), salt: [1, 2, 3], iterations: 4))
            let key = try #require(ScramHash.sha256.authenticate(Array("Client Key".utf8), key: salted))
            let stored = try #require(ScramHash.sha256.digest(key))
            let kept = try #require(
                ScramCredentials(
                    hash: .sha256, salt: [1, 2, 3], iterations: 4, storedKey: stored,
                    serverKey: [UInt8](repeating: 0, count: 32)))
            #expect(kept.verify(given), "\(form)")
            #expect(!kept.verify(Password(prepared: typed + "x")))
        }
    }

    @Test("A password that is kept as it is takes either form", arguments: folded)
    func keptAsItIs(_ typed: String, _ prepared: String) throws {
        let kept = Password(prepared: typed)
        let (one, other) = (Password(given: typed), Password(given: prepared))
        #expect(one?.isSame(as: kept) == true)
        #expect(other?.isSame(as: kept) == true)
        #expect(one?.isSame(as: Password(prepared: prepared)) == true)
        #expect(!Password(prepared: prepared + "x").isSame(as: kept))
        #expect(Password(prepared: "").isSame(as: kept) == false)
    }

    @Test("A password whose forms do not differ is tried once", arguments: ["pencil", "Grün", "a b", "名前", "u\u{308}"])
    func oneForm(_ text: String) throws {
        #expect(Password(given: text)?.forms.count == 1)
    }

    /// What one profile refuses the other may allow.
    @Test("A password with joiners is one after SASLprep")
    func onlyOneProfile() throws {
        let family = "\u{1f468}\u{200d}\u{1f469}"
        #expect(Password(given: family)?.bytes == Array("\u{1f468}\u{1f469}".utf8))
        #expect(Password(given: "a\u{7}") == nil)
        #expect(Password(given: "") == nil)
    }

    /// The worst shape for a rule that looks around each middle dot, as long as a message of PLAIN allows.
    @Test("A password that is too long is refused before it is prepared")
    func lengths() {
        let dots = String(repeating: "\u{30fb}", count: 2700) + "\u{30a2}"
        #expect(Password(given: dots) == nil)
        #expect(Password(new: dots) == nil)
        #expect(Password(given: String(repeating: "\u{30fb}", count: 340) + "\u{30a2}") != nil)
        #expect(Password(given: String(repeating: "\u{30fb}", count: 341) + "\u{30a2}") == nil)
        // A token stands for a password and may be longer, since ASCII needs no preparation.
        let token = String(repeating: "t", count: 4000)
        #expect(Password(given: token)?.bytes.count == 4000)
        #expect(Password(new: token) == nil)
        #expect(Password(new: String(repeating: "t", count: Password.longest)) != nil)
        #expect(Password(new: String(repeating: "t", count: Password.longest + 1)) == nil)
    }
}
