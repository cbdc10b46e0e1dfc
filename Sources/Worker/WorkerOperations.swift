internal import Authentication
internal import Configuration
internal import IPC
internal import Kernel
internal import Network
internal import Operations
internal import SASL
internal import SharedState
internal import XMPP

/// The administrator's verbs that a worker carries out.
@LoopActor
final class WorkerOperations {
    private unowned let server: Server

    init(server: Server) { self.server = server }

    func perform(_ verb: String, _ arguments: Value) async -> OperationResult {
        do throws(Operation.Failure) {
            let (operation, checked) = try OperationCatalog.check(verb: verb, arguments: arguments)
            return .success(try await carryOut(operation.name, checked))
        } catch {
            return error.result
        }
    }

    private func carryOut(_ verb: String, _ arguments: Operation.Arguments) async throws(Operation.Failure) -> Value {
        switch verb {
        case "account.add": return try await add(arguments)
        case "account.remove": return try await remove(arguments)
        case "account.passwd": return try await setPassword(arguments)
        case "account.exists":
            let (host, jid) = try account(arguments)
            return ["exists": .bool(await host.accounts.exists(jid.local))]
        case "account.list": return try await list(arguments)
        case "account.count": return try await count(arguments)
        case "session.list": return try sessions(arguments)
        case "session.count":
            let count = try hosts(arguments).reduce(0) { $0 + server.directory.count(host: $1.domain) }
            return ["count": .int(Int64(count))]
        case "session.kick": return try kick(arguments)
        default: throw Operation.Failure(.unavailable, "a worker cannot carry out '\(verb)'")
        }
    }

    // MARK: Accounts

    private func add(_ arguments: Operation.Arguments) async throws(Operation.Failure) -> Value {
        let (host, jid) = try account(arguments)
        let password = try password(arguments)
        do { try await host.accounts.create(jid.local, password) } catch { throw Self.failure(error) }
        return ["jid": .string(jid.description)]
    }

    private func remove(_ arguments: Operation.Arguments) async throws(Operation.Failure) -> Value {
        let (host, jid) = try account(arguments)
        let existed: Bool
        do { existed = try await host.removeAccount(jid) } catch { throw Self.failure(error) }
        guard existed else { throw Operation.Failure(.notFound, "there is no account \(jid)") }
        return ["jid": .string(jid.description)]
    }

    private func setPassword(_ arguments: Operation.Arguments) async throws(Operation.Failure) -> Value {
        let (host, jid) = try account(arguments)
        let password = try password(arguments)
        do { try await host.accounts.setPassword(jid.local, password) } catch { throw Self.failure(error) }
        return ["jid": .string(jid.description)]
    }

    private func list(_ arguments: Operation.Arguments) async throws(Operation.Failure) -> Value {
        let limit = arguments.integer("limit") ?? 1000
        let after = arguments.text("after").flatMap { JID($0) }
        var rows: [Value] = []
        var hasMore = false
        for host in try hosts(arguments) {
            if let after, host.domain < after.domain { continue }
            let last = after?.domain == host.domain ? after?.local : nil
            let wanted = limit - rows.count + 1
            let users: [String]
            do { users = try await host.accounts.list(after: last, limit: wanted) } catch { throw Self.failure(error) }
            for user in users {
                if rows.count == limit {
                    hasMore = true
                    break
                }
                rows.append(["jid": .string("\(user)@\(host.domain)")])
            }
        }
        return ["rows": .array(rows), "more": .bool(hasMore)]
    }

    private func account(_ arguments: Operation.Arguments) throws(Operation.Failure) -> (Host, JID) {
        let text = try arguments.required("jid")
        guard let jid = JID(text), !jid.isDomain, jid.isBare else {
            throw Operation.Failure(.badArgument, "'\(text)' is not the address of an account: expected user@domain")
        }
        return (try host(jid.domain), jid)
    }

    private func host(_ domain: String) throws(Operation.Failure) -> Host {
        guard let host = server.host(domain) else {
            let known = server.hosts.keys.sorted().joined(separator: ", ")
            throw Operation.Failure(.notFound, "this server does not host \(domain); it hosts \(known)")
        }
        return host
    }

    private func hosts(_ arguments: Operation.Arguments) throws(Operation.Failure) -> [Host] {
        if let domain = arguments.text("domain") { return [try host(JID.preparedDomain(domain) ?? domain)] }
        return server.hosts.values.sorted { $0.domain < $1.domain }
    }

    private func password(_ arguments: Operation.Arguments) throws(Operation.Failure) -> Password {
        guard let password = Password(new: try arguments.required("password")) else {
            throw Operation.Failure(
                .badArgument, "the password is empty, longer than \(Password.longest) bytes, or has a control character")
        }
        return password
    }

    private func count(_ arguments: Operation.Arguments) async throws(Operation.Failure) -> Value {
        var count = 0
        for host in try hosts(arguments) {
            do { count += try await host.accounts.count() } catch { throw Self.failure(error) }
        }
        return ["count": .int(Int64(count))]
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

    // MARK: Sessions

    private func sessions(_ arguments: Operation.Arguments) throws(Operation.Failure) -> Value {
        let limit = arguments.integer("limit") ?? 1000
        var records: [SessionRecord]
        if let text = arguments.text("jid") {
            guard let jid = JID(text) else { throw Operation.Failure(.badArgument, "'\(text)' is not an address") }
            records = server.records(of: jid.bare)
        } else {
            let domain = try arguments.text("domain").map { (text) throws(Operation.Failure) in try host(text).domain }
            records = server.directory.list(host: domain, limit: limit + 1)
        }
        let hasMore = records.count > limit
        records = Array(records.prefix(limit))
        return ["rows": .array(records.map(row)), "more": .bool(hasMore)]
    }

    private func row(_ record: SessionRecord) -> Value {
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

    private func kick(_ arguments: Operation.Arguments) throws(Operation.Failure) -> Value {
        let text = try arguments.required("jid")
        guard let jid = JID(text) else { throw Operation.Failure(.badArgument, "'\(text)' is not an address") }
        let records = jid.isFull ? server.session(jid).map { [$0] } ?? [] : server.sessions(of: jid)
        guard !records.isEmpty else { throw Operation.Failure(.notFound, "\(jid) has no session") }
        let error = StreamError(.policyViolation, text: arguments.text("reason") ?? "Closed by an administrator")
        for record in records { server.close(record.owner, error) }
        return ["closed": .int(Int64(records.count))]
    }
}
