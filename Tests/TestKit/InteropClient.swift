import CPlatform
import Foundation

/// A slixmpp client in a process of its own, driven by lines of JSON (`Tests/Interop/slix.py`).
public final class InteropClient {
    /// Something the client received, or the answer to a command.
    public struct Fact: Decodable, Sendable {
        public let id: Int?
        public let error: String?
        public let event: String?
        public let sender: String?
        public let kind: String?
        public let body: String?
        public let status: String?
        public let is_delayed: Bool?
        public let jid: String?
        /// Whether the session is `new` or `resumed`.
        public let session: String?
        public let subscription: String?
        public let ask: String?
        public let name: String?
        public let items: [String: String]?
        public let features: [String]?
        public let bodies: [String]?
        public let twice: Int?
    }

    public private(set) var address = ""
    private let process: ChildProcess
    /// Its standard input and output.
    private let channel: Int32
    private let directory: ScratchDirectory
    private let logName: String
    private var partial: [UInt8] = []
    private var unread: [Fact] = []
    private var lastID = 0

    public init(_ user: String, on server: ServerUnderTest, listener: Int = 0) throws {
        guard let python = Programs.python else { throw TestFailure("there is no Python with slixmpp; see packaging/dev") }
        var pair: [Int32] = [0, 0]
        guard cplatform_socketpair(&pair, 0) == 0 else { throw TestFailure("no pair of sockets") }
        channel = pair[0]
        directory = server.directory
        logName = "slixmpp-\(user).log"
        let log = open(directory.file(logName), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { for descriptor in [pair[1], log] { close(descriptor) } }
        process = try ChildProcess(
            python,
            [
                "\(Programs.root)/Tests/Interop/slix.py", "\(user)@\(server.domain)", user, "127.0.0.1",
                "\(server.ports[listener])",
            ],
            input: pair[1], output: pair[1], error: log, variables: ["PYTHONDONTWRITEBYTECODE": "1", "HOME": directory.path])
    }

    deinit { close(channel) }

    private var log: String { String(directory.read(logName).suffix(4_000)) }

    // MARK: Commands

    /// Carries out a command and gives its answer; throws what the answer calls an error.
    @discardableResult
    public func perform(_ name: String, _ arguments: [String: String] = [:]) throws -> Fact {
        let fact = try attempt(name, arguments)
        if let error = fact.error { throw TestFailure("\(name) \(arguments): \(error)\n\(log)") }
        return fact
    }

    /// Carries out a command and gives its answer, whatever it is.
    public func attempt(_ name: String, _ arguments: [String: String] = [:]) throws -> Fact {
        lastID += 1
        let id = lastID
        var command: [String: Any] = arguments
        command["do"] = name
        command["id"] = id
        let line = try JSONSerialization.data(withJSONObject: command) + [0x0A]
        guard line.withUnsafeBytes({ write(channel, $0.baseAddress, $0.count) }) == line.count else {
            throw TestFailure("slixmpp is gone: \(log)")
        }
        return try wait("the answer to \(name)") { $0.id == id }
    }

    public func connect() throws { address = try perform("connect").jid ?? "" }

    /// Connects until the session is on the worker in a slot.
    public func connect(to server: ServerUnderTest, slot: Int) throws {
        for _ in 0..<50 {
            try connect()
            if try server.slot(of: address) == slot { return }
            try perform("disconnect")
            unread = []
        }
        throw TestFailure("50 connections, and none came to worker \(slot)")
    }

    /// Loses the connection and comes back, until the session is on the worker in a slot.
    public func comeBack(to server: ServerUnderTest, slot: Int) throws {
        for _ in 0..<50 {
            let fact = try perform("connect")
            guard fact.session == "resumed" else { throw TestFailure("a new session: \(fact)\n\(log)") }
            if try server.slot(of: address) == slot { return }
            try perform("lose")
        }
        throw TestFailure("50 connections, and none came to worker \(slot)")
    }

    // MARK: What happens

    /// Waits for a fact; those that come before it are kept for later.
    @discardableResult
    public func wait(_ what: String, within seconds: Double = 30, for isWanted: (Fact) -> Bool) throws -> Fact {
        if let place = unread.firstIndex(where: isWanted) { return unread.remove(at: place) }
        let deadline = Deadline(seconds: seconds)
        while true {
            let fact = try next(deadline, what)
            if isWanted(fact) { return fact }
            unread.append(fact)
        }
    }

    @discardableResult
    public func waitForPresence(_ kind: String, from sender: String) throws -> Fact {
        try wait("\(kind) from \(sender)") { $0.event == "presence" && $0.kind == kind && $0.sender?.hasPrefix(sender) == true }
    }

    @discardableResult
    public func waitForMessage(_ body: String) throws -> Fact {
        try wait("the message \(body)") { $0.event == "message" && $0.body == body }
    }

    /// The bodies of messages that came and were not waited for; they are forgotten with this.
    public func takeMessages() -> [String] {
        defer { unread.removeAll { $0.event == "message" } }
        return unread.filter { $0.event == "message" }.compactMap(\.body)
    }

    private func next(_ deadline: Deadline, _ what: String) throws -> Fact {
        while true {
            if let end = partial.firstIndex(of: 0x0A) {
                let line = Data(partial[..<end])
                partial.removeSubrange(...end)
                return try JSONDecoder().decode(Fact.self, from: line)
            }
            var entry = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, deadline.remaining) > 0 else {
                throw TestFailure("\(address) waited in vain for \(what); heard: \(unread); log: \(log)")
            }
            var piece = [UInt8](repeating: 0, count: 65_536)
            let count = read(channel, &piece, piece.count)
            guard count > 0 else { throw TestFailure("slixmpp ended before \(what): \(log)") }
            partial += piece[..<count]
        }
    }
}
