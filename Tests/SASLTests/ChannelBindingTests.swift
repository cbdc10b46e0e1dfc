import SASL
import Testing

@Suite("Channel binding", .timeLimit(.minutes(5)))
struct ChannelBindingTests {
    private let both = ChannelBindings(
        exporter: bytes("exported"), serverEndPoint: bytes("certificate"), unique: bytes("finished"))

    private func run(
        _ client: ScramClient, _ mechanism: Mechanism, _ bindings: ChannelBindings, offersPlus: Bool
    ) -> SASLExchange.Action? {
        var scram = exchange(mechanism, bindings: bindings, offersPlus: offersPlus)
        let answer = scram.handle(.initialResponse(client.first))
        guard case .fetchCredentials = answer else { return answer }
        let challenge = text(scram.handle(.credentials(.found(credentials("pencil")), nonce: nonce)))
        return scram.handle(.response(client.final(challenge).message))
    }

    private func isSuccess(_ action: SASLExchange.Action?) -> Bool {
        if case .success = action { true } else { false }
    }

    @Test("Each type binds to its own data", arguments: ChannelBindingType.allCases)
    func bound(type: ChannelBindingType) throws {
        var client = ScramClient(header: "p=\(type.rawValue),,", channelData: try #require(both[type]))
        #expect(isSuccess(run(client, scram256Plus, both, offersPlus: true)))
        client.channelData = bytes("of another connection")
        #expect(run(client, scram256Plus, both, offersPlus: true) == .failure(.notAuthorized))
        client.channelData = []
        #expect(run(client, scram256Plus, both, offersPlus: true) == .failure(.notAuthorized))
    }

    @Test("A type that is unknown or has no data here", arguments: ["tls-unique", "tls-exporter", "x", "TLS-EXPORTER"])
    func missingType(name: String) {
        let client = ScramClient(header: "p=\(name),,", channelData: bytes("exported"))
        let only = ChannelBindings(serverEndPoint: bytes("certificate"))
        #expect(condition(run(client, scram256Plus, only, offersPlus: true)) == .malformedRequest)
    }

    @Test("The flag must fit the mechanism")
    func flags() {
        for header in ["n,,", "y,,"] {
            #expect(condition(run(ScramClient(header: header), scram256Plus, both, offersPlus: true)) == .malformedRequest)
        }
        let binding = ScramClient(header: "p=tls-exporter,,", channelData: bytes("exported"))
        #expect(condition(run(binding, scram256, both, offersPlus: true)) == .malformedRequest)
    }

    @Test("A client that was not shown our offer is told (RFC 5802 §6)")
    func downgrade() {
        #expect(condition(run(ScramClient(header: "y,,"), scram256, both, offersPlus: true)) == .malformedRequest)
        #expect(isSuccess(run(ScramClient(header: "y,,"), scram256, .none, offersPlus: false)))
        #expect(isSuccess(run(ScramClient(header: "n,,"), scram256, both, offersPlus: true)))
    }

    @Test("A changed flag is seen in the final message")
    func changedFlag() {
        var scram = exchange(scram256)
        _ = scram.handle(.initialResponse(ScramClient(header: "n,,").first))
        let challenge = text(scram.handle(.credentials(.found(credentials("pencil")), nonce: nonce)))
        let message = ScramClient(header: "y,,").final(challenge).message
        #expect(scram.handle(.response(message)) == .failure(.notAuthorized))
    }

    @Test("What is advertised (XEP-0440)")
    func advertised() {
        #expect(both.types == [.tlsExporter, .tlsServerEndPoint, .tlsUnique])
        #expect(ChannelBindings(serverEndPoint: [1]).types == [.tlsServerEndPoint])
        #expect(ChannelBindings.none.isEmpty)
    }
}
