internal import IPC
internal import Network
internal import Operations
internal import SharedState
internal import XMPP

/// The verbs about sessions. The directory has those of all workers, and a close finds its way, so that any worker serves.
@LoopActor
enum SessionHandlers {
    static func register(in handlers: inout OperationHandlers<OperationHandler>) {
        handlers.register("session.list", by: list)
        handlers.register("session.count", by: count)
        handlers.register("session.kick", by: kick)
    }

    private static func list(_ arguments: Operation.Arguments, _ server: Server) async throws(Operation.Failure) -> Value {
        let limit = arguments.integer("limit") ?? 0
        let records: [SessionRecord]
        if arguments.text("jid") != nil {
            records = server.records(of: try arguments.address("jid").bare)
        } else {
            let domain = try arguments.text("domain").map { (text) throws(Operation.Failure) in try server.hosted(text).domain }
            records = server.directory.list(host: domain, limit: limit + 1)
        }
        let hasMore = records.count > limit
        var rows: [Value] = []
        for record in records.prefix(limit) {
            rows.append(row(record))
            if TurnClock.isOver { await Loop.nextTurn() }
        }
        return ["rows": .array(rows), "more": .bool(hasMore)]
    }

    private static func row(_ record: SessionRecord) -> Value {
        var members: [Value.Member] = [
            .init("jid", .string("\(record.bare)/\(record.resource)")), .init("address", .string(record.address)),
            .init("worker", .int(Int64(record.slot % 64))),
        ]
        if record.flags.contains(.available) { members.append(.init("priority", .int(Int64(record.priority)))) }
        members.append(.init("available", .bool(record.flags.contains(.available))))
        if record.flags.contains(.detached) {
            members.append(.init("detached", .bool(true)))
        } else {
            members.append(.init("secure", .bool(record.flags.contains(.secure))))
        }
        members.append(.init("since", .int(record.since)))
        return .object(members)
    }

    private static func count(_ arguments: Operation.Arguments, _ server: Server) throws(Operation.Failure) -> Value {
        let count = try server.hosts(of: arguments).reduce(0) { $0 + server.directory.count(host: $1.domain) }
        return ["count": .int(Int64(count))]
    }

    private static func kick(_ arguments: Operation.Arguments, _ server: Server) throws(Operation.Failure) -> Value {
        let jid = try arguments.address("jid")
        let routes = jid.isFull ? server.session(jid).map { [$0] } ?? [] : server.sessions(of: jid)
        guard !routes.isEmpty else { throw Operation.Failure(.notFound, "\(jid) has no session") }
        let error = StreamError(.policyViolation, text: arguments.text("reason") ?? "Closed by an administrator")
        let closed = routes.count { server.close($0.owner, error) }
        guard closed > 0 else {
            throw Operation.Failure(.unavailable, "the worker of \(jid) does not read what it is sent; try again later")
        }
        return ["closed": .int(Int64(closed))]
    }
}
