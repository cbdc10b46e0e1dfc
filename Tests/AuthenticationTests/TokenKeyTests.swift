import CJWT
import Configuration
import SASL
import Testing

@testable import Authentication

@Suite("Tokens are read with the key that signed them", .timeLimit(.minutes(1)), .enabled(if: cjwt_is_available() == 1))
struct TokenKeyTests {
    /// The example of RFC 7515 §A.1: of `joe`, until a second in 2011.
    private static let token = [
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ].joined(separator: ".")
    private static let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
    private static let end = 1_300_819_380.0

    private static func key(_ bytes: [UInt8], _ algorithm: String = "HS256") throws -> TokenKey {
        let text = "[auth.jwt]\nsecret.env = \"KEY\"\nalgorithm = \"\(algorithm)\"\nusername_key = \"iss\""
        let files = BundledFiles([ConfiguredFile(path: "environment variable KEY", contents: bytes)])
        return try TokenKey(try #require(try TestAccounts.configuration(text, files).jwt))
    }

    @Test(
        "one claim is the user, until the token ends",
        arguments: [
            ("iss", end - 1, "joe"), ("iss", end, nil), ("sub", end - 1, nil), ("exp", end - 1, nil),
        ] as [(String, Double, String?)])
    func users(_ claim: String, _ now: Double, _ user: String?) throws {
        let key = try Self.key(try #require(Base64.decode(Self.key)))
        #expect(key.user(of: Self.token, claim: claim, at: now) == user)
    }

    @Test("another key, another algorithm, another text: nobody's")
    func strangers() throws {
        let bytes = try #require(Base64.decode(Self.key))
        func user(_ key: TokenKey, _ token: String = Self.token) -> String? { key.user(of: token, claim: "iss", at: Self.end - 1) }
        #expect(user(try Self.key(bytes)) == "joe")
        #expect(user(try Self.key(Array(bytes.dropLast()))) == nil)
        #expect(user(try Self.key(bytes, "HS512")) == nil)
        #expect(user(try Self.key(bytes), String(Self.token.dropLast())) == nil)
        #expect(user(try Self.key(bytes), "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ.") == nil)
        #expect(user(try Self.key(bytes), "") == nil)
    }

    @Test(
        "a key that cannot be one is refused at its option",
        arguments: [("", "HS256", "the key is empty"), ("no PEM", "RS256", "RS256 needs"), ("no PEM", "ES256", "ES256 needs")])
    func refusals(_ key: String, _ algorithm: String, _ text: String) throws {
        let problem = try #require(throws: TokenKey.Problem.self) { _ = try Self.key(Array(key.utf8), algorithm) }
        #expect(problem.option == "jwt.secret.env" && problem.text.hasPrefix(text))
    }
}
