import CPlatform
import Glibc
public import XML

/// A port of the loopback interface where a test plays another server: it takes connections one after the other.
public final class ServerDouble {
    /// Accepted connections wait in the kernel until the test takes them.
    private static let backlog: Int32 = 64

    public let domain: String
    public let port: UInt16
    private let descriptor: Int32

    public init(_ domain: String) throws {
        self.domain = domain
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in(), length = socklen_t(MemoryLayout<sockaddr_in>.size)
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let descriptor = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, Self.backlog) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else { throw TestFailure("no port for \(domain)") }
    }

    deinit { close(descriptor) }

    /// Its line of `s2s.address`.
    public var address: String { "{ host = \"\(domain)\", ip_address = \"127.0.0.1\", port = \(port) }" }

    /// Whether somebody has connected who was not accepted yet.
    public var hasCaller: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    /// The next connection.
    public func accept(within seconds: Double = 20) throws -> TestClient {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Deadline(seconds: seconds).remaining) > 0 else { throw TestFailure("nobody connects to \(domain)") }
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw TestFailure("\(domain) cannot accept a connection") }
        return TestClient(TCPSocket(adopting: accepted), domain: domain, of: self)
    }

    /// The next connection, whose header is answered.
    public func open(features: String = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>") throws -> TestClient {
        let stream = try accept()
        guard case .header = try stream.nextEvent() else { throw TestFailure("no header comes to \(domain)") }
        try stream.send("\(TestClient.serverHeader(from: domain, to: nil))<stream:features>\(features)</stream:features>")
        return stream
    }

    /// The next connection, whose stanzas are taken: its dialback key is called valid.
    public func establish() throws -> TestClient {
        let stream = try open()
        let request = try stream.wait("a key") { $0.isNamed("result") }
        try stream.send("<db:result from='\(domain)' to='\(request["from"] ?? "")' type='valid'/>")
        return stream
    }

    /// Answers the question whether a key is its own, on a connection of its own or on an open one.
    @discardableResult
    public func vouch(_ type: String = "valid", on open: TestClient? = nil) throws -> TestClient {
        let stream = try open ?? self.open()
        let request = try stream.wait("a key to check") { $0.isNamed("verify") }
        try stream.send(
            "<db:verify from='\(request["to"] ?? "")' to='\(request["from"] ?? "")' id='\(request["id"] ?? "")' type='\(type)'/>")
        return stream
    }
}

extension TestClient {
    static func serverHeader(from: String?, to: String?, version: String? = "1.0") -> String {
        let attributes = [
            ("from", from), ("to", to), ("version", version), ("id", to == nil ? "i\(UInt64.random(in: 0 ... .max))" : nil),
        ]
        let text = attributes.compactMap { name, value in value.map { " \(name)='\($0)'" } }.joined()
        return "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback'"
            + " xmlns:stream='http://etherx.jabber.org/streams'\(text)>"
    }

    /// Opens a stream as another server and waits for its features.
    @discardableResult
    public func openAsServer(_ from: String?, to: String?) throws -> Element {
        restart()
        try send(Self.serverHeader(from: from, to: to))
        return try wait("stream features") { $0.is("features", "http://etherx.jabber.org/streams") }
    }

    /// Sends a header as another server, and nothing else.
    public func sendServerHeader(_ from: String?, to: String?, version: String? = "1.0") throws {
        try send(Self.serverHeader(from: from, to: to, version: version))
    }

    /// Encrypts an open stream between servers and opens it again.
    @discardableResult
    public func startTLSAsServer(_ from: String?, to: String, certificate: String? = nil) throws -> Element {
        try send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        try wait("the word to begin TLS") { $0.is("proceed", "urn:ietf:params:xml:ns:xmpp-tls") }
        _ = try socket.startTLS(domain: to, certificate: certificate)
        return try openAsServer(from, to: to)
    }
}
