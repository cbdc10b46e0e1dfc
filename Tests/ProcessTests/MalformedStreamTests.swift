import TestKit
import Testing
import XML

@Suite("Malformed input on a stream", .timeLimit(.minutes(5)))
struct MalformedStreamTests {
    /// Larger than any buffer of the server's, smaller than what a test machine would notice.
    private static let bound = 48 << 20

    @Test("gets the error that the standard names, the end of the stream, and disturbs nobody")
    func eachGetsItsError() throws {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("juliet", "romeo")
        let observers = try (0..<2).map { try server.join("romeo", toWorker: $0) }
        let before = try memory(of: server)
        for input in MalformedInput.all {
            for place in input.places {
                let client = try server.connect()
                switch place {
                case .first: break
                case .negotiating: try client.open()
                case .established: try client.logIn("juliet")
                }
                try client.socket.send(input.bytes)
                let ending = try client.ending()
                #expect(ending == .init(input.condition), "\(input.name), \(place)")
            }
        }
        #expect(try memory(of: server) - before < Self.bound)
        try expectUndisturbed(observers, server)
    }

    @Test("a stanza without end is cut off at the limit, and costs bounded memory")
    func endlessStanza() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "max_stanza_size = 262144")] }
        try server.addAccounts("juliet", "romeo")
        let observers = try (0..<2).map { try server.join("romeo", toWorker: $0) }
        let before = try memory(of: server)
        let places: [MalformedInput.Place] = [.first, .negotiating, .established]
        for place in places {
            for beginning in ["<message><body>", "<message><![CDATA[", "<message a='"] {
                let client = try server.connect()
                if place != .first { try client.open() }
                if place == .established {
                    try client.authenticate("juliet", password: "juliet")
                    try client.open()
                    try client.bind()
                }
                try client.send(place == .first ? "<stream:stream to='" : beginning)
                let sent = try flood(client, atMost: 64 << 20)
                #expect(sent < 16 << 20, "\(place), \(beginning)")
                #expect(try client.ending() == .init("policy-violation"), "\(place), \(beginning)")
            }
        }
        #expect(try memory(of: server) - before < Self.bound)
        try expectUndisturbed(observers, server)
    }

    /// Sends letters until the server says something or closes.
    private func flood(_ client: TestClient, atMost limit: Int) throws -> Int {
        let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 65_536)
        var sent = 0
        while sent < limit, !client.socket.isReadable, try client.socket.send(piece) { sent += piece.count }
        return sent
    }

    @Test("a client that sends nothing is left after the time that the listener gives")
    func silence() throws {
        let server = try ServerUnderTest {
            $0.listeners = [
                .init(options: "c2s_state_timeout = 300"), .init(.required, options: "c2s_state_timeout = 300"),
                .init(.direct, options: "c2s_state_timeout = 300"),
            ]
        }
        let silent = try server.connect()
        #expect(try silent.ending() == .init("connection-timeout"))
        let slow = try server.connect()
        try slow.open()
        #expect(try slow.ending() == .init("connection-timeout"))
        // The beginning of a ClientHello, and no more of it.
        let hello: [UInt8] = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03]
        let direct = try TCPSocket(port: server.ports[2])
        try direct.send(hello)
        try expectClosed(direct)
        let upgrading = try server.connect(listener: 1)
        try upgrading.open()
        try upgrading.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        try upgrading.wait("leave to begin TLS") { $0.isNamed("proceed") }
        try upgrading.socket.send(hello)
        try expectClosed(upgrading.socket)
    }

    @Test("garbage instead of TLS ends the connection")
    func garbageForTLS() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(.required), .init(.direct)] }
        let garbage: [[UInt8]] = [
            Array("<stream:stream to='localhost'>".utf8), Array(repeating: 0xFF, count: 4_096),
            Array("GET / HTTP/1.1\r\n\r\n".utf8),
            [0x16, 0x03, 0x01, 0xFF, 0xFF] + Array(repeating: 0x41, count: 65_535),
        ]
        for bytes in garbage {
            let direct = try TCPSocket(port: server.ports[1])
            try direct.send(bytes)
            try expectClosed(direct)
            let upgrading = try server.connect()
            try upgrading.open()
            try upgrading.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            try upgrading.wait("leave to begin TLS") { $0.isNamed("proceed") }
            try upgrading.socket.send(bytes)
            try expectClosed(upgrading.socket)
        }
        let other = try server.connect()
        #expect(try other.open().has("starttls", "urn:ietf:params:xml:ns:xmpp-tls"))
    }

    @Test(
        "what is sent in the clear behind a request for TLS is forgotten",
        .enabled(if: Programs.canRun(Programs.installed("python3")), "python3 is missing"))
    func pipelinedBehindSTARTTLS() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(.required)] }
        let python = try #require(Programs.installed("python3"))
        let outcome = try ChildProcess.run(python, ["\(Programs.root)/Tests/Interop/pipelined.py", "\(server.port)"])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("TLSv1.3"))
        #expect(outcome.output.contains("SCRAM-SHA-1"))
        #expect(!outcome.output.contains("injected"), "\(outcome.output)")
    }

    @Test("connections that are lost in the middle leave nothing behind")
    func lostConnections() throws {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("juliet", "romeo")
        let romeo = try server.join("romeo")
        for part in ["", "<stream:stream to='loc", "<message><body>half of"] {
            let client = try server.connect()
            if part.hasPrefix("<message") { try client.logIn("juliet") }
            try client.send(part)
            client.socket.reset()
        }
        try eventually("lost connections to be gone") { try server.status().listeners[0].open == 1 }
        #expect(try server.sessions().map(\.jid) == [romeo.address])
    }

    /// What the server sends before it closes does not matter: an alert or nothing.
    private func expectClosed(_ socket: TCPSocket) throws {
        let deadline = Deadline()
        while let bytes = socket.receive(deadline) {
            if bytes.isEmpty { return }
        }
        throw TestFailure("the connection stays open")
    }

    private func memory(of server: ServerUnderTest) throws -> Int { try server.status().workers.compactMap(\.rss).reduce(0, +) }

    private func expectUndisturbed(_ observers: [TestClient], _ server: ServerUnderTest) throws {
        let heard = try settle(observers).joined().filter { !$0.isNamed("presence") }
        #expect(heard.isEmpty)
        #expect(try server.status().workers.allSatisfy { $0.restarts == 0 && $0.state == "ready" })
    }
}
