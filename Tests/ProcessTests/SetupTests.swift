import CPlatform
import Foundation
import TestKit
import Testing

@Suite("A server from nothing", .timeLimit(.minutes(5)))
struct SetupTests {
    /// Runs `xmppctl setup` with the file and the socket of a server.
    private func setup(_ server: ServerUnderTest, _ words: [String], input: String = "") throws -> Outcome {
        try ChildProcess.run(
            Programs.product("xmppctl"), ["setup", "--file", server.configuration] + words, input: input,
            variables: ["XMPPD_CONTROL_SOCKET": server.controlSocket, "XMPPD_PROGRAM": Programs.product("xmppd")])
    }

    /// Puts what `setup` wrote where a test may have it: other ports, files of its own.
    private func confine(_ server: ServerUnderTest) throws {
        let written = server.directory.read("xmppd.toml")
        let text = written[..<(written.firstRange(of: "\n[xmppd]")?.lowerBound ?? written.endIndex)].replacing(
            #/port = 522[23]/#, with: "port = 0\n  ip_address = \"127.0.0.1\"")
        let native = """

            [xmppd]
              workers = 2
              control_socket = "\(server.controlSocket)"
              pid_file = "\(server.directory.file("xmppd.pid"))"
              storage.path = "\(server.directory.file("xmppd.sqlite"))"

            """
        try server.directory.write(String(text) + native, to: "xmppd.toml")
    }

    @Test("flags, a certificate, start, account, login of a real client", .enabled(if: Programs.canRun(Programs.python)))
    func fromNothing() throws {
        let server = try ServerUnderTest(isStarted: false)
        try FileManager.default.removeItem(atPath: server.configuration)
        let certificate = try Certificate(in: server.directory)
        let words = [
            "--domain", "localhost", "--admin", "nurse", "--certificate", certificate.certificate, "--key", certificate.key,
        ]
        let outcome = try setup(server, words)
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("xmppctl account add nurse@localhost"), "\(outcome.output)")
        let check = try server.xmppctl("config", "check", server.configuration)
        // As root a warning says so.
        let notes = check.error.split(separator: "\n").filter { !$0.contains("xmppd.user: warning") && $0.contains(": ") }
        #expect(check.status == 0 && notes.isEmpty, "nothing in it is without effect: \(check.error)")

        try confine(server)
        try server.start()
        #expect(server.ports.count == 2)
        #expect(try server.xmppctl("account", "add", "nurse@localhost", input: "nurse\n").status == 0)
        let client = try InteropClient("nurse", on: server)
        try client.connect()
        #expect(client.address.hasPrefix("nurse@localhost/"))

        // The file has other ports now: it was edited.
        let again = try setup(server, words)
        #expect(again.status == 1 && again.error.contains("has been edited"), "\(again.error)")
    }

    @Test("a certificate that is not there changes nothing")
    func noCertificate() throws {
        let server = try ServerUnderTest(isStarted: false)
        let before = server.directory.read("xmppd.toml")
        let outcome = try setup(
            server, ["--domain", "localhost", "--certificate", "/nonexistent/a", "--key", "/nonexistent/b", "--force"])
        #expect(outcome.status == 78 && outcome.error.contains("listen.c2s[1].tls.certfile"), "\(outcome.error)")
        #expect(server.directory.read("xmppd.toml") == before)
    }

