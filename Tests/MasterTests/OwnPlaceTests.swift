import Glibc
import IPC
import Testing

@testable import Master

/// Paths of the configuration that name something else than what a server leaves there.
@Suite("What is at a path of the server's and is not its own", .timeLimit(.minutes(2)))
struct OwnPlaceTests {
    private func write(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        let bytes = Array(text.utf8)
        try #require(Glibc.write(file, bytes, bytes.count) == bytes.count)
    }

    private func contents(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 100)
        let count = read(file, &text, text.count)
        return String(decoding: text.prefix(max(0, count)), as: UTF8.self)
    }

    @Test("a file, a directory, a link or a pipe at the place of the control socket is refused and stays")
    func controlSocket() throws {
        let server = try TestServer(isStarted: false)
        try write("precious", to: server.controlSocket)
        #expect(try server.runAnother(["--config", server.configuration]) == 69)
        #expect(
            server.log.contains(
                "xmppd.control_socket: \(server.controlSocket): a file is there, and stays; remove it, or name another path"))
        #expect(contents(server.controlSocket) == "precious")
        unlink(server.controlSocket)
        for (kind, make) in [
            ("directory", { mkdir($0, 0o700) }), ("symbolic link", { symlink("/nowhere", $0) }), ("pipe", { mkfifo($0, 0o600) }),
        ] as [(String, (String) -> Int32)] {
            try #require(make(server.controlSocket) == 0)
            #expect(try server.runAnother(["--config", server.configuration]) == 69)
            #expect(server.log.contains("a \(kind) is there"), "\(server.log)")
            var facts = stat()
            #expect(lstat(server.controlSocket, &facts) == 0)
            _ = kind == "directory" ? rmdir(server.controlSocket) : unlink(server.controlSocket)
        }
    }

    @Test("a socket at which another program listens is refused; one that is left over is replaced")
    func otherSocket() throws {
        let server = try TestServer(isStarted: false)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: server.controlSocket.utf8) }
        let other = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(other, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        try #require(bound == 0 && listen(other, 1) == 0)
        #expect(try server.runAnother(["--config", server.configuration]) == 69)
        #expect(server.log.contains("xmppd.control_socket: \(server.controlSocket): another program listens there"))
        close(other)
        try server.start()
        try server.observer.wait(for: "READY=1")
        #expect(try server.status()["state"]?.string == "running")
    }

    @Test("a file that holds no process id is not made one", arguments: ["xmppd.pid", "control.sock.lock"])
    func processID(_ name: String) throws {
        let server = try TestServer(isStarted: false)
        let path = "\(server.directory)/\(name)"
        try write("root:x:0:0", to: path)
        #expect(try server.runAnother(["--config", server.configuration]) == 69)
        let option = name == "xmppd.pid" ? "xmppd.pid_file" : "xmppd.control_socket"
        #expect(server.log.contains("\(option): \(path): the file there holds something else than a process id"), "\(server.log)")
        #expect(contents(path) == "root:x:0:0")
        // What a server that was killed has left is taken over.
        try write("4194304\n", to: path)
        try server.start()
        try server.observer.wait(for: "READY=1")
    }

    @Test("a reload to such a place is refused, and so the server goes on where it is")
    func reload() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try write("precious", to: "\(server.directory)/new.sock")
        try server.write(control: "new.sock")
        guard case .failure(_, let text) = try server.ask("reload") else { throw TestFailure("it was taken") }
        #expect(text.contains("xmppd.control_socket") && text.contains("a file is there"), "\(text)")
        #expect(contents("\(server.directory)/new.sock") == "precious")
        // What has taken the socket's place meanwhile is not removed with it.
        unlink(server.controlSocket)
        try write("precious", to: server.controlSocket)
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(contents(server.controlSocket) == "precious")
    }

    @Test("root makes nothing in a directory that is another's", .enabled(if: geteuid() == 0, "this is for root"))
    func directory() throws {
        let server = try TestServer(isStarted: false)
        try #require(chown(server.directory, 65_534, 65_534) == 0)
        #expect(try server.runAnother(["--config", server.configuration]) == 69)
        #expect(server.log.contains("xmppd.control_socket: ") && server.log.contains("is not root's alone"), "\(server.log)")
        #expect(contents("\(server.directory)/xmppd.pid") == nil && contents(server.controlSocket + ".lock") == nil)
        try #require(chown(server.directory, 0, 0) == 0)
    }

    @Test("workers get neither secrets nor the service manager's socket from the environment")
    func environment() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        let file = open("/proc/\(try server.workerPid(0))/environ", O_RDONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(file, &bytes, bytes.count)
        let variables = bytes.prefix(max(0, count)).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        // The shell that stands before the fake worker adds some of its own.
        let names = Set(variables.compactMap { $0.split(separator: "=").first.map(String.init) })
        #expect(
            names.subtracting(["PWD", "OLDPWD", "SHLVL", "_", "FAKE_WORKER", "FAKE_WORKER_OBSERVER"]) == [
                "PATH", "SWIFT_BACKTRACE",
            ])
        #expect(variables.contains("SWIFT_BACKTRACE=enable=no"))
    }
}
