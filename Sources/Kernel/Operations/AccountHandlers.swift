internal import Authentication
internal import IPC
internal import Network
internal import Operations
internal import SASL
internal import XMPP

/// The verbs about accounts, through the methods of authentication of their domain.
@LoopActor
enum AccountHandlers {
    static func register(in handlers: inout OperationHandlers<OperationHandler>) {
        handlers.register("account.add", by: add)
        handlers.register("account.remove", by: remove)
        handlers.register("account.passwd", by: setPassword)
        handlers.register("account.exists", by: exists)
        handlers.register("account.list", by: list)
        handlers.register("account.count", by: count)
    }

    private static func add(_ arguments: Operation.Arguments, _ server: Server) async throws(Operation.Failure) -> Value {
        let (host, jid) = try account(arguments, server)
        let password = try password(arguments)
        do { try await host.accounts.create(jid.local, password) } catch { throw failure(error) }
        return ["jid": .string(jid.description)]
    }

    private static func remove(_ arguments: Operation.Arguments, _ server: Server) async throws(Operation.Failure) -> Value {
        let (host, jid) = try account(arguments, server)
        let existed: Bool
        do { existed = try await host.removeAccount(jid) } catch { throw failure(error) }
        guard existed else { throw Operation.Failure(.notFound, "there is no account \(jid)") }
        return ["jid": .string(jid.description)]
    }

    private static func setPassword(_ arguments: Operation.Arguments, _ server: Server) async throws(Operation.Failure) -> Value {
        let (host, jid) = try account(arguments, server)
        let password = try password(arguments)
        do { try await host.accounts.setPassword(jid.local, password) } catch { throw failure(error) }
        return ["jid": .string(jid.description)]
    }

    private static func exists(_ arguments: Operation.Arguments, _ server: Server) async throws(Operation.Failure) -> Value {
        let (host, jid) = try account(arguments, server)
        return ["exists": .bool(await host.accounts.exists(jid.local))]
    }

    private static func list(_ arguments: Operation.Arguments, _ server: Server) async throws(Operation.Failure) -> Value {
        let limit = arguments.integer("limit") ?? 0
        let after = arguments.text("after").flatMap { JID($0) }
        var rows: [Value] = []
        var hasMore = false
        for host in try server.hosts(of: arguments) {
            if let after, host.domain < after.domain { continue }
            let last = after?.domain == host.domain ? after?.local : nil
            let wanted = limit - rows.count + 1
            let users: [String]
            do { users = try await host.accounts.list(after: last, limit: wanted) } catch { throw failure(error) }
            for user in users {
                if rows.count == limit {
                    hasMore = true
                    break
                }
                rows.append(["jid": .string("\(user)@\(host.domain)")])
                if TurnClock.isOver { await Loop.nextTurn() }
            }
        }
        return ["rows": .array(rows), "more": .bool(hasMore)]
    }

    private static func count(_ arguments: Operation.Arguments, _ server: Server) async throws(Operation.Failure) -> Value {
        var count = 0
        for host in try server.hosts(of: arguments) {
            do { count += try await host.accounts.count() } catch { throw failure(error) }
        }
        return ["count": .int(Int64(count))]
    }

    private static func account(_ arguments: Operation.Arguments, _ server: Server) throws(Operation.Failure) -> (Host, JID) {
        let text = try arguments.required("jid")
        guard let jid = JID(text), !jid.isDomain, jid.isBare else {
            throw Operation.Failure(.badArgument, "'\(text)' is not the address of an account: expected user@domain")
        }
        return (try server.hosted(jid.domain), jid)
    }

    private static func password(_ arguments: Operation.Arguments) throws(Operation.Failure) -> Password {
        guard let password = Password(new: try arguments.required("password")) else {
            throw Operation.Failure(
                .badArgument, "the password is empty, longer than \(Password.longest) bytes, or has a control character")
        }
        return password
    }

    /// Says in words what storage or a method refuses.
    private static func failure(_ error: StanzaError) -> Operation.Failure {
        switch error.condition {
        case .conflict: Operation.Failure(.exists, "there is such an account already")
        case .itemNotFound: Operation.Failure(.notFound, "there is no such account")
        case .notAllowed: Operation.Failure(.notAllowed, "no authentication method of this domain can do that")
        default: Operation.Failure(.failed, error.text ?? "storage failed: the log says why")
        }
    }
}
