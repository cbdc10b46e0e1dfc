import CPlatform
import Glibc
import IPC
import SharedState

/// The life of a fake worker, with everything that happens to it told to the observer of the test.
final class FakeWorkerProcess {
    private let arguments: WorkerArguments
    private let channel = BlockingChannel(adopting: controlDescriptor, limit: FrameLimit.worker)
    private let observer: Int32
    private let whims: Set<String>
    private var listeners: [Int32] = []
    private var mesh: [Int32] = []
    private var segment: SharedSegment?

    init(_ arguments: WorkerArguments) {
        self.arguments = arguments
        observer = Observation.connect()
        let name = "\(arguments.slot).\(arguments.incarnation)"
        let all = getenv("FAKE_WORKER").map { String(cString: $0) } ?? ""
        whims = Set(
            all.split(separator: ",").compactMap { whim in
                let parts = whim.split(separator: "@").map(String.init)
                return parts.count == 1 || parts[1] == "\(arguments.slot)" || parts[1] == name ? parts[0] : nil
            })
    }

    func run() -> Never {
        tell("begun \(openDescriptors)")
        if whims.contains("die-at-once") { exit(3) }
        if whims.contains("no-hello") { while true { pause() } }
        let version = whims.contains("wrong-version") ? contractVersion + 1 : contractVersion
        send(.hello(Hello(version: version, pid: getpid(), slot: arguments.slot, incarnation: arguments.incarnation)))
        while true { turn() }
    }

    private func turn() {
        var entries = ([channel.descriptor] + listeners).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard poll(&entries, nfds_t(entries.count), -1) > 0 else { return }
        for entry in entries.dropFirst() where entry.revents != 0 { serve(entry.fd) }
        guard entries[0].revents != 0 else { return }
        do {
            // Whatever has come is a whole message or the beginning of one.
            handle(try MasterMessage(channel.receive()))
        } catch {
            tell("orphaned")
            exit(0)
        }
        while let frame = try? channel.receive(timeout: 0), let message = try? MasterMessage(frame) { handle(message) }
    }

    /// A connection is told who serves it.
    private func serve(_ listener: Int32) {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        let name = Array("\(arguments.slot).\(arguments.incarnation)\n".utf8)
        _ = write(connection, name, name.count)
        close(connection)
    }

    private func handle(_ message: MasterMessage) {
        switch message {
        case .configure(let bundle): tell("configure \(bundle.text.count)")
        case .segment:
            segment = channel.takeDescriptor().flatMap { try? SharedSegment(attach: $0) }
            tell("segment \(segment != nil)")
        case .listener(let listener):
            listeners.append(channel.takeDescriptor() ?? -1)
            tell("listener \(listener.index) \(listener.address) \(listener.port)")
        case .mesh(let slot, let incarnation): greet(slot, incarnation)
        case .meshGone(let slot, let incarnation): tell("meshGone \(slot).\(incarnation)")
        case .start: start()
        case .prepare(let generation, _, _, _): prepare(generation)
        case .commit(let generation):
            tell("commit \(generation)")
            if whims.contains("die-in-commit") { abort() }
            let closing = ReloadEffects.Closing(cause: .host, subject: "gone.example", sessions: 2, others: 1)
            let closings = whims.contains("close-some") ? [closing] : []
            send(.committed(generation: generation, ReloadEffects(closings: closings, pauseMicroseconds: 9)))
        case .abort(let generation): tell("abort \(generation)")
        case .stop(let deadline): stop(deadline)
        case .drain(let successor, let deadline): drain(successor, deadline)
        case .collectOrphans(let slot, let incarnation):
            tell("collect \(slot).\(incarnation)")
            send(.collected(slot: slot, incarnation: incarnation))
        case .operation(let id, let verb, let arguments): operate(id, verb, arguments)
        case .logLevel(let level): tell("logLevel \(level)")
        }
    }

