import Foundation
import IPC
import TestKit
import Testing
import XML

/// Other people's servers (Prosody, ejabberd) with ours: they find one another by DNS, and each has a domain with a certificate of
/// a common authority and one whose certificate vouches for itself.
@Suite("Other people's servers", .serialized, .timeLimit(.minutes(5)))
struct ServerInteropTests {
    @Test(
        "Prosody", .enabled(if: Programs.canRun(ProsodyServer.program), "prosody is missing; see packaging/dev"))
    func prosody() throws {
        let peering = try Peering("prosody.example", acknowledges: true) {
            try ProsodyServer("prosody.example", port: $0, authority: $1, nameServer: $2)
        }
        try peering.run()
    }

    @Test(
        "ejabberd", .enabled(if: Programs.canRun(EjabberdServer.libraries), "ejabberd is missing; see packaging/dev"))
    func ejabberd() throws {
        let peering = try Peering("ejabberd.example", acknowledges: false, place: "localhost") {
            try EjabberdServer("ejabberd.example", port: $0, authority: $1, nameServer: $2)
        }
        try peering.run()
    }
}

/// A server of other people's and ours in each mode of `use_starttls`, one after another.
private final class Peering {
    static let modes = ["optional", "required_trusted", "required"]

    let directory: ScratchDirectory
    let authority: Authority
    let names: NameServerDouble
    let peer: ServerPeer
    /// Where ours listens for servers, by mode.
    let ports: [String: UInt16]
    /// Whether the peer acknowledges stanzas (XEP-0198).
    let acknowledges: Bool
    /// That of the last message of `arrives`.
    private var lastID = ""

    /// - Parameter place: the host of our servers; ejabberd has the C library look addresses up, which knows nothing of this test.
    init(
        _ name: String, acknowledges: Bool, place: String? = nil, _ start: (UInt16, Authority, UInt16) throws -> ServerPeer
    ) throws {
        self.acknowledges = acknowledges
        directory = try ScratchDirectory()
        authority = try Authority(in: directory)
        var zone: [String: NameServerDouble.Reply] = [:]
        func add(_ domain: String, _ port: UInt16, at place: String? = nil) {
            let target = place ?? "server.\(domain)"
            zone["SRV _xmpp-server._tcp.\(domain)"] = .records([.service(0, 5, port, target)])
            zone["A \(target)"] = .records([.ipv4("127.0.0.1")])
        }
        let port = try TCPSocket.freePort()
        for kind in ["good", "own"] { add("\(kind).\(name)", port) }
        var ports: [String: UInt16] = [:]
        for mode in Self.modes {
            let port = try TCPSocket.freePort()
            ports[mode] = port
            for domain in Self.domains(mode) { add(domain, port, at: place) }
        }
        self.ports = ports
        names = try #require(NameServerDouble(zone))
        peer = try start(port, authority, names.port)
        for domain in peer.domains { try peer.addAccount("romeo", domain) }
    }

    static func domains(_ mode: String) -> [String] {
        ["good", "own"].map { "\($0).\(mode.replacing("_", with: "-")).example" }
    }

    /// Ours in a mode, with a user of each domain.
    func server(_ mode: String) throws -> ServerUnderTest {
        let domains = Self.domains(mode)
        try authority.sign(domains[0], domain: domains[0])
        try Authority.selfSigned(domains[1], in: directory)
        let chains = domains.map { "{ domain = \"\($0)\", certfile = \"\(directory.file("\($0)-both.pem"))\" }" }
        let server = try ServerUnderTest {
            $0.hosts = domains
            $0.variables["SSL_CERT_FILE"] = authority.certificate
            $0.native = "dns.servers = [\"127.0.0.1:\(names.port)\"]"
            $0.rest = """
                [[listen.s2s]]
                  port = \(ports[mode] ?? 0)
                  ip_address = "127.0.0.1"
                  [listen.s2s.tls]
                    cacertfile = "\(authority.certificate)"
                [s2s]
                  use_starttls = "\(mode)"
                  domain_certfile = [\(chains.joined(separator: ", "))]
                """
        }
        for domain in domains {
            _ = try server.control("account.add", ["jid": .string("juliet@\(domain)"), "password": "juliet"])
        }
        return server
    }

