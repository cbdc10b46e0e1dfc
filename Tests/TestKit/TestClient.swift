public import XML

/// A client that does what a test says, word for word, and waits for what it names.
///
/// What it sends is text and may be anything; what it receives must be well-formed, or the test fails.
public final class TestClient {
    public enum Event {
        case header(StreamHeader)
        case element(Element)
        case footer
        /// The connection has ended.
        case closed
    }

    public let socket: TCPSocket
    public let domain: String
    /// What must live as long as this client: its server.
    private let server: AnyObject?
    /// The full address, once there is one.
    public private(set) var address = ""
    public var bare: String { String(address.prefix { $0 != "/" }) }
    /// The latest features of the stream.
    public private(set) var features = Element("features", "http://etherx.jabber.org/streams")

    private var reader = ElementReader()
    private var events: [Event] = []
    private var isAtEnd = false
    /// Elements that came while another was waited for.
    private var unread: [Element] = []
    private var lastID = 0

    public init(port: UInt16, domain: String, of server: AnyObject? = nil) throws {
        self.server = server
        socket = try TCPSocket(port: port)
        self.domain = domain
    }

    /// The other end of a connection that was accepted, or of one that is there already.
    public init(_ socket: TCPSocket, domain: String, of server: AnyObject? = nil) {
        self.server = server
        self.socket = socket
        self.domain = domain
    }

    /// Sends text as it is. Whether the server took it: false if it has closed.
    @discardableResult
    public func send(_ text: String) throws -> Bool { try socket.send(Array(text.utf8)) }

    /// Sends bytes as they are.
    @discardableResult
    public func send(_ bytes: [UInt8]) throws -> Bool { try socket.send(bytes) }

    /// Whether anything has come that was not read.
    public var hasInput: Bool { !events.isEmpty || socket.isReadable }

    /// An id that this client has not used.
    public func newID() -> String {
        lastID += 1
        return "t\(lastID)"
    }

    // MARK: Receiving

    /// What comes next begins a new stream.
    public func restart() { reader.restart() }

    /// What comes next.
    public func nextEvent(_ deadline: Deadline = Deadline(), _ what: @autoclosure () -> String = "anything") throws -> Event {
        while events.isEmpty {
            if isAtEnd { return .closed }
            guard let bytes = socket.receive(deadline) else {
                throw TestFailure("\(address.isEmpty ? "the client" : address) waited in vain for \(what()); unread: \(unread)")
            }
            if bytes.isEmpty {
                isAtEnd = true
                socket.shutdownSending()
            } else {
                try parse(bytes)
            }
        }
        return events.removeFirst()
    }

    private func parse(_ bytes: [UInt8]) throws {
        for part in try bytes.withUnsafeBytes({ try reader.read($0) }) {
            switch part {
            case .header(let header): events.append(.header(header))
            case .element(let element): events.append(.element(element))
            case .footer: events.append(.footer)
            }
        }
    }

    /// Waits for an element; those that come before it are kept for later.
    @discardableResult
    public func wait(_ what: String, within seconds: Double = 20, for isWanted: (Element) -> Bool) throws -> Element {
        if let place = unread.firstIndex(where: isWanted) { return unread.remove(at: place) }
        let deadline = Deadline(seconds: seconds)
        while true {
            switch try nextEvent(deadline, what) {
            case .element(let element) where isWanted(element): return element
            case .element(let element): unread.append(element)
            case .header: continue
            case .footer, .closed: throw TestFailure("\(address): the stream ended before \(what); unread: \(unread)")
            }
        }
    }

    /// Elements that came and were not waited for; they are forgotten with this.
    public func takeUnread() -> [Element] {
        defer { unread = [] }
        return unread
    }

    // MARK: The end

    /// How a stream ended.
    public struct Ending: Equatable, Sendable, CustomStringConvertible {
        /// The condition of the stream error, if there was one.
        public var condition: String?
        /// Whether `</stream:stream>` came.
        public var hasFooter: Bool

        public init(_ condition: String?, hasFooter: Bool = true) {
            self.condition = condition
            self.hasFooter = hasFooter
        }

        public var description: String { "\(condition ?? "no error"), \(hasFooter ? "footer" : "no footer"), closed" }
    }

    /// Waits until the server has closed the connection.
    public func ending(within seconds: Double = 20) throws -> Ending {
        var ending = Ending(nil, hasFooter: false)
        let deadline = Deadline(seconds: seconds)
        while true {
            switch try nextEvent(deadline, "the end of the stream") {
            case .element(let element) where element.is("error", "http://etherx.jabber.org/streams"):
                ending.condition = element.child(in: "urn:ietf:params:xml:ns:xmpp-streams")?.name ?? "none"
            case .element(let element): unread.append(element)
            case .header: continue
            case .footer: ending.hasFooter = true
            case .closed: return ending
            }
        }
    }

