import Foundation
import TestKit
import Testing
import XML

/// Compression against zlib as Python has it.
@Suite(
    "Compressed streams (XEP-0138)", .enabled(if: Programs.canRun(Programs.installed("python3")), "python3 is missing"),
    .timeLimit(.minutes(5)))
struct CompressionTests {
    private struct Facts: Decodable {
        let before: Bool
        let early: String
        let offer: String
        let other: String
        let answer: String
        let after: Bool
        let outcome: String?
        let end: String
    }

    private func failure(_ condition: String) -> String {
        "<failure xmlns='http://jabber.org/protocol/compress'><\(condition)/></failure>"
    }

    private func makeServer() throws -> ServerUnderTest {
        let server = try ServerUnderTest.shared {
            // A slow machine packs what is too much for longer than the five seconds that a step may take by default.
            let compressed = "zlib = 20_000\nc2s_state_timeout = 60_000"
            $0.listeners = [.init(options: compressed), .init(.direct, options: compressed), .init()]
        }
        try server.addAccounts("juliet", "romeo")
        return server
    }

    private static func run(_ server: ServerUnderTest, _ listener: Int, _ what: String...) throws -> Outcome {
        let python = try #require(Programs.installed("python3"))
        return try ChildProcess.run(
            python,
            [
                "\(Programs.root)/Tests/Interop/compressed.py", "\(server.ports[listener])", listener == 1 ? "tls" : "plain",
                "juliet",
            ]
                + what)
    }

    private func facts(_ outcome: Outcome) throws -> Facts {
        #expect(outcome.status == 0, "\(outcome.error)")
        return try JSONDecoder().decode(Facts.self, from: Data(outcome.output.utf8))
    }

    @Test("a login, refusals, a message and its answer, with and without TLS", arguments: [0, 1])
    func exchange(listener: Int) throws {
        let server = try makeServer()
        // Where there is no option there is no offer.
        let romeo = try TestClient(port: server.ports[2], domain: server.domain, of: server)
        try romeo.logIn("romeo", resource: "r")
        #expect(!romeo.features.has("compression", "http://jabber.org/features/compress"))
        // A message to juliet herself comes back compressed.
        let own = try facts(try Self.run(server, listener, "message", "juliet@localhost/r"))
        #expect(own.outcome == String(repeating: "hello ", count: 1000))
        #expect(!own.before && !own.after)
        #expect(own.early == failure("setup-failed") && own.other == failure("unsupported-method"))
        #expect(own.offer == "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>")
        #expect(own.answer == "<compressed xmlns='http://jabber.org/protocol/compress'/>")
        #expect(own.end.hasSuffix("</stream:stream>"))
        try romeo.disconnect()
    }

    @Test("input that inflates to too much, or is no zlib, ends the stream and nothing else", arguments: [0, 1])
    func attacks(listener: Int) throws {
        let server = try makeServer()
        let bomb = try facts(try Self.run(server, listener, "bomb"))
        #expect(bomb.end.contains("<policy-violation") && bomb.end.contains("inflates to too much"), "\(bomb.end)")
        #expect(bomb.end.hasSuffix("</stream:stream>"))
        let garbage = try facts(try Self.run(server, listener, "garbage"))
        #expect(garbage.end.contains("<undefined-condition") && garbage.end.contains("<processing-failed/>"), "\(garbage.end)")
        #expect(garbage.end.hasSuffix("</stream:stream>"))
        let own = try facts(try Self.run(server, listener, "message", "juliet@localhost/r"))
        #expect(own.outcome?.hasPrefix("hello") == true)
    }
}