    /// The last mode's server goes on into the test that ends the peer.
    func run() throws {
        for mode in Self.modes {
            let server = try server(mode)
            for (index, domain) in server.settings.hosts.enumerated() {
                let juliet = try join(server, domain)
                for (other, theirs) in peer.domains.enumerated() {
                    let pair = Pair(mode: mode, isOursGood: index == 0, isTheirsGood: other == 0)
                    try converse(pair, juliet, try peer.join("romeo", theirs), server)
                }
                try juliet.disconnect()
            }
            if mode == Self.modes.last { try endSuddenly(server) }
        }
    }

    private func join(_ server: ServerUnderTest, _ domain: String) throws -> TestClient {
        let juliet = try TestClient(port: server.port, domain: domain, of: server)
        try juliet.logIn("juliet")
        try juliet.fetchRoster()
        try juliet.becomeAvailable()
        return juliet
    }

    // MARK: The matrix

    /// Whose certificates are good, and what proves the sender where stanzas get through; nil: they do not.
    private struct Pair {
        let mode: String
        let isOursGood: Bool
        let isTheirsGood: Bool

        var proofOfOurs: String? {
            if mode == "required_trusted", !isTheirsGood || !isOursGood { return nil }
            return isOursGood ? "external" : "dialback"
        }

        var proofOfTheirs: String? {
            if isTheirsGood { return "external" }
            return mode == "required_trusted" ? nil : "dialback"
        }
    }

