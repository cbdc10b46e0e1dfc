import TestKit
import XML

/// A server for the domain `localhost` with two workers that knows where `peer.example` and others are, and what scripted
/// servers say to it.
struct HostilePeer {
    static let domain = "peer.example"
    static let home = "localhost"

    let server: ServerUnderTest
    let peer: ServerDouble
    let files: ScratchDirectory
    let starttls: String

    /// - Parameters:
    ///   - listener: more lines of the listener's table.
    ///   - more: more lines of `[s2s]`, which may end with other tables.
    ///   - others: further servers whose addresses it knows.
    init(_ starttls: String = "optional", listener: String = "", _ more: String = "", others: [ServerDouble] = []) throws {
        self.starttls = starttls
        let peer = try ServerDouble(Self.domain)
        let files = try ScratchDirectory()
        (self.peer, self.files) = (peer, files)
        let authority = try Authority(in: files)
        let own = try authority.sign("own", domain: Self.home)
        // Where a test does not say how long a peer may be silent, a busy machine has time enough.
        let patience = (listener + more).contains("state_timeout") ? "" : "state_timeout = 30000"
        let addresses = ([peer] + others).map(\.address).joined(separator: ", ")
        server = try ServerUnderTest {
            $0.rest = """
                [[listen.s2s]]
                  port = 0
                  ip_address = "127.0.0.1"
                  \(patience)
                  \(listener)
                  [listen.s2s.tls]
                    cacertfile = "\(authority.certificate)"
                [s2s]
                  use_starttls = "\(starttls)"
                  certfile = "\(own)-both.pem"
                  address = [\(addresses)]
                  \(patience.isEmpty ? "" : "outgoing.\(patience)")
                  \(more)
                """
        }
        try server.addAccounts("juliet", "romeo")
        try authority.sign("peer", domain: Self.domain)
    }

    var port: UInt16 { server.ports[1] }

    /// The certificate that proves `peer.example`, with its key.
    var certificate: String { files.file("peer-both.pem") }

    /// Whether only those get in who have TLS.
    var requiresTLS: Bool { starttls.hasPrefix("required") }

    func connect(from source: String? = nil) throws -> TestClient {
        TestClient(try TCPSocket(port: port, from: source), domain: Self.home, of: server)
    }

    /// A stream that is as far as anybody gets who proves nothing.
    func stranger(_ from: String? = domain, certificate: String? = nil) throws -> TestClient {
        let stream = try connect()
        try stream.openAsServer(from, to: Self.home)
        if requiresTLS { try stream.startTLSAsServer(from, to: Self.home, certificate: certificate) }
        return stream
    }

    /// A stream that may send for `peer.example`: by its certificate where TLS is required, else by dialback.
    func authorized() throws -> TestClient {
        let stream = try stranger(certificate: certificate)
        try stream.send(Self.key("key"))
        if !requiresTLS { try peer.vouch() }
        let answer = try stream.wait("the answer to the key") { $0.isNamed("result") }
        guard answer["type"] == "valid" else { throw TestFailure("not authorized: \(answer)") }
        return stream
    }

    static func key(_ key: String, from: String = domain, to: String = home) -> String {
        "<db:result from='\(from)' to='\(to)'>\(key)</db:result>"
    }

    static func message(_ id: String, from: String = "romeo@peer.example/x", to: String) -> String {
        "<message from='\(from)' to='\(to)' type='chat' id='\(id)'><body>\(id)</body></message>"
    }
}
