public import IPC

/// All verbs.
public enum OperationCatalog {
    /// In the order in which they are explained.
    public static let all: [Operation] =
        serverOperations + configurationOperations + accountOperations + sessionOperations + componentOperations

    private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }

    public static func operation(_ name: String) -> Operation? { byName[name] }

    /// What a request asks for, checked.
    public static func check(verb: String, arguments: Value) throws(Operation.Failure) -> (Operation, Operation.Arguments) {
        guard let operation = byName[verb], operation.executor != .client else { throw .unknownVerb(verb) }
        return (operation, try operation.check(arguments))
    }
}

extension Operation.Failure {
    static func unknownVerb(_ verb: String) -> Operation.Failure {
        Operation.Failure(.unknownVerb, "there is no verb '\(verb.prefix(60))'")
    }
}
