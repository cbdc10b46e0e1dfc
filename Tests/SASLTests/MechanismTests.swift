import SASL
import Testing

@Suite("Mechanisms", .timeLimit(.minutes(5)))
struct MechanismTests {
    @Test("Names come back as the mechanism they name")
    func names() {
        for mechanism in Mechanism.all {
            #expect(Mechanism(name: mechanism.name) == mechanism)
            #expect(Mechanism(optionName: mechanism.optionName) == mechanism)
        }
        #expect(Mechanism.scram(.sha256, plus: true).name == "SCRAM-SHA-256-PLUS")
        #expect(Mechanism(name: "SCRAM-SHA-1") == .scram(.sha1, plus: false))
        #expect(Mechanism(optionName: "scram_sha512_plus") == .scram(.sha512, plus: true))
        #expect(Mechanism(optionName: "scram_sha1") == .scram(.sha1, plus: false))
    }

    @Test("What is no name", arguments: ["", "plain", "Scram-SHA-1", "SCRAM-SHA1", "SCRAM-MD5", "SCRAM-SHA-1-PLUS ", "OAUTH"])
    func unknown(name: String) {
        #expect(Mechanism(name: name) == nil)
        #expect(Mechanism(optionName: name) == (name == "plain" ? .plain : nil))
    }

    @Test("The order is by strength, with channel binding first")
    func order() {
        #expect(
            Mechanism.all.map(\.optionName) == [
                "scram_sha512_plus", "scram_sha512", "scram_sha384_plus", "scram_sha384", "scram_sha256_plus",
                "scram_sha256", "scram_sha224_plus", "scram_sha224", "scram_sha1_plus", "scram_sha1", "plain", "external",
                "anonymous",
            ])
    }

    @Test("What each asks of the connection")
    func needs() {
        #expect(Mechanism.all.filter(\.revealsPassword) == [.plain])
        #expect(Mechanism.all.filter(\.needsCertificate) == [.external])
        #expect(Mechanism.all.filter(\.bindsChannel).allSatisfy { $0.name.hasSuffix("-PLUS") })
        #expect(Mechanism.all.filter(\.bindsChannel).count == ScramHash.allCases.count)
    }
}
