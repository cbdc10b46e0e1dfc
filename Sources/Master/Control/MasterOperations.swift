internal import Glibc
internal import IPC
internal import Operations
internal import SharedState
internal import Supervision
internal import Telemetry

/// Carries out the verbs of the master, and relays the others to a worker.
final class MasterOperations {
    /// Carries a request out; the answer goes through the client, now or later.
    typealias Handler = @Sendable (MasterOperations, Operation.Arguments, _ id: UInt64, ControlClient) -> Void

    private let pool: WorkerPool
    private let listeners: ListenerSet
    private let segment: SharedSegment
    private let reloader: ReloadCoordinator
    private let restarter: RestartCoordinator
    private let relay: OperationRelay
    private let loop: EventLoop
    private let started: Int64

    init(
        _ pool: WorkerPool, listeners: ListenerSet, segment: SharedSegment, reloader: ReloadCoordinator,
        restarter: RestartCoordinator,
        relay: OperationRelay, started: Int64, on loop: EventLoop
    ) {
        self.pool = pool
        self.listeners = listeners
        self.segment = segment
        self.reloader = reloader
        self.relay = relay
        self.loop = loop
        self.started = started
        self.restarter = restarter
    }

    /// The handlers of the master's verbs.
    static let handlers: OperationHandlers<Handler> = {
        var handlers = OperationHandlers<Handler>(for: .master)
        handlers.register("status") { $0.status($1, $2, $3) }
        handlers.register("version") { $3.reply($2, .success(["version": .string(ServerVersion.number)])) }
        handlers.register("log-level") { $0.logLevel($1, $2, $3) }
        handlers.register("reload") { $0.reload($1, $2, $3) }
        handlers.register("config.show") { $0.showConfiguration($1, $2, $3) }
        handlers.register("restart") { $0.restart($1, $2, $3) }
        handlers.register("stop") { $0.stop($1, $2, $3) }
        return handlers
    }()

    func perform(_ request: ControlRequest, for client: ControlClient) {
        do {
            let (operation, arguments) = try OperationCatalog.check(verb: request.verb, arguments: request.arguments)
            let facts = [Field("verb", operation.name), Field("uid", client.user), Field("pid", client.pid)]
            Log.event(operation.privilege == .write ? .notice : .debug, "control request", facts)
            switch operation.executor {
            case .anyWorker:
                relay.forward(ControlRequest(id: request.id, verb: operation.name, arguments: arguments.value), from: client)
            case .master, .client: try Self.handlers.handler(of: operation)(self, arguments, request.id, client)
            }
        } catch {
            client.reply(request.id, error.result)
        }
    }

    private func status(_: Operation.Arguments, _ id: UInt64, _ client: ControlClient) {
        let report = StatusReport(pool: pool, listeners: listeners, segment: segment, started: started, now: loop.now)
        client.reply(id, .success(report.value))
    }

    private func logLevel(_ arguments: Operation.Arguments, _ id: UInt64, _ client: ControlClient) {
        if let level = arguments.text("level").flatMap(LogLevel.init) {
            Log.level = level
            pool.sendToAll(.logLevel(level.rawValue))
        }
        client.reply(id, .success(["level": .string(Log.level.rawValue)]))
    }

    private func reload(_ arguments: Operation.Arguments, _ id: UInt64, _ client: ControlClient) {
        reloader.begin(isRehearsal: arguments.flag("dry-run")) { [weak client] in client?.reply(id, $0) }
    }

    private func showConfiguration(_ arguments: Operation.Arguments, _ id: UInt64, _ client: ControlClient) {
        guard arguments.text("file") == nil else {
            let text = "the server shows the configuration in force only; xmppctl shows files itself"
            return client.reply(id, Operation.Failure(.badArgument, text).result)
        }
        let report = ConfigurationReport.settings(of: reloader.configuration, file: pool.settings.bundle.path)
        client.reply(id, .success(report))
    }

    private func restart(_ arguments: Operation.Arguments, _ id: UInt64, _ client: ControlClient) {
        let kind: RestartCoordinator.Kind = arguments.flag("rolling") ? .rolling : arguments.flag("master") ? .master : .whole
        restarter.begin(kind, for: RestartCoordinator.Requester(client: client, request: id))
    }

    private func stop(_: Operation.Arguments, _ id: UInt64, _ client: ControlClient) {
        client.reply(id, .success(["pid": .int(Int64(getpid()))]))
        pool.stop()
    }
}
