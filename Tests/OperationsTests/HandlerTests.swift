import IPC
import Testing

@testable import Operations

@Suite(.timeLimit(.minutes(5)))
struct HandlerTests {
    private var handlers: OperationHandlers<String> {
        var handlers = OperationHandlers<String>(for: .anyWorker)
        handlers.register("account.exists", "first")
        handlers.register("account.exists", "second")
        handlers.register("account.list", "list")
        return handlers
    }

    @Test func theLastHandlerOfAVerbIsFound() throws {
        #expect(try handlers.handler(of: try #require(OperationCatalog.operation("account.list"))) == "list")
        #expect(try handlers.handler(of: try #require(OperationCatalog.operation("account.exists"))) == "second")
    }

    @Test(arguments: ["account.count", "status"])
    func whatNobodyOrAnotherProcessCarriesOutIsUnavailable(_ verb: String) throws {
        let operation = try #require(OperationCatalog.operation(verb))
        let failure = Operation.Failure(.unavailable, "this process cannot carry out '\(verb)'")
        #expect(throws: failure) { try handlers.handler(of: operation) }
    }

    @Test func anUnknownVerbIsNamed() {
        let failure = Operation.Failure(.unknownVerb, "there is no verb 'fly'")
        #expect(throws: failure) { try OperationCatalog.check(verb: "fly", arguments: nil) }
        #expect(failure.result == .failure(code: "unknown-verb", text: "there is no verb 'fly'"))
    }

    @Test func missingNamesWhatIsNotRegistered() {
        let missing = [
            "account.add", "account.remove", "account.passwd", "account.count", "session.list", "session.count", "session.kick",
            "component.list", "component.kick",
        ]
        #expect(handlers.missing == missing)
    }
}
