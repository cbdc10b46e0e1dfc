import Network
import TestKit
import Testing

@testable import Authentication
@testable import Kernel
@testable import Worker

/// The derivations of keys are what a login costs: whoever could tell a login with them from one without, by its time, could
/// tell who has an account.
@Suite("What a login costs a worker", .timeLimit(.minutes(2)))
struct LoginWorkTests {
    init() { precondition(Loop.runOnThread()) }

    private static let sasl = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

    /// The requests of a login that fails, and how each answer ends.
    private static func plain(_ user: String) -> [(request: String, end: String)] {
        [("<auth \(sasl) mechanism='PLAIN'>\(encoded("\0\(user)\0wrong"))</auth>", "</failure>")]
    }

    private static func scram(_ user: String) -> [(request: String, end: String)] {
        [
            ("<auth \(sasl) mechanism='SCRAM-SHA-256'>\(encoded("n,,n=\(user),r=abcdefgh"))</auth>", "</challenge>"),
            ("<response \(sasl)>\(encoded("c=biws,r=wrong,p=AAAA"))</response>", "</failure>"),
        ]
    }

    private static func encoded(_ text: String) -> String { Base64.encode(Array(text.utf8)) }

    @Test("an account that is not there costs as many derivations as one that is", arguments: ["plain", "scram"])
    func absentAccounts(_ format: String) async throws {
        let stage = try await WorkerStage("", passwords: format)
        for user in ["romeo", "juliet"] { try await stage.account(user) }
        for (mechanism, attempt) in [("PLAIN", Self.plain), ("SCRAM", Self.scram)] {
            var costs: [Int] = []
            for user in ["romeo", "nobody", "juliet", "noone"] {
                let before = await stage.see { $0.server.authentication.derivations.begun }
                let client = try StreamTranscript(port: stage.ports[0])
                try client.say(Lines.header)
                _ = try client.hear(until: "</stream:features>")
                for (request, end) in attempt(user) {
                    try client.say(request)
                    _ = try client.hear(until: end)
                }
                costs.append(await stage.see { $0.server.authentication.derivations.begun } - before)
            }
            // The password itself is wrong by one derivation; SCRAM needs one where passwords are kept as they are.
            #expect(Set(costs) == [mechanism == "PLAIN" || format == "plain" ? 1 : 0], "\(mechanism), \(format): \(costs)")
        }
        await stage.end()
    }
}