    /// Ends the stream in order.
    public func disconnect() throws {
        try send("</stream:stream>")
        _ = try ending()
    }

    // MARK: Logging in

    /// Opens a stream and waits for its features.
    @discardableResult
    public func open() throws -> Element {
        reader.restart()
        try send(
            "<?xml version='1.0'?><stream:stream to='\(domain)' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        features = try wait("stream features") { $0.is("features", "http://etherx.jabber.org/streams") }
        return features
    }

    /// Encrypts the stream with STARTTLS and opens it again.
    /// - Returns: the common name of the server's certificate.
    @discardableResult
    public func startTLS() throws -> String {
        try open()
        try send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        let answer = try wait("the word to begin TLS") { $0.isIn("urn:ietf:params:xml:ns:xmpp-tls") }
        guard answer.isNamed("proceed") else { throw TestFailure("no TLS: \(answer)") }
        return try socket.startTLS(domain: domain)
    }

    /// Authenticates with PLAIN, on a listener without TLS or after `startTLS`.
    public func authenticate(_ user: String, password: String) throws {
        let message = Base64.encode([0] + Array(user.utf8) + [0] + Array(password.utf8))
        try send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(message)</auth>")
        let answer = try wait("the outcome of SASL") { $0.isIn("urn:ietf:params:xml:ns:xmpp-sasl") }
        guard answer.isNamed("success") else { throw TestFailure("\(user) cannot log in: \(answer)") }
    }

    /// Authenticates with a mechanism and its first message; gives the condition of the failure, nil for success.
    public func authenticate(_ mechanism: String, _ message: String = "") throws -> String? {
        let text = message.isEmpty ? "=" : Base64.encode(Array(message.utf8))
        try send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='\(mechanism)'>\(text)</auth>")
        let answer = try wait("the outcome of \(mechanism)") { $0.isIn("urn:ietf:params:xml:ns:xmpp-sasl") }
        return answer.isNamed("success") ? nil : answer.firstChild?.name ?? "no condition"
    }

    /// The mechanisms that the latest features list.
    public var mechanisms: [String] {
        features.child("mechanisms", "urn:ietf:params:xml:ns:xmpp-sasl")?.children.map(\.text) ?? []
    }

    /// Binds a resource, or one of the server's choice.
    public func bind(_ resource: String? = nil) throws {
        let wish = resource.map { "<resource>\($0)</resource>" } ?? ""
        let answer = try request(
            "<iq type='set' id='\(newID())'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\(wish)</bind></iq>")
        guard let jid = answer.child("bind", "urn:ietf:params:xml:ns:xmpp-bind")?.child("jid")?.text else {
            throw TestFailure("no resource bound: \(answer)")
        }
        address = jid
    }

    /// Opens a stream, authenticates and binds: what each client does before anything else.
    public func logIn(_ user: String, password: String? = nil, resource: String? = nil) throws {
        try open()
        try authenticate(user, password: password ?? user)
        try open()
        try bind(resource)
    }

    // MARK: Stanzas

    /// Sends an IQ and waits for its answer.
    public func request(_ iq: String) throws -> Element {
        guard let match = iq.firstMatch(of: #/ id=['"]([^'"]*)['"]/#) else { throw TestFailure("an IQ needs an id: \(iq)") }
        try send(iq)
        let id = String(match.1)
        return try wait("the answer to \(iq)") {
            $0.isNamed("iq") && $0["id"] == id && ($0["type"] == "result" || $0["type"] == "error")
        }
    }

    /// Asks with an IQ of this type and payload.
    public func ask(_ type: String, to: String? = nil, _ payload: String) throws -> Element {
        try request("<iq type='\(type)' id='\(newID())'\(to.map { " to='\($0)'" } ?? "")>\(payload)</iq>")
    }

    /// Asks for the roster, and so for all changes to it.
    @discardableResult
    public func fetchRoster(version: String? = nil) throws -> Element {
        try ask("get", "<query xmlns='jabber:iq:roster'\(version.map { " ver='\($0)'" } ?? "")/>")
    }

    /// Sends presence without an addressee and waits until the server has taken it.
    public func becomeAvailable(priority: Int = 0) throws {
        let id = newID()
        try send("<presence id='\(id)'><priority>\(priority)</priority></presence>")
        try wait("the echo of its presence") { $0.isNamed("presence") && $0["id"] == id && $0["from"] == address }
    }
}
