public import IPC
internal import Network
public import Operations
internal import XMPP

/// Carries out one verb on a worker.
public struct OperationHandler: Sendable {
    /// The arguments have been checked against the catalog; it may wait.
    public typealias Body = @LoopActor @Sendable (Operation.Arguments, Server) async throws(Operation.Failure) -> Value

    let body: Body
}

extension OperationHandlers where Handler == OperationHandler {
    public mutating func register(_ verb: String, by body: @escaping OperationHandler.Body) {
        register(verb, OperationHandler(body: body))
    }

    /// The verbs of the kernel. A module that has others registers them with `Server.operations` when it is installed.
    @LoopActor static func ofKernel() -> OperationHandlers {
        var handlers = OperationHandlers(for: .anyWorker)
        AccountHandlers.register(in: &handlers)
        SessionHandlers.register(in: &handlers)
        ComponentHandlers.register(in: &handlers)
        return handlers
    }
}

extension Server {
    /// Carries out what an administrator asks for.
    public func perform(_ verb: String, _ arguments: Value) async -> OperationResult {
        do throws(Operation.Failure) {
            let (operation, checked) = try OperationCatalog.check(verb: verb, arguments: arguments)
            let handler = try operations.handler(of: operation)
            return .success(try await handler.body(checked, self))
        } catch {
            return error.result
        }
    }

    /// The host of an argument, or why there is none.
    func hosted(_ domain: String) throws(Operation.Failure) -> Host {
        guard let host = host(domain) else {
            let known = hosts.keys.sorted().joined(separator: ", ")
            throw Operation.Failure(.notFound, "this server does not host \(domain); it hosts \(known)")
        }
        return host
    }

    /// The host that the argument `domain` names, or all of them, in the order of their domains.
    func hosts(of arguments: Operation.Arguments) throws(Operation.Failure) -> [Host] {
        if let domain = arguments.text("domain") { return [try hosted(JID.preparedDomain(domain) ?? domain)] }
        return hosts.values.sorted { $0.domain < $1.domain }
    }
}

extension Operation.Arguments {
    /// The address that an argument is.
    func address(_ name: String) throws(Operation.Failure) -> JID {
        let text = try required(name)
        guard let jid = JID(text) else { throw Operation.Failure(.badArgument, "'\(text)' is not an address") }
        return jid
    }
}
