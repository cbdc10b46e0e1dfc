import Foundation
import TestKit
import Testing
import XML

/// Two servers of ours with two workers each, and users of both.
@Suite("Links between servers", .timeLimit(.minutes(5)))
struct FederationTests {
    /// How the two know each other.
    struct Way: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let starttls: String
        let hasCertificates: Bool
    }

    static let ways = [
        Way(testDescription: "in clear, by dialback", starttls: "false", hasCertificates: false),
        Way(testDescription: "encrypted, by dialback", starttls: "optional", hasCertificates: true),
        Way(testDescription: "encryption required, by dialback", starttls: "required", hasCertificates: true),
    ]

    private final class Pair {
        let directory: ScratchDirectory
        let one: ServerUnderTest
        let other: ServerUnderTest

        init(_ way: Way, _ more: String = "") throws {
            directory = try ScratchDirectory()
            let ports = [try TCPSocket.freePort(), try TCPSocket.freePort()]
            let names = ["one.example", "other.example"]
            var servers: [ServerUnderTest] = []
            for (index, name) in names.enumerated() {
                let certificate = try Authority.selfSigned(name, in: directory)
                let chain = way.hasCertificates ? "certfile = \"\(certificate)-both.pem\"" : ""
                servers.append(
                    try ServerUnderTest {
                        $0.hosts = [name]
                        $0.rest = """
                            [[listen.s2s]]
                              port = \(ports[index])
                              ip_address = "127.0.0.1"
                            [s2s]
                              use_starttls = "\(way.starttls)"
                              \(chain)
                              address = [{ host = "\(names[1 - index])", ip_address = "127.0.0.1", port = \(ports[1 - index]) }]
                              \(more)
                            """
                    })
            }
            (one, other) = (servers[0], servers[1])
            try one.addAccounts("juliet", "nurse")
            try other.addAccounts("romeo")
        }
    }

    @Test("users of two servers write to each other, see each other and ask each other", arguments: ways)
    func conversation(_ way: Way) throws {
        let pair = try Pair(way)
        let juliet = try pair.one.join("juliet", toWorker: 0)
        let romeo = try pair.other.join("romeo", toWorker: 1)
        try juliet.send("<message to='romeo@other.example' type='chat' id='1'><body>Wherefore art thou?</body></message>")
        let message = try romeo.wait("a message", within: 40) { $0["id"] == "1" }
        #expect(message["from"] == juliet.address && message.child("body")?.text == "Wherefore art thou?")
        #expect(message.namespace == "jabber:client")
        for number in 2...200 {
            try romeo.send("<message to='\(juliet.address)' type='chat' id='\(number)'><body>\(number)</body></message>")
        }
        var order: [String] = []
        while order.last != "200" { order.append(try juliet.wait("answers", within: 40) { $0.isNamed("message") }["id"] ?? "") }
        #expect(order == (2...200).map { "\($0)" })
        try befriend(juliet, romeo)
        let info = try juliet.ask("get", to: "other.example", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        #expect(info["type"] == "result" && info["from"] == "other.example")
        try romeo.disconnect()
        _ = try juliet.wait("that Romeo left") { $0.isNamed("presence") && $0["type"] == "unavailable" }
    }

    @Test(
        "where encryption is required and there is no certificate, nothing goes in clear",
        arguments: ["required", "required_trusted"])
    func noCertificate(_ starttls: String) throws {
        let server = try ServerUnderTest {
            $0.rest = """
                [[listen.s2s]]
                  port = 0
                  ip_address = "127.0.0.1"
                [s2s]
                  use_starttls = "\(starttls)"
                """
        }
        let peer = try TestClient(port: server.ports[1], domain: "localhost", of: server)
        try peer.send(
            "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
                + "from='peer.example' to='localhost' version='1.0'>")
        let features = try peer.wait("features") { $0.isNamed("features") }
        #expect(features.children.map(\.name) == ["starttls"])
        try peer.send("<db:result from='peer.example' to='localhost'>key</db:result>")
        #expect(try peer.ending() == .init("policy-violation"))
    }
}
