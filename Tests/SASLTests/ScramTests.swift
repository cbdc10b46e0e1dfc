import SASL
import Testing

@Suite("SCRAM", .timeLimit(.minutes(5)))
struct ScramTests {
    private let stored = credentials("pencil")

    /// An exchange up to the server's challenge.
    private func challenged(
        _ client: ScramClient = ScramClient(), _ mechanism: Mechanism = scram256, bindings: ChannelBindings = .none,
        offersPlus: Bool = false, answer: SASLExchange.CredentialsAnswer? = nil
    ) -> (SASLExchange, challenge: String) {
        var scram = exchange(mechanism, bindings: bindings, offersPlus: offersPlus)
        _ = scram.handle(.initialResponse(client.first))
        let challenge = text(scram.handle(.credentials(answer ?? .found(stored), nonce: nonce)))
        return (scram, challenge)
    }

    private func first(
        _ message: String, _ mechanism: Mechanism = scram256, bindings: ChannelBindings = .none, offersPlus: Bool = false
    ) -> SASLExchange.Action? {
        var scram = exchange(mechanism, bindings: bindings, offersPlus: offersPlus)
        return scram.handle(.initialResponse(bytes(message)))
    }

    @Test("A whole exchange, with the first message or asked for it", arguments: ScramHash.allCases, [false, true])
    func success(hash: ScramHash, isAsked: Bool) {
        let client = ScramClient(hash: hash)
        var scram = exchange(.scram(hash, plus: false))
        if isAsked { #expect(scram.handle(.initialResponse(nil)) == .challenge([])) }
        #expect(
            scram.handle(isAsked ? .response(client.first) : .initialResponse(client.first))
                == .fetchCredentials(user: "romeo", hash))
        #expect(scram.isWaiting)
        let challenge = text(scram.handle(.credentials(.found(credentials("pencil", hash)), nonce: nonce)))
        #expect(challenge == "r=clientnonceCQkJCQkJCQkJCQkJCQkJCQkJ,s=YSBzYWx0IG9mIHJvbWVv,i=10")
        #expect(!scram.isWaiting)
        let (message, signature) = client.final(challenge)
        #expect(scram.handle(.response(message)) == .success(user: "romeo", additionalData: bytes(signature)))
        #expect(scram.handle(.response(message)) == nil)
    }

    @Test("A wrong password")
    func wrongPassword() {
        let client = ScramClient(password: "pen")
        var (scram, challenge) = challenged(client)
        #expect(scram.handle(.response(client.final(challenge).message)) == .failure(.notAuthorized))
    }

    @Test("An unknown account is shown the same salt each time, a plausible count, and the failure of a wrong password")
    func unknownAccount() {
        let client = ScramClient()
        var (scram, challenge) = challenged(client, answer: .notFound)
        #expect(challenge.hasSuffix(",i=4096"))
        #expect(challenged(client, answer: .notFound).challenge == challenge)
        #expect(challenged(ScramClient(user: "juliet"), answer: .notFound).challenge != challenge)
        #expect(scram.handle(.response(client.final(challenge).message)) == .failure(.notAuthorized))
    }

    @Test("The store does not answer, or answers with another hash, or the nonce is too short")
    func storeTrouble() {
        for (answer, random) in [
            (SASLExchange.CredentialsAnswer.temporarilyUnavailable, nonce), (.found(credentials("pencil", .sha1)), nonce),
            (.found(stored), [1, 2, 3]),
        ] {
            var scram = exchange(scram256)
            _ = scram.handle(.initialResponse(ScramClient().first))
            #expect(scram.handle(.credentials(answer, nonce: random)) == .failure(.temporaryAuthFailure))
        }
    }

    @Test("Names with a comma and an equals sign")
    func escapedNames() {
        #expect(first("n,,n=a=2Cb=3Dc,r=x") == .fetchCredentials(user: "a,b=c", .sha256))
        #expect(first("n,,n=a=3D2C,r=x") == .fetchCredentials(user: "a=2c", .sha256))
        #expect(first("n,,n=J\u{fc}rgen,r=x") == .fetchCredentials(user: "j\u{fc}rgen", .sha256))
    }

