internal import IPC
internal import Network
internal import Operations
internal import SharedState
internal import XMPP

/// The verbs about external components. The table has those of all workers, and a close finds its way, so that any worker
/// serves.
@LoopActor
enum ComponentHandlers {
    static func register(in handlers: inout OperationHandlers<OperationHandler>) {
        handlers.register("component.list", by: list)
        handlers.register("component.kick", by: kick)
    }

    private static func list(_ arguments: Operation.Arguments, _ server: Server) throws(Operation.Failure) -> Value {
        let rows = server.components.entries.map { entry -> Value in
            [
                "domain": .string(entry.domain), "address": .string(entry.address),
                "worker": .int(Int64(entry.owner.slot % 64)), "hidden": .bool(entry.isHidden), "since": .int(entry.since),
            ]
        }
        return ["rows": .array(rows)]
    }

    private static func kick(_ arguments: Operation.Arguments, _ server: Server) throws(Operation.Failure) -> Value {
        let text = try arguments.required("domain")
        guard let entry = server.components.entry(JID.preparedDomain(text) ?? text) else {
            throw Operation.Failure(.notFound, "no component serves \(text); 'xmppctl component list' names those there are")
        }
        let error = StreamError(.policyViolation, text: arguments.text("reason") ?? "Closed by an administrator")
        guard server.close(entry.owner, error) else {
            throw Operation.Failure(.unavailable, "the worker of \(text) does not read what it is sent; try again later")
        }
        return ["domain": .string(entry.domain)]
    }
}
