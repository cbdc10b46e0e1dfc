import Testing

@testable import SASL

@Suite("SCRAM: the examples of the standards", .timeLimit(.minutes(5)))
struct ScramVectorTests {
    private struct Example {
        let hash: ScramHash
        let salt: String
        let first: String
        let ownNonce: String
        let challenge: String
        let final: String
        let signature: String
    }

    /// RFC 5802 §5 and RFC 7677 §3: user `user`, password `pencil`.
    private static let examples = [
        Example(
            hash: .sha1, salt: "QSXCR+Q6sek8bf92", first: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            ownNonce: "3rfcNHYJY1ZVvWVs7j",
            challenge: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            signature: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="),
        Example(
            hash: .sha256, salt: "W22ZaJ0SNY7soEsUEjb6gQ==", first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            ownNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            signature: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
    ]

    @Test("RFC 5802 §5, RFC 7677 §3", arguments: [0, 1])
    func example(index: Int) throws {
        let example = Self.examples[index]
        let naming = SASLNaming(user: { $0 }, password: { Password(prepared: $0) }, owner: { _ in nil })
        let opening = try ScramOpening(
            ScramClientFirst(parsing: bytes(example.first)), hash: example.hash, plus: false,
            service: SASLService(naming: naming, secret: [1], iterations: 4096), bindings: .none, offersPlus: false)
        #expect(opening.user == "user")
        let salt = try #require(Base64.decode(example.salt))
        let stored = try #require(
            ScramCredentials.derive(
                password: Password(prepared: "pencil"), salt: salt, iterations: 4096, hash: example.hash))
        let challenge = try opening.challenge(.found(stored), ownNonce: example.ownNonce)
        #expect(String(decoding: challenge.message, as: UTF8.self) == example.challenge)
        #expect(try challenge.verify(bytes(example.final)) == bytes(example.signature))
        let unknown = try opening.challenge(.notFound, ownNonce: example.ownNonce)
        #expect(throws: SASLFailure.notAuthorized) { try unknown.verify(bytes(example.final)) }
    }
}
