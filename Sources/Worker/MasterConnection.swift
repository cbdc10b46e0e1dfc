internal import Configuration
internal import Glibc
internal import IPC
internal import Kernel
internal import Network
internal import Telemetry
internal import XMPP

/// The worker's side of the contract with the master (`IPC/Contract.swift`).
@LoopActor
final class MasterConnection {
    static var shared: MasterConnection?

    private static let malformedStatus: Int32 = 70
    private static let refusedStatus: Int32 = 78
    /// Milliseconds that other workers may take to say that they know this one.
    private static let acquaintance: Int64 = 2000

    private let arguments: WorkerArguments
    private let catalog: [any Module.Type]
    /// Ends the process with that status.
    private let leave: @LoopActor (Int32) -> Void
    private var pipe: ControlPipe?
    private var bundle: ConfigurationBundle?
    private var handed = StartupDescriptors()
    private var runtime: WorkerRuntime?
    /// There before the runtime is ready for anything else.
    private var mesh: MeshLinks?
    private var staged: StagedConfiguration?
    private var departure: WorkerShutdown?
    private var isStopping: Bool { departure != nil || hasLeft }
    private var hasLeft = false

    /// Descriptors that came before `start`.
    struct StartupDescriptors {
        var segment: Int32?
        var listeners: [(ListenerDescriptor, Int32)] = []
        var mesh: [(slot: UInt8, incarnation: UInt32, descriptor: Int32)] = []
    }

    /// - Parameters:
    ///   - descriptor: the control channel, which it takes over.
    ///   - leave: ends the process with that status, once everything else is done.
    init(
        _ descriptor: Int32 = controlDescriptor, arguments: WorkerArguments, catalog: [any Module.Type],
        leave: @escaping @LoopActor (Int32) -> Void
    ) {
        self.arguments = arguments
        self.catalog = catalog
        self.leave = leave
        let pipe = ControlPipe(adopting: descriptor, delegate: self)
        self.pipe = pipe
        send(.hello(Hello(pid: getpid(), slot: arguments.slot, incarnation: arguments.incarnation)))
    }

    private func send(_ message: WorkerMessage) {
        // The pipe writes the length itself.
        pipe?.send(Array(message.encoded().dropFirst(Frame.lengthSize)))
    }

    // MARK: Messages

    private func take(_ message: MasterMessage, _ descriptor: Int32?) {
        switch message {
        case .logLevel(let name): if let level = LogLevel(rawValue: name) { Log.level = level }
        case .configure(let bundle): self.bundle = bundle
        case .segment: handed.segment = descriptor
        case .listener(let listener): if let descriptor { self.listener(listener, descriptor) }
        case .mesh(let slot, let incarnation): if let descriptor { mesh(slot, incarnation, descriptor) }
        case .meshGone(let slot, let incarnation): meshGone(slot, incarnation)
        case .start: start()
        case .prepare(let generation, let bundle, let workers, let listeners):
            staged?.closeSockets()
            let staged = StagedConfiguration(
                generation: generation, bundle: bundle, workers: Int(workers), listeners: listeners)
            self.staged = staged
            // A worker that is starting answers after its start.
            if runtime != nil { prepare(staged) }
        case .commit(let generation): commit(generation)
        case .abort(let generation): abort(generation)
        case .stop(let deadline): stop(deadline)
        case .drain(let successor, let deadline): drain(to: successor, deadline)
        case .collectOrphans(let slot, let incarnation): collectOrphans(slot, incarnation)
        case .operation(let id, let verb, let arguments): operation(id, verb, arguments)
        }
    }

    /// Before there is a mesh, peers wait for it; their ends stay open.
    private func mesh(_ slot: UInt8, _ incarnation: UInt32, _ descriptor: Int32) {
        if let mesh {
            mesh.connect(slot: slot, incarnation: incarnation, descriptor: descriptor)
        } else {
            handed.mesh.append((slot, incarnation, descriptor))
        }
    }

    private func meshGone(_ slot: UInt8, _ incarnation: UInt32) {
        mesh?.gone(slot: slot, incarnation: incarnation)
        for link in handed.mesh where link.slot == slot && link.incarnation == incarnation { close(link.descriptor) }
        handed.mesh.removeAll { $0.slot == slot && $0.incarnation == incarnation }
    }

    private func start() {
        guard let bundle, let segment = handed.segment else { return leave(Self.malformedStatus) }
        Loop.spawn { [self] in
            do {
                let configuration = try PreparedConfiguration(bundle)
                let runtime = try await WorkerRuntime.make(arguments, configuration, segment: segment, catalog: catalog)
                await connect(runtime)
                let listeners = handed.listeners
                handed = StartupDescriptors()
                self.runtime = runtime
                for (listener, socket) in listeners { runtime.listen(listener, socket) }
                runtime.report = { [self] in send(.report($0)) }
                runtime.begin()
                send(.ready)
                if let staged { prepare(staged) }
            } catch let refusal as ConfigurationReading.Refusal {
                refuse(refusal.problems)
            } catch let failure as TLSSetup.Failure {
                refuse(failure.problems)
            } catch {
                refuse([ReportedProblem(file: bundle.path, line: 0, column: 0, path: "xmppd", text: "\(error)")])
            }
        }
    }

