import Foundation
public import IPC

/// A running server: the real programs with a configuration, a database and a directory of their own.
public final class ServerUnderTest: @unchecked Sendable {
    public let directory: ScratchDirectory
    public let certificate: Certificate?
    public var settings: ServerSettings
    public private(set) var master: ChildProcess?
    /// The ports of the listeners, in their order.
    public private(set) var ports: [UInt16] = []
    /// Handles of workers, by process, so that none outlives the test.
    private var workers: [Int32: ProcessHandle] = [:]
    /// Where its programs are.
    private let programs: String

    public var configuration: String { directory.file("xmppd.toml") }
    public var controlSocket: String { directory.file("control.sock") }
    public var domain: String { settings.hosts[0] }
    public var port: UInt16 { ports[0] }

    /// Writes the configuration and starts the server; what `change` does to the settings is in it.
    /// - Parameter hasOwnPrograms: its programs are copies, which `rebuildWorker` may change.
    public init(
        _ change: (inout ServerSettings) -> Void = { _ in }, isStarted: Bool = true, hasOwnPrograms: Bool = false
    ) throws {
        directory = try ScratchDirectory()
        programs = hasOwnPrograms ? directory.path : Programs.products
        if hasOwnPrograms {
            for name in ["xmppd", "xmppd-worker"] {
                try FileManager.default.copyItem(atPath: Programs.product(name), toPath: directory.file(name))
            }
        }
        settings = ServerSettings()
        change(&settings)
        let needsCertificate = settings.listeners.contains { $0.encryption != .none }
        certificate = needsCertificate ? try Certificate(in: directory) : nil
        try configure()
        if isStarted { try start() }
    }

    deinit {
        refreshWorkers()
        master = nil
        for handle in workers.values { handle.end() }
    }

    /// Writes the configuration with other settings; nobody reads it until a start or a reload.
    public func configure(_ change: (inout ServerSettings) -> Void = { _ in }) throws {
        change(&settings)
        try directory.write(settings.text(in: directory, certificate), to: "xmppd.toml")
    }

    /// What the server wrote to standard error.
    public var log: String { directory.read("log") }

    // MARK: Life

    /// Starts the master and waits until all workers are ready.
    public func start() throws {
        let master = try launch()
        self.master = master
        let report: ServerStatus = try eventually("the server to be ready; its log: \(log)", within: 60) { () -> ServerStatus? in
            if let code = master.wait(Deadline(seconds: 0)) { throw TestFailure("xmppd ended with status \(code): \(log)") }
            guard FileManager.default.fileExists(atPath: controlSocket),
                (try? control("status"))?["state"]?.string == "running"
            else { return nil }
            return try self.status()
        }
        ports = report.listeners.map(\.port)
    }

    /// Looks the ports of the listeners up, which a reload may have changed.
    public func refreshPorts() throws { ports = try status().listeners.map(\.port) }

