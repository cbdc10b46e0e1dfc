import CPlatform
import Glibc
import IPC
import Testing

/// A master under test: a real `xmppd` process with fake workers, in a directory of its own, on a port of its own.
final class TestServer {
    let directory: String
    let observer: Observer
    private(set) var pid: Int32 = 0
    private var handle: Int32 = -1
    private var whims = ""
    private var drain = 5
    private var watchdog = 0
    /// What workers run: the fake worker, with variables that a master gives to no child.
    private var program: String { "\(directory)/worker" }

    var controlSocket: String { "\(directory)/control.sock" }
    var configuration: String { "\(directory)/xmppd.toml" }

    /// Writes a configuration and starts the master.
    init(
        workers: Int = 2, whims: String = "", options: String = "", drain: Int = 5, watchdog: Int = 0,
        isStarted: Bool = true
    ) throws {
        var template = Array("/tmp/xmppd-test-XXXXXX\0".utf8.map { CChar(bitPattern: $0) })
        try #require(mkdtemp(&template) != nil)
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        observer = try Observer("\(directory)/observer")
        self.whims = whims
        self.drain = drain
        self.watchdog = watchdog
        try replaceProgram(
            "FAKE_WORKER_OBSERVER='\(observer.path)' FAKE_WORKER='\(whims)' exec \(Self.programs)/FakeWorker \"$@\"")
        try write(workers: workers, options: options)
        if isStarted { try start() }
    }

    deinit {
        if handle >= 0 {
            _ = cplatform_pidfd_kill(handle, SIGKILL)
            waitpid(pid, nil, 0)
            close(handle)
        }
        let names = [
            "xmppd.toml", "log", "observer", "control.sock", "control.sock.lock", "xmppd.pid", "other.toml", "notifications",
            "worker",
            "new.sock", "new.sock.lock", "new.pid",
        ]
        for name in names {
            unlink("\(directory)/\(name)")
        }
        rmdir(directory)
    }

    func write(
        workers: Int = 2, options: String = "", to name: String = "xmppd.toml", control: String = "control.sock",
        pidFile: String = "xmppd.pid", drain: Int? = nil, native: String = ""
    ) throws {
        let drain = drain ?? self.drain
        let text = """
            [general]
            hosts = ["example.org"]
            default_server_domain = "example.org"
            loglevel = "debug"
            \(options)
            [xmppd]
            workers = \(workers)
            worker_program = "\(program)"
            control_socket = "\(directory)/\(control)"
            pid_file = "\(pidFile.hasPrefix("/") ? pidFile : "\(directory)/\(pidFile)")"
            drain_timeout = \(drain)
            stop_timeout = \(drain)
            watchdog_timeout = \(watchdog)
            \(Self.account)
            \(native)

            [[listen.c2s]]
            ip_address = "127.0.0.1"
            port = 0

            [[listen.c2s]]
            ip_address = "::1"
            port = 0
            """
        let descriptor = open("\(directory)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        let bytes = Array(text.utf8)
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
    }

    /// Installs a shell script in the place of the worker program.
    func replaceProgram(_ script: String) throws {
        unlink(program)
        let descriptor = open(program, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o700)
        try #require(descriptor >= 0)
        let bytes = Array("#!/bin/sh\n\(script)\n".utf8)
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
    }

    func append(_ text: String) throws {
        let descriptor = open(configuration, O_WRONLY | O_APPEND)
        try #require(descriptor >= 0)
        let bytes = Array(text.utf8)
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
    }

    func start() throws {
        (pid, handle) = try spawn(["--config", configuration], log: "log")
        observer.process = handle
    }

    /// The exit status of another master; 128 + the signal if one killed it.
    func runAnother(_ arguments: [String]) throws -> Int32 {
        let (pid, handle) = try spawn(arguments, log: "log")
        defer { close(handle) }
        return try Self.wait(pid, handle)
    }

    private func spawn(_ arguments: [String], log: String) throws -> (Int32, Int32) {
        let output = open("\(directory)/\(log)", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        try #require(output >= 0)
        defer { close(output) }
        let program = "\(Self.programs)/xmppd"
        let settings = ["NOTIFY_SOCKET=\(observer.path)", "PATH=/usr/bin:/bin", "SECRET_OF_THE_MASTER=1"]
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = settings.map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        let pid = cplatform_spawn(program, &words, &variables, [output, output], [1, 2], 2)
        try #require(pid > 0, "\(program): \(String(cString: strerror(-pid)))")
        let handle = cplatform_pidfd_open(pid)
        try #require(handle >= 0)
        return (pid, handle)
    }

    /// The exit status of the master, which must end by itself.
    func waitForExit() throws -> Int32 {
        let status = try Self.wait(pid, handle)
        observer.process = -1
        close(handle)
        handle = -1
        return status
    }

    private static func wait(_ pid: Int32, _ handle: Int32) throws -> Int32 {
        var entry = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        try #require(poll(&entry, 1, 30_000) == 1, "the master did not end")
        var status: Int32 = 0
        try #require(waitpid(pid, &status, 0) == pid)
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    func signal(_ number: Int32) { _ = cplatform_pidfd_kill(handle, number) }

    /// What the masters wrote to standard error so far.
    var log: String {
        let descriptor = open("\(directory)/log", O_RDONLY)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var text: [UInt8] = [], piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(descriptor, &piece, piece.count), count > 0 { text += piece[..<count] }
        return String(decoding: text, as: UTF8.self)
    }

    func connect() throws -> BlockingChannel { try BlockingChannel(connectingTo: controlSocket) }

    /// Asks on a connection of its own; progress is skipped.
    func ask(_ verb: String, _ arguments: Value = .object([])) throws -> OperationResult {
        let channel = try connect()
        try channel.send(ControlRequest(id: 1, verb: verb, arguments: arguments).encoded())
        while true {
            let frame = try? channel.receive(timeout: 0)
            if frame == nil { observer.listen(until: channel.descriptor) }
            let reply = try ControlReply(frame ?? channel.receive(timeout: 30_000))
            if case .result(let result) = reply.outcome { return result }
        }
    }

    func status() throws -> Value {
        guard case .success(let value) = try ask("status") else { throw TestFailure("no status") }
        return value
    }

    func workerPid(_ slot: Int) throws -> Int32 {
        Int32(try #require(try status()["workers"]?.array?[slot]["pid"]?.int))
    }

    /// Where root runs the tests of a machine with the package on it, workers stay root: their files are root's.
    private static let account = geteuid() == 0 && getpwnam("xmppd") != nil ? "user = \"root\"" : ""

    /// Where the products of the build are.
    static let programs: String = {
        var path = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &path, path.count)
        let own = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // The runner may be the test bundle itself or a helper of the toolchain that loaded it.
        let bundle = own.hasSuffix(".xctest") ? own : CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? own
        return String(bundle[..<(bundle.lastIndex(of: "/") ?? bundle.endIndex)])
    }()
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
