import Foundation
import TestKit
import Testing

/// Options of `[general]` as a client sees them.
@Suite("General options have their effect", .timeLimit(.minutes(5)))
struct GeneralOptionsTests {
    private static func header(to domain: String) -> String {
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
            + "to='\(domain)' version='1.0'>"
    }

    /// What a server says to bytes until it closes, or until `end` is there.
    private func answer(_ server: ServerUnderTest, _ text: String, until end: String? = nil) throws -> String {
        let socket = try TCPSocket(port: server.port)
        try socket.send(Array(text.utf8))
        var answer = ""
        while let bytes = socket.receive(Deadline()), !bytes.isEmpty {
            answer += String(decoding: bytes, as: UTF8.self)
            if let end, answer.contains(end) { break }
        }
        return answer
    }

    @Test("language, default_server_domain and hide_service_name")
    func streams() throws {
        let server = try ServerUnderTest {
            $0.hosts = ["localhost", "other.example"]
            $0.general = "language = \"DE\"\n  hide_service_name = true"
        }
        let good = try answer(server, Self.header(to: "other.example"), until: "</stream:features>")
        #expect(good.contains("xml:lang='de'") && good.contains("from='other.example'"), "\(good)")
        let unknown = try answer(server, Self.header(to: "elsewhere.example"))
        #expect(unknown.contains("from='localhost'") && unknown.contains("<host-unknown"), "\(unknown)")
        for garbage in ["GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}nonsense<", "<?xml version='1.0'?><nonsense/>"] {
            #expect(try answer(server, garbage).isEmpty, "\(garbage)")
        }
    }

    @Test("without hide_service_name garbage gets a stream error")
    func namedServers() throws {
        let server = try ServerUnderTest.shared()
        let text = try answer(server, "nonsense<")
        #expect(text.contains("from='localhost'") && text.contains("<stream:error>"), "\(text)")
    }

    @Test("registration_timeout: one account from an address in that time")
    func registrations() throws {
        let server = try ServerUnderTest { $0.registrationTimeout = "600" }
        func register(_ name: String) throws -> String {
            try answer(
                server,
                Self.header(to: "localhost") + "<iq type='set' id='r1' to='localhost'><query xmlns='jabber:iq:register'>"
                    + "<username>\(name)</username><password>Pw-\(name)-77</password></query></iq>", until: "id='r1'")
        }
        let first = try register("first")
        #expect(first.contains("type='result'"), "\(first)")
        let second = try register("second")
        #expect(second.contains("type='error'"), "\(second)")
    }
}