    /// Peers may have been handed over while storage was opened. Nobody is served before they know of this worker: what they
    /// sent to a session here would go another way. Who hangs is not waited for.
    private func connect(_ runtime: WorkerRuntime) async {
        mesh = runtime.mesh
        for link in handed.mesh {
            runtime.mesh.connect(slot: link.slot, incarnation: link.incarnation, descriptor: link.descriptor)
        }
        handed.mesh = []
        if await !runtime.server.waitUntilConfirmed(within: Self.acquaintance) {
            Log.warning("another worker does not answer, starting without it")
        }
    }

    private func refuse(_ problems: [ReportedProblem]) {
        for problem in problems { Log.error("cannot start", [Field("option", problem.path), Field("problem", problem.text)]) }
        send(.refused(problems))
        leave(Self.refusedStatus)
    }

    // MARK: Reload

    /// A socket comes with a configuration that is being prepared, or for one in force.
    private func listener(_ listener: ListenerDescriptor, _ descriptor: Int32) {
        if let staged {
            staged.sockets.append((listener, descriptor))
        } else if let runtime {
            runtime.listen(listener, descriptor)
        } else {
            handed.listeners.append((listener, descriptor))
        }
    }

    /// Reading the file and its keys takes milliseconds, which are not the loop's.
    private func prepare(_ staged: StagedConfiguration) {
        let bundle = staged.bundle
        Loop.spawn { [self] in
            let answer: WorkerMessage
            do {
                staged.prepared = try await Loop.offload { try PreparedConfiguration(bundle) }
                answer = .prepared(generation: staged.generation)
            } catch let refusal as ConfigurationReading.Refusal {
                answer = .rejected(generation: staged.generation, refusal.problems)
            } catch let failure as TLSSetup.Failure {
                answer = .rejected(generation: staged.generation, failure.problems)
            } catch {
                answer = .rejected(generation: staged.generation, [])
            }
            // It may have been given up meanwhile.
            if self.staged === staged { send(answer) }
        }
    }

    private func commit(_ generation: UInt32) {
        guard let staged, staged.generation == generation, let prepared = staged.prepared, let runtime else { return }
        self.staged = nil
        Loop.spawn { [self] in
            let effects = await runtime.apply(prepared, staged)
            send(.committed(generation: generation, effects))
        }
    }

    private func abort(_ generation: UInt32) {
        guard let staged, staged.generation == generation else { return }
        staged.closeSockets()
        self.staged = nil
    }

    private func operation(_ id: UInt64, _ verb: String, _ arguments: Value) {
        guard let runtime else {
            return send(.operationReply(id: id, .failure(code: "unavailable", text: "this worker has not started yet")))
        }
        Loop.spawn { [self] in
            send(.operationReply(id: id, await runtime.server.perform(verb, arguments)))
        }
    }

    private func stop(_ deadlineMilliseconds: UInt32) {
        if let departure { return departure.hasten(deadline: Int64(deadlineMilliseconds)) }
        depart(deadlineMilliseconds) { await $0.stop() }
    }

    private func drain(to successor: UInt8, _ deadlineMilliseconds: UInt32) {
        depart(deadlineMilliseconds) { await $0.drain(to: successor) }
    }

    private func depart(_ deadlineMilliseconds: UInt32, _ leave: @escaping @LoopActor (WorkerShutdown) async -> Void) {
        guard !isStopping else { return }
        guard let runtime else {
            hasLeft = true
            return self.leave(0)
        }
        let departure = WorkerShutdown(runtime, deadline: Int64(deadlineMilliseconds)) { [self] in send(.leaving($0)) }
        self.departure = departure
        Loop.spawn { [self] in
            await leave(departure)
            send(.stopped)
            _ = Loop.after(50) { [self] in self.leave(0) }
        }
    }

    private func collectOrphans(_ slot: UInt8, _ incarnation: UInt32) {
        guard let runtime else { return }
        runtime.collectOrphans(of: slot, before: incarnation + 1) { [self] in
            send(.collected(slot: slot, incarnation: incarnation))
        }
    }
}

extension MasterConnection: ControlPipeDelegate {
    func controlPipe(_ pipe: ControlPipe, received frame: [UInt8], descriptor: Int32?) {
        var reader = ByteReader(frame)
        do throws(WireError) {
            let kind = try reader.uint16()
            take(try MasterMessage(Frame(kind: kind, payload: reader.rest())), descriptor)
        } catch {
            Log.critical("malformed message from the master", [Field("error", "\(error)")])
            leave(Self.malformedStatus)
        }
    }

    /// The master is gone: what is begun is finished, then this process leaves.
    func controlPipeClosed(_ pipe: ControlPipe) {
        if let departure { return departure.hasten(deadline: 2000) }
        guard !isStopping else { return }
        Log.warning("the master is gone, stopping")
        stop(2000)
    }
}