    private func converse(_ pair: Pair, _ juliet: TestClient, _ romeo: TestClient, _ server: ServerUnderTest) throws {
        let place = "\(juliet.domain) and \(romeo.domain)"
        for (sender, receiver, proof) in [(juliet, romeo, pair.proofOfOurs), (romeo, juliet, pair.proofOfTheirs)] {
            let arrives = try arrives(from: sender, to: receiver)
            #expect(arrives == (proof != nil), "\(place): from \(sender.address), \(history(server, juliet, romeo))")
            guard let proof else { continue }
            let event = sender === juliet ? "link to a server established" : "server authorized"
            let lines = history(server, juliet, romeo).filter { $0.contains(event) }
            #expect(
                lines.contains { $0.contains("proof=\(proof)") && $0.contains("security=TLSv1.3") },
                "\(place): \(proof) from \(sender.address), \(history(server, juliet, romeo))")
        }
        if pair.proofOfOurs != nil, pair.proofOfTheirs != nil { try talk(juliet, romeo) }
        try romeo.disconnect()
    }

    /// What our server has to say of the streams between two domains.
    private func history(_ server: ServerUnderTest, _ juliet: TestClient, _ romeo: TestClient) -> [String] {
        server.log.split(separator: "\n").map(String.init).filter {
            $0.contains("remote=\(romeo.domain)") && $0.contains("local=\(juliet.domain)")
        }
    }

    /// Whether a message arrives, or comes back.
    private func arrives(from sender: TestClient, to receiver: TestClient) throws -> Bool {
        let id = "way-\(sender.newID())-\(sender.address)"
        lastID = id
        try sender.send("<message to='\(receiver.address)' type='chat' id='\(id)'><body>Anon!</body></message>")
        let what = "an error or an arrival, from \(sender.address) to \(receiver.address); the peer: \(peer.log.suffix(8000))"
        return try eventually(what, within: 60) {
            for client in [sender, receiver] where client.hasInput {
                let element = try client.wait("anything") { _ in true }
                if element["id"] == id { return client === receiver }
            }
            return nil
        }
    }

    private func talk(_ juliet: TestClient, _ romeo: TestClient) throws {
        try befriend(juliet, romeo)
        for (asker, asked) in [(juliet, romeo), (romeo, juliet)] {
            let card = "<vCard xmlns='vcard-temp'><FN>\(asked.bare)</FN></vCard>"
            #expect(try asked.ask("set", card)["type"] == "result")
            let answer = try asker.ask("get", to: asked.bare, "<vCard xmlns='vcard-temp'/>")
            #expect(answer.child("vCard", "vcard-temp")?.child("FN")?.text == asked.bare)
            let info = try asker.ask("get", to: asked.domain, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
            #expect(info["type"] == "result" && info["from"] == asked.domain)
            #expect(try asker.ask("get", to: asked.domain, "<ping xmlns='urn:xmpp:ping'/>")["type"] == "result")
            for number in 1...50 {
                try asker.send("<message to='\(asked.address)' type='chat' id='n\(number)'><body>\(number)</body></message>")
            }
            var order: [String] = []
            while order.last != "n50" { order.append(try asked.wait("messages") { $0.isNamed("message") }["id"] ?? "") }
            #expect(order == (1...50).map { "n\($0)" })
        }
        try romeo.send("<presence><show>away</show></presence>")
        _ = try juliet.wait("that he is away") { $0.child("show")?.text == "away" && $0["from"] == romeo.address }
        try romeo.send("<presence type='unavailable'/>")
        _ = try juliet.wait("that he left") { $0["type"] == "unavailable" && $0["from"] == romeo.address }
    }

    // MARK: A sudden end

    /// The peer dies with stanzas under way: their senders hear of it, in order, and afterwards there is a link again.
    private func endSuddenly(_ server: ServerUnderTest) throws {
        let juliet = try join(server, server.settings.hosts[0])
        let romeo = try peer.join("romeo", peer.domains[0])
        #expect(try arrives(from: juliet, to: romeo))
        let failures = { server.log.split(separator: "\n").filter { $0.contains("no link to a server") }.count }
        let before = failures()
        // Without acknowledgements nobody knows of what was sent before the end.
        if acknowledges {
            try eventually("a request for an acknowledgement") { isRequested(afterStanza: lastID) }
            #expect(try arrives(from: romeo, to: juliet))
            peer.hang()
            try send("under-way", juliet, romeo)
            try peer.kill()
            try expectErrors("under-way", juliet)
            let known = juliet.takeUnread().filter { $0["type"] == "error" }
            #expect(known.isEmpty, "what had arrived came back")
        } else {
            try peer.kill()
        }
        try eventually("the end of the link", within: 30) { failures() > before }
        try send("afterwards", juliet, romeo)
        try expectErrors("afterwards", juliet)
        try peer.start()
        let later = try peer.join("romeo", peer.domains[0])
        try eventually("a link once more", within: 60) { try arrives(from: juliet, to: later) }
        #expect(try arrives(from: later, to: juliet))
    }

    /// Whether Prosody's log has a request for an acknowledgement behind a stanza, on the same stream.
    private func isRequested(afterStanza id: String) -> Bool {
        let log = peer.log
        // Its attributes come in any order; what has the id first is the line of its receipt.
        guard let stanza = log.range(of: "id='\(id)'") else { return false }
        let before = log[..<stanza.lowerBound]
        guard let line = before.range(of: "\n", options: .backwards),
            let end = before.range(of: "\t", range: line.upperBound..<before.endIndex),
            let stream = before[line.upperBound..<end.lowerBound].split(separator: " ").last
        else { return false }
        return log.range(of: "\(stream)\tdebug\tReceived[s2sin]: <r ", range: stanza.upperBound..<log.endIndex) != nil
    }

    private func send(_ name: String, _ sender: TestClient, _ receiver: TestClient) throws {
        for number in 1...30 {
            let id = "\(name)-\(number)"
            try sender.send("<message to='\(receiver.address)' type='chat' id='\(id)'><body>\(number)</body></message>")
        }
    }

    private func expectErrors(_ name: String, _ sender: TestClient) throws {
        let stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
        var order: [String] = []
        while order.count < 30 {
            let error = try sender.wait("errors", within: 40) { $0["id"]?.hasPrefix(name) ?? false }
            #expect(error["type"] == "error" && error.child("error")?.has("remote-server-timeout", stanzas) == true, "\(error)")
            order.append(error["id"] ?? "")
        }
        #expect(order == (1...30).map { "\(name)-\($0)" })
    }
}
