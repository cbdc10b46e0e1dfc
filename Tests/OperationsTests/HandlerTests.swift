import IPC
import Testing

@testable import Operations

@Suite(.timeLimit(.minutes(5)))
struct HandlerTests {
    private var handlers: OperationHandlers<String> {
        var handlers = OperationHandlers<String>(for: .worker)
        handlers.register("account.exists", "first")
        handlers.register("account.exists", "second")
        handlers.register("account.list", "list")
        return handlers
    }

    @Test func aHandlerIsFoundWithCheckedArguments() throws {
        let (handler, arguments) = try handlers.find(verb: "account.list", arguments: nil)
        #expect(handler == "list")
        #expect(arguments.value == ["limit": 1000])
        #expect(try handlers.find(verb: "account.exists", arguments: ["jid": "ada@example.org"]).0 == "second")
        #expect(throws: Operation.Failure.self) { try handlers.find(verb: "account.exists", arguments: nil) }
    }

    @Test(arguments: ["account.count", "status"])
    func whatNobodyOrAnotherProcessCarriesOutIsUnavailable(_ verb: String) {
        let failure = Operation.Failure(.unavailable, "this process cannot carry out '\(verb)'")
        #expect(throws: failure) { try handlers.find(verb: verb, arguments: nil) }
    }

    @Test func anUnknownVerbIsNamed() {
        let failure = Operation.Failure(.unknownVerb, "there is no verb 'fly'")
        #expect(throws: failure) { try handlers.find(verb: "fly", arguments: nil) }
        #expect(failure.result == .failure(code: "unknown-verb", text: "there is no verb 'fly'"))
    }

    @Test func missingNamesWhatIsNotRegistered() {
        let missing = [
            "account.add", "account.remove", "account.passwd", "account.count", "session.list", "session.count", "session.kick",
        ]
        #expect(handlers.missing == missing)
    }
}
