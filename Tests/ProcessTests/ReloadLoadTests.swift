import Foundation
import Synchronization
import TestKit
import Testing
import XML

@Suite("Reloads under load", .timeLimit(.minutes(5)))
struct ReloadLoadTests {
    /// Logs in over TLS and out again without a pause, on threads of its own, until it is told to stop.
    private final class LoginStorm: Sendable {
        struct Tally { var turns: [Int] = [], failures: [String] = [], isOver = false, running = 0 }

        private let tally = Mutex(Tally())
        /// The number of the certificate that every handshake shows which begins now, or a later one.
        let turn = Mutex(0)

        init(_ server: ServerUnderTest, threads: Int) {
            tally.withLock { $0.running = threads }
            for _ in 0..<threads {
                Thread.detachNewThread { [self] in
                    while !tally.withLock({ $0.isOver }) { logIn(server) }
                    tally.withLock { $0.running -= 1 }
                }
            }
        }

        private func logIn(_ server: ServerUnderTest) {
            do {
                let least = turn.withLock { $0 }
                let client = try server.connect()
                let shown = try ReloadLoadTests.number(client.startTLS())
                try client.logIn("nurse")
                try client.disconnect()
                guard shown >= least else { throw TestFailure("after renewal \(least) the certificate \(shown) was shown") }
                tally.withLock { $0.turns.append(shown) }
            } catch {
                tally.withLock { $0.failures.append("\(error)") }
            }
        }

        var turns: [Int] { tally.withLock { $0.turns } }

        func stop() throws -> Tally {
            tally.withLock { $0.isOver = true }
            try eventually("the storm to end", within: 60) { tally.withLock { $0.running } == 0 }
            return tally.withLock { $0 }
        }
    }

    /// `turn3.example` is the third certificate; the first of all is for localhost.
    fileprivate static func number(_ name: String) throws -> Int {
        if name == "localhost" { return 0 }
        guard let match = name.wholeMatch(of: #/turn(\d+)\.example/#), let number = Int(match.1) else {
            throw TestFailure("certificate of \(name)")
        }
        return number
    }

    @Test("certificates are renewed under a storm of logins: none fails, and encrypted sessions live on")
    func certificates() throws {
        let server = try ServerUnderTest {
            $0.listeners = [.init(.required)]
            $0.access = $0.access.replacing("value = 50", with: "value = 1000")
        }
        try server.addAccounts("juliet", "romeo", "nurse")
        let old = try #require(server.certificate)
        let lasting = try (0..<4).map { number in
            let client = try server.connect()
            #expect(try client.startTLS() == "localhost")
            try client.logIn(number % 2 == 0 ? "juliet" : "romeo", resource: "r\(number)")
            return client
        }
        let storm = LoginStorm(server, threads: 3)
        for turn in 1...5 {
            let before = storm.turns.count
            try eventually("the storm to go on") { storm.turns.count > before + 3 }
            let new = try Certificate(in: server.directory, name: "new\(turn)", commonName: "turn\(turn).example")
            for (from, to) in [(new.certificate, old.certificate), (new.key, old.key)] {
                try FileManager.default.removeItem(atPath: to)
                try FileManager.default.moveItem(atPath: from, toPath: to)
            }
            let answer = try server.reload()
            // From here on every handshake shows the new one, whichever worker does it.
            storm.turn.withLock { $0 = turn }
            #expect(answer.paths == ["listen.c2s[1].tls.certfile", "listen.c2s[1].tls.keyfile"])
            // Each to each, on both workers, through the TLS of before the first renewal.
            #expect(try settle(lasting).joined().isEmpty)
            try eventually("a login with the new certificate") { storm.turns.contains(turn) }
        }
        let tally = try storm.stop()
        print("\(tally.turns.count) logins over TLS during five renewals, \(tally.failures.count) failed")
        #expect(tally.failures == [])
        #expect(try settle(lasting).joined().isEmpty)
        #expect(try server.status().workers.allSatisfy { $0.restarts == 0 })
    }

    @Test("five hundred idle sessions and changing options: nobody is disconnected")
    func idleSessions() throws {
        let server = try ServerUnderTest { $0.access = $0.access.replacing("value = 50", with: "value = 1000") }
        try server.addAccounts("juliet", "romeo")
        let idle = try (0..<500).map { number in
            let client = try server.connect()
            try client.logIn("juliet", resource: "r\(number)")
            return client
        }
        let romeo = try server.join("romeo")
        for turn in 1...6 {
            let answer = try server.reload {
                $0.general = "language = \"\(["en", "de"][turn % 2])\""
                $0.listeners[0].options = "max_stanza_size = \(100_000 + turn)"
                $0.modules =
                    turn % 2 == 0 ? ServerSettings.allModules : ServerSettings.allModules.replacing("[modules.mod_time]", with: "")
                $0.rest = "[shaper.s\(turn)]\nmax_rate = 1000"
            }
            #expect(answer.changes.count >= 4)
            #expect(answer.closed == [])
        }
        #expect(try server.status().sessions == 501)
        for client in idle {
            #expect(!client.hasInput)
            try romeo.send("<message to='\(client.address)' id='m'><body>still there?</body></message>")
        }
        for client in idle { try client.wait("a message") { $0["id"] == "m" } }
        #expect(try server.status().workers.allSatisfy { $0.restarts == 0 })
    }
}
