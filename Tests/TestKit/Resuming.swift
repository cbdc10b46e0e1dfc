public import XML

/// The client's side of XEP-0198, step by step.
extension TestClient {
    public static let management = "urn:xmpp:sm:3"

    /// Logs in without a session.
    public func logInWithoutSession(_ user: String) throws {
        try open()
        try authenticate(user, password: user)
        try open()
    }

    /// Gives the name by which the session can be resumed.
    @discardableResult
    public func enable() throws -> String {
        try send("<enable xmlns='\(Self.management)' resume='true'/>")
        let answer = try wait("an answer to <enable/>") { $0.isIn(Self.management) && $0.name != "r" }
        guard answer.isNamed("enabled"), let name = answer["id"] else { throw TestFailure("not enabled: \(answer)") }
        return name
    }

    /// Gives the answer to a resumption.
    public func resume(_ name: String, handled: Int) throws -> Element {
        try send("<resume xmlns='\(Self.management)' previd='\(name)' h='\(handled)'/>")
        return try wait("an answer to <resume/>") { $0.isIn(Self.management) && $0.name != "r" }
    }

    /// How many stanzas the server says to have handled.
    public func askForCount() throws -> Int {
        try send("<r xmlns='\(Self.management)'/>")
        let answer = try wait("an acknowledgement") { $0.is("a", Self.management) }
        guard let count = answer["h"].flatMap({ Int($0) }) else { throw TestFailure("no count: \(answer)") }
        return count
    }
}

extension ServerUnderTest {
    /// Resumes a session on a new connection; to a certain worker only if it is given.
    /// - Parameter slot: whichever worker takes a connection resumes it: one that went elsewhere is cut and tried anew.
    public func resume(
        _ user: String, _ name: String, handled: Int, address: String, toWorker slot: Int? = nil
    ) throws -> (client: TestClient, answer: Element) {
        for _ in 0..<100 {
            let client = try connect()
            try client.logInWithoutSession(user)
            let answer = try client.resume(name, handled: handled)
            guard let slot, answer.isNamed("resumed"), try self.slot(of: address) != slot else { return (client, answer) }
            client.socket.reset()
        }
        throw TestFailure("100 connections, and none came to worker \(slot ?? -1)")
    }
}
