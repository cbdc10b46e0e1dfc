import Glibc
import IPC
import Operations

/// The running server, at the other end of the control socket.
struct ControlConnection {
    static let defaultSocket = "/run/xmppd/control.sock"

    var socket: String
    /// How long to wait for each part of an answer, in seconds.
    var patienceSeconds: Int

    /// Asks for a verb and waits for its result. Rows that came ahead of it are put in their place.
    /// - Parameter watch: told of each part as it comes.
    func perform(_ verb: String, _ arguments: Value = [:], watch: (Value) -> Void = { _ in }) throws(CommandError) -> Value {
        guard let operation = OperationCatalog.operation(verb) else {
            throw CommandError("unknown verb \(verb)", CommandStatus.usage)
        }
        let (parts, result) = try exchange(ControlRequest(id: 1, verb: verb, arguments: try operation.judge(arguments)), watch)
        switch result {
        case .failure(let code, let text): throw CommandError(text, Self.status(of: code))
        case .success(let value):
            let whole = Self.join(parts, value)
            if let mismatch = operation.result.mismatch(of: whole) { throw Self.misunderstanding(mismatch) }
            return whole
        }
    }

    /// A connection that asks nothing.
    func connect() throws(CommandError) -> BlockingChannel {
        do throws(BlockingChannel.Failure) { return try BlockingChannel(connectingTo: socket) } catch { throw complaint(error) }
    }

    private func exchange(_ request: ControlRequest, _ watch: (Value) -> Void) throws(CommandError) -> (
        parts: [Value], OperationResult
    ) {
        do throws(BlockingChannel.Failure) {
            let channel = try BlockingChannel(connectingTo: socket)
            try channel.send(request.encoded())
            var parts: [Value] = []
            while true {
                let frame = try channel.receive(timeout: Int32(clamping: patienceSeconds * 1000))
                let reply: ControlReply
                do throws(WireError) { reply = try ControlReply(frame) } catch { throw .malformed(error) }
                switch reply.outcome {
                case .progress(let part) where reply.id == request.id:
                    watch(part)
                    parts.append(part)
                case .progress: continue
                case .result(let result): return (parts, result)
                }
            }
        } catch {
            throw complaint(error)
        }
    }

    private func complaint(_ failure: BlockingChannel.Failure) -> CommandError {
        switch failure {
        case .system(ENOENT):
            CommandError(
                "xmppd is not running (no control socket at \(socket)): start it with 'xmppctl start', or name its socket with --socket",
                CommandStatus.unavailable)
        case .system(ECONNREFUSED):
            CommandError(
                "xmppd is not running (nobody listens at \(socket)): start it with 'xmppctl start', or name its socket with --socket",
                CommandStatus.unavailable)
        case .system(EACCES), .system(EPERM):
            CommandError(
                "permission denied at \(socket): run xmppctl as root, as the user of xmppd or as a member of its group",
                CommandStatus.unavailable)
        case .system(let number): CommandError("cannot talk to xmppd at \(socket): \(reason(number))", CommandStatus.unavailable)
        case .timeout: CommandError("xmppd gave no answer within \(patienceSeconds) s; see --timeout", CommandStatus.unavailable)
        case .closed: CommandError("xmppd ended the connection before its answer was complete", CommandStatus.unavailable)
        case .malformed(let error): Self.misunderstanding(error.description)
        }
    }

    private static func misunderstanding(_ detail: String) -> CommandError {
        CommandError("the answer of xmppd cannot be understood (\(detail)): install xmppctl and xmppd of one version")
    }

    private static func status(of code: String) -> Int32 {
        switch code {
        case "unavailable", "timeout", "busy", "idle": CommandStatus.unavailable
        case "bad-argument", "unknown-verb": CommandStatus.usage
        case "configuration": CommandStatus.configuration
        default: CommandStatus.failed
        }
    }

    /// Rows of the parts, then those of the result.
    private static func join(_ parts: [Value], _ result: Value) -> Value {
        guard !parts.isEmpty, case .object(var members) = result, let place = members.firstIndex(where: { $0.name == "rows" })
        else {
            return result
        }
        let rows = parts.flatMap { $0["rows"]?.array ?? [] } + (members[place].value.array ?? [])
        members[place].value = .array(rows)
        return .object(members)
    }
}

extension Operation {
    /// The arguments, checked here before anybody is asked.
    func judge(_ arguments: Value) throws(CommandError) -> Value {
        do throws(Failure) {
            return try check(arguments).value
        } catch {
            throw CommandError(error.text, CommandStatus.usage)
        }
    }
}