    @Test("records that are missing are told in lines of a zone file")
    func records() throws {
        let server = try ServerUnderTest(isStarted: false)
        let certificate = try Certificate(in: server.directory)
        let names = try #require(FakeNameServer())
        let words = [
            "--domain", "example.org", "--certificate", certificate.certificate, "--key", certificate.key, "--force",
            "--nameserver",
        ]
        let outcome = try setup(server, words + ["127.0.0.1:\(names.port)"])
        #expect(outcome.status == 0, "\(outcome.error)")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.contains(#/^_xmpp-client\._tcp\.example\.org +SRV +xmpp\.example\.org:5222 /#) }, "\(lines)")
        #expect(lines.contains { $0.contains(#/^xmpp\.example\.org +A +192\.0\.2\.7 /#) }, "\(lines)")
        let missing = lines.drop { !$0.hasPrefix("Missing") }.dropFirst()
        #expect(
            Array(missing) == [
                "_xmpps-client._tcp.example.org. 3600 IN SRV 5 0 5223 xmpp.example.org.",
                "_xmpp-server._tcp.example.org. 3600 IN SRV 5 0 5269 xmpp.example.org.",
            ])
    }

    @Test("a name server that does not answer is said, and the rest goes on")
    func noNameServer() throws {
        let server = try ServerUnderTest(isStarted: false)
        let certificate = try Certificate(in: server.directory)
        var address = cplatform_address()
        #expect(cplatform_parse_address("127.0.0.1", &address) == 0)
        // Nobody reads what comes here.
        let deaf = cplatform_bind_udp(&address, 0)
        defer { close(deaf) }
        let outcome = try setup(
            server,
            [
                "--domain", "example.org", "--certificate", certificate.certificate, "--key", certificate.key, "--force",
                "--nameserver",
                "127.0.0.1:\(address.port)",
            ])
        #expect(outcome.status == 0 && outcome.output.contains("The name server does not answer"), "\(outcome)")
        #expect(outcome.output.contains("_xmpp-client._tcp.example.org. 3600 IN SRV 5 0 5222 example.org."), "\(outcome.output)")
    }
}

/// Knows the service of clients at example.org and the machine that has it, and that nothing else exists.
private final class FakeNameServer: Sendable {
    let port: UInt16
    private let socket: Int32

    init?() {
        var address = cplatform_address()
        guard cplatform_parse_address("127.0.0.1", &address) == 0, case let socket = cplatform_bind_udp(&address, 0), socket >= 0
        else { return nil }
        port = address.port
        self.socket = socket
        let end = fcntl(socket, F_DUPFD_CLOEXEC, 3)
        Thread.detachNewThread {
            var isOver = false
            while !isOver {
                var entry = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
                guard poll(&entry, 1, 60_000) > 0 else { break }
                isOver = !Self.answerOne(end)
            }
            close(end)
        }
    }

    deinit {
        // An empty datagram to itself ends the thread.
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_port = port.bigEndian
        own.sin_addr.s_addr = inet_addr("127.0.0.1")
        withUnsafePointer(to: &own) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket, nil, 0, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        close(socket)
    }

    private static func answerOne(_ socket: Int32) -> Bool {
        var peer = sockaddr_storage(), length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var question = [UInt8](repeating: 0, count: 512)
        let count = withUnsafeMutablePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(socket, &question, question.count, 0, $0, &length)
            }
        }
        guard count > 12 else { return false }
        let answer = Self.answer(to: Array(question.prefix(count)))
        _ = withUnsafePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(socket, answer, answer.count, 0, $0, length) }
        }
        return true
    }

    private static func answer(to question: [UInt8]) -> [UInt8] {
        let end = question[12...].firstIndex(of: 0) ?? question.count - 5
        let asked = Array(question[12..<(end + 5)])
        let name = String(decoding: asked, as: UTF8.self).lowercased()
        var data: [UInt8]?
        let target: [UInt8] = [4] + Array("xmpp".utf8) + [7] + Array("example".utf8) + [3] + Array("org".utf8) + [0]
        if name.contains("_xmpp-client"), asked[asked.count - 3] == 33 { data = [0, 5, 0, 0, 0x14, 0x66] + target }
        if !name.contains("_"), asked.starts(with: target), asked[asked.count - 3] == 1 { data = [192, 0, 2, 7] }
        let head: [UInt8] = [question[0], question[1], 0x81, data == nil ? 0x83 : 0x80, 0, 1, 0, data == nil ? 0 : 1, 0, 0, 0, 0]
        guard let data else { return head + asked }
        return head + asked + [0xC0, 12, 0, asked[asked.count - 3], 0, 1, 0, 0, 14, 16, 0, UInt8(data.count)] + data
    }
}
