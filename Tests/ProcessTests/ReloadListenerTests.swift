import Foundation
import TestKit
import Testing
import XML

@Suite("Listeners that come, go and move while clients are connected", .timeLimit(.minutes(5)))
struct ReloadListenerTests {
    private func stage(_ change: (inout ServerSettings) -> Void = { _ in }) throws -> ServerUnderTest {
        let server = try ServerUnderTest(change)
        try server.addAccounts("juliet", "romeo")
        return server
    }

    private func expectConnected(_ clients: [TestClient], sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try settle(clients).joined().isEmpty, sourceLocation: sourceLocation)
    }

    @Test("a new one is served by every worker, and one that goes takes its sessions with it")
    func comesAndGoes() throws {
        let server = try stage()
        let old = try server.join("juliet", toWorker: 0)
        let added = try server.reload { $0.listeners.append(.init()) }
        #expect(added.paths == ["listen.c2s[2]"])
        #expect(added.opened.count == 1)
        let guests: [TestClient] = try (0..<2).map {
            try server.logIn("romeo", resource: "r\($0 as Int)", toWorker: $0, listener: 1)
        }
        let early = try server.connect(listener: 1)
        try early.open()
        try clear(old, guests[0], guests[1])
        let port = server.ports[1]
        try server.configure { $0.listeners.removeLast() }
        let rehearsal = try server.xmppctl("reload", "--dry-run")
        #expect(rehearsal.output.contains("1 listener removed (127.0.0.1:\(port)): 3 streams to be closed"), "\(rehearsal.output)")
        let removed = try server.reload()
        let expected = ReloadAnswer.Closing(cause: "listener", subject: "127.0.0.1:\(port)", sessions: 2, others: 1)
        #expect(removed.closed == [expected])
        for client in guests + [early] { #expect(try client.ending() == .init("reset")) }
        #expect(!Sockets.connects("127.0.0.1", port))
        try expectConnected([old])
    }

    @Test("one that moves keeps its sessions, and serves at the new address")
    func moves() throws {
        let server = try stage()
        let clients = try (0..<2).map { try server.join("juliet", toWorker: $0) }
        try clear(clients[0], clients[1])
        let (before, after) = (server.port, try TCPSocket.freePort())
        let answer = try server.reload { $0.listeners[0].port = after }
        #expect(answer.paths == ["listen.c2s[1].port"])
        #expect(answer.closed == [])
        #expect(server.ports == [after])
        #expect(!Sockets.connects("127.0.0.1", before))
        let new = try (0..<2).map { try server.join("romeo", resource: "n\($0 as Int)", toWorker: $0) }
        try clear(clients[0], clients[1], new[0], new[1])
        // From one address to all of them, and back: the one holds the other's port.
        try server.reload { $0.listeners[0].address = "0.0.0.0" }
        let wide = try server.join("romeo", resource: "w")
        try server.reload { $0.listeners[0].address = "127.0.0.1" }
        let narrow = try server.join("romeo", resource: "x")
        try expectConnectedQuietly(clients + new + [wide, narrow])
        #expect(try #require(try server.status().listeners.first).open == 6)
    }

    /// Connected, whatever presence has come.
    private func expectConnectedQuietly(_ clients: [TestClient]) throws { _ = try settle(clients) }

    @Test("the order in the file does not matter, and options that are new hold for new connections")
    func order() throws {
        let ports = [try TCPSocket.freePort(), try TCPSocket.freePort()]
        let server = try stage {
            $0.listeners = ports.map { port in
                var listener = ServerSettings.Listener()
                listener.port = port
                return listener
            }
        }
        let clients = try (0..<2).map { try server.logIn("juliet", resource: "r\($0 as Int)", listener: $0) }
        let answer = try server.reload { $0.listeners.reverse() }
        #expect(answer.paths == [])
        #expect(server.ports == ports.reversed())
        try expectConnected(clients)
        let other = try server.reload {
            $0.listeners.reverse()
            $0.listeners[1].options = "backwards_compatible_session = false"
        }
        #expect(other.paths == ["listen.c2s[2].backwards_compatible_session"])
        for (place, hasSession) in [(0, true), (1, false)] {
            let client = try server.connect(listener: place)
            try client.logIn("romeo")
            #expect(client.features.has("session", "urn:ietf:params:xml:ns:xmpp-session") == hasSession)
        }
        try expectConnected(clients)
    }

    @Test("the backlog, sharing the address, and the transport")
    func socketOptions() throws {
        let server = try stage()
        let client = try server.join("juliet")
        let port = server.port
        #expect(!Sockets.canBind(port, reusePort: true))
        try server.reload { $0.listeners[0].options = "backlog = 7\n  reuse_port = true" }
        #expect(server.port == port)
        #expect(Sockets.canBind(port, reusePort: true))
        let ss = try ChildProcess.run(try #require(Programs.installed("ss")), ["-Hltn", "sport = :\(port)"])
        #expect(ss.output.contains(#/LISTEN +0 +7 /#), "\(ss.output)")
        try expectConnected([client])
        // Over another transport it is another listener.
        let answer = try server.reload { $0.listeners[0].options = "proto = \"udp\"" }
        #expect(answer.closed.map(\.sessions) == [1])
        #expect(try client.ending() == .init("reset"))
        #expect(!Sockets.connects("127.0.0.1", port))
    }

    @Test("nobody is refused at a listener that stays, while others come, go and move")
    func storm() throws {
        let server = try stage()
        let client = try server.join("juliet")
        let (port, stop) = (server.port, Signal())
        let tries = try Concurrently.run(3) { place -> [Int] in
            // Two connect without a pause, the third reloads.
            guard place == 2 else {
                var (served, refused) = (0, 0)
                while !stop.given {
                    // Who connects is answered: not only taken into the queue of a socket that nobody looks at.
                    let guest = try? TestClient(port: port, domain: "localhost")
                    if (try? guest?.open()) == nil { refused += 1 } else { served += 1 }
                }
                return [served, refused]
            }
            defer { stop.give() }
            for turn in 0..<10 {
                try server.reload { settings in
                    settings.listeners = Array(settings.listeners.prefix(1)) + Array(repeating: .init(), count: turn % 3)
                    settings.listeners[0].options = "backlog = \(500 + turn)\n  reuse_port = \(turn % 2 == 0)"
                }
            }
            return [1, 0]
        }
        #expect(tries.map { $0[1] } == [0, 0, 0])
        #expect(tries.allSatisfy { $0[0] > 0 })
        try expectConnected([client])
    }
}
