import SASL
import Testing

@Suite("Dialback keys (XEP-0185)", .timeLimit(.minutes(1)))
struct DialbackSecretTests {
    /// XEP-0185 §3, and XEP-0220 §2.1.1 and §2.2.2.
    private static let table: [(secret: String, receiving: String, originating: String, id: String, key: String)] = [
        (
            "s3cr3tf0rd14lb4ck", "xmpp.example.com", "example.org", "D60000229F",
            "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"
        ),
        (
            "s3cr3tf0rd14lb4ck", "montague.example", "capulet.example", "D60000229F",
            "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3"
        ),
        (
            "d14lb4ck43v3r", "capulet.example", "montague.example", "417GAF25",
            "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d"
        ),
    ]

    @Test("The examples of the specifications")
    func examples() throws {
        for (secret, receiving, originating, id, key) in Self.table {
            let secret = try #require(DialbackSecret(secret))
            #expect(secret.key(receiving: receiving, originating: originating, streamID: id) == key)
            #expect(secret.made(key, receiving: receiving, originating: originating, streamID: id))
        }
    }

    @Test("A key is one for all of its facts")
    func facts() throws {
        let (text, receiving, originating, id, key) = Self.table[0]
        let secret = try #require(DialbackSecret(text))
        #expect(try !(#require(DialbackSecret(text + "x")).made(key, receiving: receiving, originating: originating, streamID: id)))
        #expect(!secret.made(key, receiving: originating, originating: receiving, streamID: id))
        #expect(!secret.made(key, receiving: receiving, originating: originating, streamID: id + "0"))
        for wrong in ["", key.uppercased(), key + "0", String(key.dropLast()), " " + key, String(repeating: "0", count: 64)] {
            #expect(!secret.made(wrong, receiving: receiving, originating: originating, streamID: id))
        }
    }
}
