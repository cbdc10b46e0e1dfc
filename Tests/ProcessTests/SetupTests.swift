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
        #expect(server.ports.count == 3)
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
        let names = try #require(
            NameServerDouble([
                "SRV _xmpp-client._tcp.example.org": .records([.service(5, 0, 5222, "xmpp.example.org")]),
                "A xmpp.example.org": .records([.ipv4("192.0.2.7")]),
            ]))
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