    /// Starts `xmppd` with this configuration; it may be a second one.
    public func launch(log name: String = "log") throws -> ChildProcess {
        let log = open(directory.file(name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(log) }
        return try ChildProcess(
            "\(programs)/xmppd", ["--config", configuration], output: log, error: log,
            variables: settings.variables.merging(["XMPPD_CONTROL_SOCKET": controlSocket]) { $1 })
    }

    /// Asks the master to stop in order and gives its exit status.
    public func stop() throws -> Int32 {
        refreshWorkers()
        guard let master else { throw TestFailure("the server is not running") }
        master.signal(SIGTERM)
        guard let status = master.wait(Deadline(seconds: 30)) else { throw TestFailure("the server did not stop: \(log)") }
        self.master = nil
        return status
    }

    /// Kills the master; workers are left to notice.
    public func killMaster() throws {
        refreshWorkers()
        master?.signal(SIGKILL)
        guard master?.wait() != nil else { throw TestFailure("the master cannot be killed") }
        master = nil
    }

    /// Puts another worker program in the place of its own: the same code in another file with other contents.
    public func rebuildWorker(_ version: Int) throws {
        let (path, new) = ("\(programs)/xmppd-worker", "\(programs)/xmppd-worker.new")
        try FileManager.default.copyItem(atPath: Programs.product("xmppd-worker"), toPath: new)
        let file = open(new, O_WRONLY | O_APPEND | O_CLOEXEC)
        defer { close(file) }
        let mark = "build \(version)"
        guard write(file, mark, mark.utf8.count) == mark.utf8.count, rename(new, path) == 0 else {
            throw TestFailure("the worker program cannot be replaced: \(String(cString: strerror(errno)))")
        }
    }

    /// Kills the worker in a slot and gives its process id.
    @discardableResult
    public func killWorker(_ slot: Int) throws -> Int32 {
        refreshWorkers()
        guard let pid = try worker(slot).pid, let handle = workers[pid] ?? ProcessHandle(pid) else {
            throw TestFailure("slot \(slot) is empty")
        }
        workers[pid] = handle
        handle.kill()
        return pid
    }

    /// Whether a worker's process has ended.
    public func hasEnded(_ pid: Int32) -> Bool {
        workers[pid]?.hasEnded ?? true
    }

    /// All workers that have been seen so far.
    public var workerPids: [Int32] { workers.keys.sorted() }

    /// Takes hold of the workers that there are now, to learn later of their end.
    public func noteWorkers() { refreshWorkers() }

    private func refreshWorkers() {
        guard master != nil, let rows = try? control("status")["workers"]?.array else { return }
        for row in rows {
            guard let pid = row["pid"]?.int.map(Int32.init(clamping:)), workers[pid] == nil else { continue }
            workers[pid] = ProcessHandle(pid)
        }
    }

    // MARK: The administrator

    /// Runs `xmppctl` with this server's socket.
    public func xmppctl(_ arguments: String..., input: String = "") throws -> Outcome {
        try ChildProcess.run(
            Programs.product("xmppctl"), arguments, input: input, variables: ["XMPPD_CONTROL_SOCKET": controlSocket])
    }

    private func answer<Result: Decodable>(_ outcome: Outcome) throws -> Result {
        guard outcome.status == 0 else { throw TestFailure("xmppctl ended with status \(outcome.status): \(outcome.error)") }
        return try JSONDecoder().decode(Result.self, from: Data(outcome.output.utf8))
    }

    public func status() throws -> ServerStatus { try answer(try xmppctl("status", "--json")) }

    public func sessions() throws -> [SessionList.Row] {
        let list: SessionList = try answer(try xmppctl("session", "list", "--json"))
        return list.rows
    }

    public func worker(_ slot: Int) throws -> ServerStatus.Worker {
        let workers = try status().workers
        guard let worker = workers.first(where: { $0.slot == slot }) else { throw TestFailure("there is no slot \(slot)") }
        return worker
    }

    /// Asks the master on a connection of its own, as `xmppctl` does; for questions that are asked often.
    public func control(_ verb: String, _ arguments: Value = .object([])) throws -> Value {
        let channel = try BlockingChannel(connectingTo: controlSocket)
        try channel.send(ControlRequest(id: 1, verb: verb, arguments: arguments).encoded())
        while true {
            guard case .result(let result) = try ControlReply(channel.receive(timeout: 30_000)).outcome else { continue }
            switch result {
            case .success(let value): return value
            case .failure(let code, let text): throw TestFailure("\(verb): \(code): \(text)")
            }
        }
    }

    /// Makes accounts; each has its own name as password.
    public func addAccounts(_ names: String...) throws {
        for name in names {
            _ = try control("account.add", ["jid": .string("\(name)@\(domain)"), "password": .string(name)])
        }
    }

    /// The slot of the worker that a session is on; nil if there is no such session.
    public func slot(of jid: String) throws -> Int? {
        let bare = String(jid.prefix { $0 != "/" })
        let rows = try control("session.list", ["jid": .string(bare)])["rows"]?.array ?? []
        return rows.first { $0["jid"]?.string == jid }?["worker"]?.int.map { Int($0) }
    }
}