    private func start() {
        tell("start")
        if whims.contains("no-ready") { return }
        if whims.contains("die-before-ready") { exit(3) }
        if whims.contains("refuse") {
            send(.refused([ReportedProblem(file: "x", line: 0, column: 0, path: "", text: "no")]))
            exit(78)
        }
        send(.ready)
        send(.report(LoadReport(sessions: 0, connections: 0, stanzas: 0, lagMicroseconds: 7)))
        if whims.contains("garbage") { _ = write(channel.descriptor, [UInt8](repeating: 0xEE, count: 64), 64) }
        if whims.contains("unknown-message") { try? channel.send(MasterMessage.start.encoded()) }
        if whims.contains("close-channel") {
            shutdown(channel.descriptor, Int32(SHUT_RDWR))
            while true { pause() }
        }
    }

    private func prepare(_ generation: UInt32) {
        tell("prepare \(generation)")
        if whims.contains("die-in-prepare") { abort() }
        if whims.contains("reject") {
            let problem = ReportedProblem(file: "x.toml", line: 4, column: 5, path: "modules.mod_x", text: "cannot be")
            send(.rejected(generation: generation, [problem]))
        } else {
            send(.prepared(generation: generation))
        }
    }

    private func stop(_ deadline: UInt32) {
        tell("stop \(deadline)")
        if whims.contains("stay") { return }
        send(.stopped)
        exit(0)
    }

    private func drain(_ successor: UInt8, _ deadline: UInt32) {
        tell("drain to \(successor) within \(deadline)")
        let owners = segment.map { OwnershipTable($0).read().workers } ?? []
        tell("owners " + owners.map { $0.map { "\($0.slot).\($0.incarnation)" } ?? "nobody" }.joined(separator: " "))
        for listener in listeners { close(listener) }
        listeners = []
        send(.leaving(LeaveReport(sessions: 2, connections: 3, moved: 1, moving: 0)))
        if whims.contains("die-draining") { abort() }
        if whims.contains("stay-draining") { return }
        send(.stopped)
        exit(0)
    }

    private func operate(_ id: UInt64, _ verb: String, _ arguments: Value) {
        tell("operation \(verb)")
        if whims.contains("die-in-operation") { abort() }
        send(.operationProgress(id: id, ["begun": true]))
        if whims.contains("slow-operation") { sleep(2) }
        send(.operationReply(id: id, .success(["slot": .int(Int64(self.arguments.slot)), "arguments": arguments])))
    }

    /// Says its name to the new peer and reads the peer's, so that both ends are known to be one stream.
    private func greet(_ slot: UInt8, _ incarnation: UInt32) {
        guard let descriptor = channel.takeDescriptor() else { return tell("mesh \(slot).\(incarnation) without descriptor") }
        mesh.append(descriptor)
        let name = Array("\(arguments.slot).\(arguments.incarnation)\n".utf8)
        _ = write(descriptor, name, name.count)
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var answer = [UInt8](repeating: 0, count: 32)
        let count = poll(&entry, 1, 10_000) > 0 ? read(descriptor, &answer, answer.count) : 0
        let peer = String(decoding: answer.prefix(max(0, count)), as: UTF8.self).filter { $0 != "\n" }
        tell("mesh \(slot).\(incarnation) says \(peer)")
    }

    /// The open descriptors but the observer's own, as `0 1 2 3`.
    private var openDescriptors: String {
        (0..<256).filter { $0 != observer && fcntl(Int32($0), F_GETFD) >= 0 }.map(String.init).joined(separator: " ")
    }

    private func send(_ message: WorkerMessage) { try? channel.send(message.encoded()) }

    private func tell(_ event: String) {
        Observation.tell(observer, "\(arguments.slot).\(arguments.incarnation) \(event)")
    }
}

/// Datagrams to the socket named by FAKE_WORKER_OBSERVER.
enum Observation {
    static func connect() -> Int32 {
        guard let path = getenv("FAKE_WORKER_OBSERVER") else { return -1 }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { room in
            let text = UnsafeRawBufferPointer(start: path, count: min(strlen(path), room.count - 1))
            room.copyBytes(from: text)
        }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return result == 0 ? descriptor : -1
    }

    static func tell(_ descriptor: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
