import IPC
import Network
import Operations
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

/// The verbs of administrators, on a worker.
@Suite(.timeLimit(.minutes(5)))
struct OperationTests {
    @Test @LoopActor func somebodyCarriesOutEveryVerbOfWorkers() async throws {
        let stage = try await Stage("", Catalog.modules)
        #expect(stage.workers.allSatisfy { $0.operations.missing.isEmpty })
    }

    @Test @LoopActor func aSessionIsListedAndClosedWhereverItIs() async throws {
        let stage = try await Stage()
        let client = try await stage.client("ada", on: 1)
        let found = await stage.workers[0].perform("session.list", ["jid": "ada@example.org"])
        guard case .success(let result) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(result["rows"]?.array?.map { $0["worker"]?.int } == [1])
        #expect(result["more"] == false)
        let kick: Value = ["jid": "ada@example.org", "reason": "See you"]
        #expect(await stage.workers[0].perform("session.kick", kick) == .success(["closed": 1]))
        #expect(await client.hears { $0.isNamed("error") } != nil)
        #expect(client.error == StreamError(.policyViolation, text: "See you"))
    }

    @Test @LoopActor func aSessionOfAWorkerThatDoesNotReadIsNotCalledClosed() async throws {
        let stage = try await Stage()
        let client = try await stage.client("ada", on: 1)
        stage.fillMesh()
        guard case .failure("unavailable", _) = await stage.workers[0].perform("session.kick", ["jid": "ada@example.org"]) else {
            Issue.record("the session counts as closed")
            return
        }
        #expect(client.error == nil)
        stage.emptyMesh()
        #expect(await stage.workers[0].perform("session.kick", ["jid": "ada@example.org"]) == .success(["closed": 1]))
    }

    @Test(
        arguments: [
            ("account.exists", ["jid": "ada@elsewhere.example"], "not-found"),
            ("account.exists", ["jid": "example.org"], "bad-argument"),
            ("account.count", ["domain": "elsewhere.example"], "not-found"),
            ("session.kick", ["jid": "ada@example.org"], "not-found"),
            ("account.add", ["jid": "ada@example.org", "password": "a\u{7}b"], "bad-argument"), ("stop", nil, "unavailable"),
            ("start", nil, "unknown-verb"),
        ] as [(String, Value, String)])
    @LoopActor func whatCannotBeCarriedOutIsSaid(_ verb: String, _ arguments: Value, _ code: String) async throws {
        let stage = try await Stage()
        guard case .failure(code, _) = await stage.workers[0].perform(verb, arguments) else {
            Issue.record("\(verb) did not fail with \(code)")
            return
        }
    }
}
