import IPC
import Kernel
import Network
import TestKit
import Testing

@testable import Worker

@Suite("The administrator's verbs that a worker carries out", .timeLimit(.minutes(2)))
struct WorkerOperationsTests {
    init() { precondition(Loop.runOnThread()) }

    private func code(_ result: OperationResult) -> String {
        switch result {
        case .success: "success"
        case .failure(let code, _): code
        }
    }

    @Test("accounts are made once, listed in pages, and removed once")
    @LoopActor func accounts() async throws {
        let stage = try await WorkerStage()
        func perform(_ verb: String, _ arguments: Value) async -> OperationResult {
            await stage.runtime.server.perform(verb, arguments)
        }
        let romeo: Value = ["jid": "romeo@localhost"]
        let withPassword: Value = ["jid": "romeo@localhost", "password": "secret"]
        #expect(await perform("account.add", withPassword) == .success(romeo))
        #expect(code(await perform("account.add", withPassword)) == "exists")
        #expect(code(await perform("account.add", ["jid": "romeo@verona.example", "password": "x"])) == "not-found")
        #expect(code(await perform("account.add", ["jid": "romeo@localhost/r", "password": "x"])) == "bad-argument")
        #expect(code(await perform("account.add", ["jid": "juliet@localhost", "password": ""])) == "bad-argument")
        for user in ["benvolio", "mercutio"] { try await stage.account(user) }
        #expect(await perform("account.count", [:]) == .success(["count": .int(3)]))
        let first: Value = ["rows": [["jid": "benvolio@localhost"], ["jid": "mercutio@localhost"]], "more": true]
        #expect(await perform("account.list", ["limit": 2]) == .success(first))
        let rest: Value = ["rows": [romeo], "more": false]
        #expect(await perform("account.list", ["after": "mercutio@localhost"]) == .success(rest))
        #expect(await perform("account.remove", romeo) == .success(romeo))
        #expect(code(await perform("account.remove", romeo)) == "not-found")
        #expect(code(await perform("status", [:])) == "unavailable")
        #expect(code(await perform("no.such", [:])) == "unknown-verb")
        await stage.end()
    }
}