    @Test(
        "What is no first message of RFC 5802 §7",
        arguments: [
            "", ",", "n", "n,", "n,,", "n,,n=romeo", "n,,n=romeo,", "n,,n=,r=x", "n,,n=romeo,r=", "n,n=romeo,r=x",
            "n,,r=x,n=romeo", "x,,n=romeo,r=x", "nn,,n=romeo,r=x", "p=,,n=romeo,r=x", "p,,n=romeo,r=x", ",,n=romeo,r=x",
            "n,romeo,n=romeo,r=x", "n,,n=a=2cb,r=x", "n,,n=a=,r=x", "n,,n=a=2,r=x", "n,,n=a=41,r=x",
            "n,,m=ext,n=romeo,r=x", "n,,n=romeo,r=x y", "n,,n=romeo,r=\u{e9}", "n,,n=ro\0meo,r=x", "n,,n=romeo,r=x,",
            "n,,n=romeo,r=x,a", "n,,n=romeo,r=x,1=b", "n,,N=romeo,r=x", "n,a=,n=romeo=,r=x",
        ])
    func malformedFirst(message: String) {
        #expect(condition(first(message)) == .malformedRequest)
    }

    @Test("Nonces and messages have a bound, text is UTF-8")
    func bounds() {
        #expect(condition(first("n,,n=romeo,r=" + String(repeating: "x", count: 513))) == .malformedRequest)
        #expect(first("n,,n=romeo,r=" + String(repeating: "x", count: 512)) == .fetchCredentials(user: "romeo", .sha256))
        let long = "n,,n=" + String(repeating: "x", count: SASLExchange.messageLimit) + ",r=x"
        #expect(condition(first(long)) == .malformedRequest)
        var scram = exchange(scram256)
        #expect(condition(scram.handle(.initialResponse(bytes("n,,n=") + [0xFF] + bytes(",r=x")))) == .malformedRequest)
    }

    @Test("An optional extension is covered by the proof and otherwise ignored")
    func extensions() {
        var scram = exchange(scram256)
        #expect(
            scram.handle(.initialResponse(bytes("n,,n=romeo,r=clientnonce,x=y"))) == .fetchCredentials(user: "romeo", .sha256))
        let client = ScramClient(nonce: "clientnonce,x=y")
        let challenge = text(scram.handle(.credentials(.found(stored), nonce: nonce)))
        let (message, signature) = client.final(challenge, extensions: ",q=1=2")
        #expect(scram.handle(.response(message)) == .success(user: "romeo", additionalData: bytes(signature)))
    }

    @Test("One may act for oneself only")
    func identity() {
        #expect(first("n,a=romeo@example.net,n=romeo,r=x") == .fetchCredentials(user: "romeo", .sha256))
        #expect(condition(first("n,a=juliet@example.net,n=romeo,r=x")) == .invalidAuthzid)
        #expect(first("n,,n=ro@meo,r=x") == .failure(.notAuthorized))
    }

    @Test("What is no final message of RFC 5802 §7")
    func malformedFinal() {
        let client = ScramClient()
        let good = String(decoding: client.final(challenged(client).challenge).message, as: UTF8.self)
        let parts = good.split(separator: ",").map(String.init)
        let bad = [
            "", ",", ",,", "c=biws", parts[0] + "," + parts[1], parts[1] + "," + parts[0] + "," + parts[2],
            "c=bi\u{e9}s," + parts[1] + "," + parts[2], "c=biw," + parts[1] + "," + parts[2],
            parts[0] + "," + parts[1] + ",p=!!!!", parts[0] + "," + parts[1] + ",p=", parts[0] + "," + parts[1] + ",p=AAAA",
            parts[0] + ",r=clientnonce," + parts[2], good + ",x=y", parts[0] + ",m=1," + parts[1] + "," + parts[2],
            parts[0] + "," + parts[1] + ",x," + parts[2], good + "\0",
        ]
        for message in bad {
            var (scram, _) = challenged(client)
            #expect(condition(scram.handle(.response(bytes(message)))) == .malformedRequest, "\(message)")
            #expect(scram.handle(.response(bytes(good))) == nil)
        }
    }

    @Test("A changed byte anywhere in the final message is never a success")
    func tampering() {
        let client = ScramClient()
        let good = client.final(challenged(client).challenge).message
        for index in good.indices {
            var bad = good
            bad[index] ^= 1
            var (scram, _) = challenged(client)
            let end = condition(scram.handle(.response(bad)))
            #expect(end == .malformedRequest || end == .notAuthorized)
        }
    }

    @Test("Abort before and after the challenge")
    func abort() {
        var (scram, _) = challenged()
        #expect(scram.handle(.abort) == .failure(.aborted))
        var early = exchange(scram256)
        _ = early.handle(.initialResponse(ScramClient().first))
        #expect(early.handle(.abort) == .failure(.aborted))
        #expect(early.handle(.credentials(.found(stored), nonce: nonce)) == nil)
    }

    @Test("A message while the store is asked costs the exchange")
    func impatience() {
        var scram = exchange(scram256)
        _ = scram.handle(.initialResponse(ScramClient().first))
        #expect(condition(scram.handle(.response(bytes("x")))) == .temporaryAuthFailure)
    }
}
