public import XML

extension ServerUnderTest {
    /// A client of the first listener, or of another, connected and nothing more.
    public func connect(listener: Int = 0) throws -> TestClient {
        try TestClient(port: ports[listener], domain: domain, of: self)
    }

    /// A client with a session on the worker in a slot.
    ///
    /// The system decides which worker takes a connection: one that went elsewhere is given up for another.
    public func logIn(_ user: String, resource: String? = nil, toWorker slot: Int? = nil, listener: Int = 0) throws -> TestClient {
        for _ in 0..<200 {
            let client = try connect(listener: listener)
            try client.logIn(user, resource: resource)
            guard let slot else { return client }
            if try self.slot(of: client.address) == slot { return client }
            try client.disconnect()
        }
        throw TestFailure("200 connections, and none came to worker \(slot ?? -1)")
    }

    /// The same, available, after it has asked for its roster, as clients of people do.
    public func join(
        _ user: String, resource: String? = nil, toWorker slot: Int? = nil, priority: Int = 0
    ) throws -> TestClient {
        let client = try logIn(user, resource: resource, toWorker: slot)
        try client.fetchRoster()
        try client.becomeAvailable(priority: priority)
        return client
    }
}

/// Waits until everything that the clients caused so far has reached them, and gives it: by client, in the order given.
///
/// No waiting for time to pass: stanzas of a pair keep their order, so what was caused by an earlier stanza is there when
/// a later one has made its way from each to each, twice.
/// - Parameter clients: with sessions, available or not.
public func settle(_ clients: [TestClient]) throws -> [[Element]] {
    for _ in 0..<2 {
        var expected: [(TestClient, String)] = []
        for sender in clients {
            for receiver in clients {
                let id = "settle-\(sender.newID())-\(sender.address)"
                try sender.send("<message type='headline' id='\(id)' to='\(receiver.address)'/>")
                expected.append((receiver, id))
            }
        }
        for (receiver, id) in expected { try receiver.wait("a sentinel") { $0.isNamed("message") && $0["id"] == id } }
    }
    return clients.map { $0.takeUnread() }
}

/// Forgets what has come so far.
public func clear(_ clients: TestClient...) throws { _ = try settle(clients) }
