import Configuration
import Glibc
import Network
import Testing

@testable import Pools

/// Somebody who takes connections and never says anything: all that a hung service does.
private final class SilentPeer {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in(), length = socklen_t(MemoryLayout<sockaddr_in>.size)
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let descriptor = descriptor
        let listens = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(listens)
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}

/// Each of the three libraries gives up at the deadline.
@Suite("A service that says nothing", .timeLimit(.minutes(5)))
struct SilentServiceTests {
    init() {
        precondition(Loop.runOnThread())
        // As in a worker: libraries write to connections that have ended.
        signal(SIGPIPE, SIG_IGN)
    }

    private static let deadline: Int64 = 300

    private func pool(_ text: String) throws -> OutgoingPoolConfiguration.Connection {
        let file = "[general]\nhosts = [\"localhost\"]\ndefault_server_domain = \"localhost\"\n" + text
        let result = ConfigurationLoader.load(text: Array(file.utf8), path: "test.toml", files: DiskFiles())
        guard case .loaded(let configuration, _) = result, let pool = configuration.outgoingPools.first else {
            throw Refused(reason: "\(result)")
        }
        return pool.connection
    }

    private struct Refused: Error { let reason: String }

    /// The failure, if it came in good time.
    private func timed<C>(_ open: (Deadline) -> Result<C, ServiceFailure>) -> ServiceFailure? {
        let start = Loop.now
        let failure = open(Deadline(in: Self.deadline)).failure
        #expect(Loop.now - start < 5_000)
        return failure
    }

    private func isSilence(_ failure: ServiceFailure?) -> Bool {
        if case .silent? = failure { true } else { false }
    }

    @Test("a database", arguments: [false, true])
    func database(_ isEncrypted: Bool) throws {
        let peer = try SilentPeer()
        let text = """
            [outgoing_pools.rdbms.default.connection]
            driver = "pgsql"
            host = "127.0.0.1"
            port = \(peer.port)
            database = "x"
            username = "x"
            password = "x"
            \(isEncrypted ? "tls.required = true" : "")
            """
        guard case .rdbms(let options) = try pool(text) else { return }
        let files = options.tls.flatMap(TLSFiles.init)
        #expect(isSilence(timed { DatabaseConnection.open(options, files, $0) }))
    }

    @Test("a directory", arguments: [false, true])
    func directory(_ isEncrypted: Bool) throws {
        let peer = try SilentPeer()
        let text = """
            [outgoing_pools.ldap.default.connection]
            servers = ["127.0.0.1"]
            port = \(peer.port)
            root_dn = "cn=x"
            password = "x"
            \(isEncrypted ? "tls.verify_mode = \"none\"" : "")
            """
        guard case .ldap(let options) = try pool(text) else { return }
        let files = options.tls.flatMap(TLSFiles.init)
        let failure = timed { DirectoryConnection.open(options, files, $0) }
        #expect(isSilence(failure), "\(failure.map { "\($0)" } ?? "none")")
    }

    @Test("a directory of whose servers the second answers nothing either, but is asked")
    func secondServer() throws {
        let peer = try SilentPeer()
        let text = """
            [outgoing_pools.ldap.default.connection]
            servers = ["127.0.0.2", "127.0.0.1"]
            port = \(peer.port)
            """
        guard case .ldap(let options) = try pool(text) else { return }
        let failure = timed { DirectoryConnection.open(options, nil, $0) }
        #expect(failure?.description.contains("127.0.0.1") == true)
    }

    @Test("a web service")
    func web() throws {
        let peer = try SilentPeer()
        let text =
            "[outgoing_pools.http.auth.connection]\nhost = \"http://127.0.0.1:\(peer.port)\"\nrequest_timeout = \(Self.deadline)"
        guard case .http(let options) = try pool(text) else { return }
        // It takes the connection; nothing is asked then.
        let connection = try #require(try? WebConnection.open(options, Deadline(in: 5_000)).get())
        #expect(isSilence(timed { _ in connection.request(.get, "user_exists", Deadline(in: 60_000)) }))
    }

    @Test("what nobody listens to cannot be reached")
    func nobody() throws {
        var port: UInt16 = 0
        do { port = try SilentPeer().port }
        let text = "[outgoing_pools.http.auth.connection]\nhost = \"http://127.0.0.1:\(port)\""
        guard case .http(let options) = try pool(text),
            case .unreachable? = WebConnection.open(options, Deadline(in: 5_000)).failure
        else {
            Issue.record("it was reached")
            return
        }
    }
}
