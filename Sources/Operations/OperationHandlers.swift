/// Who carries out which verbs in one process.
///
/// `Handler` is the process's own type of function, so that this room knows neither its isolation nor whether it
/// waits: the master's is synchronous, a worker's is isolated to its loop and asynchronous.
public struct OperationHandlers<Handler> {
    private let executor: Operation.Executor
    private var handlers: [String: Handler] = [:]

    public init(for executor: Operation.Executor) { self.executor = executor }

    /// Later handlers replace earlier ones of the same verb.
    public mutating func register(_ verb: String, _ handler: Handler) {
        assert(OperationCatalog.operation(verb)?.executor == executor, "'\(verb)' is no verb of this process")
        handlers[verb] = handler
    }

    /// The verbs of this process that nobody carries out. Empty in a process that is complete.
    public var missing: [String] {
        OperationCatalog.all.filter { $0.executor == executor && handlers[$0.name] == nil }.map(\.name)
    }

    /// Who carries an operation out; throws `unavailable` if nobody of this process does.
    public func handler(of operation: Operation) throws(Operation.Failure) -> Handler {
        guard operation.executor == executor, let handler = handlers[operation.name] else {
            throw Operation.Failure(.unavailable, "this process cannot carry out '\(operation.name)'")
        }
        return handler
    }
}

extension OperationHandlers: Sendable where Handler: Sendable {}
