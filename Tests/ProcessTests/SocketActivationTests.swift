import Foundation
import TestKit
import Testing
import XML

/// Sockets that systemd has opened, handed over by its own tool as it does it itself (sd_listen_fds(3)).
@Suite(
    "Socket activation",
    .enabled(if: Programs.canRun(Programs.installed("systemd-socket-activate")), "systemd-socket-activate is missing"),
    .timeLimit(.minutes(5)))
struct SocketActivationTests {

    /// The server behind such sockets: the tool listens, and becomes the server at the first connection.
    private func activate(_ server: ServerUnderTest, _ sockets: [(port: UInt16, name: String)]) throws -> ChildProcess {
        let log = open(server.directory.file("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(log) }
        let words =
            sockets.flatMap { ["-l", "127.0.0.1:\($0.port)"] }
            + ["--fdname=" + sockets.map(\.name).joined(separator: ":")]
            + [Programs.product("xmppd"), "--config", server.configuration]
        let child = try ChildProcess(try #require(Programs.installed("systemd-socket-activate")), words, output: log, error: log)
        try eventually("the tool to listen", within: 20) {
            server.log.contains("Listening on 127.0.0.1:\(sockets.last?.port ?? 0)")
        }
        return child
    }

    @Test("The first connection starts the server, which serves four sockets of systemd's and one of its own")
    func served() throws {
        let ports = try (0..<5).map { _ in try TCPSocket.freePort() }
        let server = try ServerUnderTest(
            { settings in
                settings.listeners = ports.map { port in
                    var listener = ServerSettings.Listener()
                    listener.port = port
                    return listener
                }
            }, isStarted: false)
        let child = try activate(server, ports.prefix(4).enumerated().map { ($1, "c2s-\($0)") })
        for port in ports {
            // Nobody listens at the last one until the server is there.
            let client = try eventually("a stream at port \(port); log: \(server.log)", within: 60) {
                try? TestClient(port: port, domain: "localhost")
            }
            #expect(try client.open().name == "features")
        }
        child.signal(SIGTERM)
        #expect(child.wait(Deadline(seconds: 30)) == 0, "\(server.log)")
    }

    @Test(
        "A socket that is for nobody keeps the server from starting, and the message says what to do",
        arguments: [("http", "correct FileDescriptorName="), ("c2s", "where no listener is")])
    func refused(_ name: String, _ words: String) throws {
        let (port, other) = (try TCPSocket.freePort(), try TCPSocket.freePort())
        let server = try ServerUnderTest({ $0.listeners[0].port = name == "c2s" ? other : port }, isStarted: false)
        let child = try activate(server, [(port, name)])
        _ = try TCPSocket(port: port)
        #expect(child.wait(Deadline(seconds: 30)) == 78)
        #expect(server.log.contains(words), "\(server.log)")
    }
}
