import Foundation
import TestKit
import Testing
import XML

@Suite("Reloads under load")
struct ReloadLoadTests {
    /// What an `openssl` that connects with STARTTLS says of the handshake.
    private static func handshake(_ openssl: String, _ port: UInt16) throws -> Outcome {
        try ChildProcess.run(
            openssl, ["s_client", "-starttls", "xmpp", "-xmpphost", "localhost", "-connect", "127.0.0.1:\(port)", "-brief"])
    }

    @Test("certificates are renewed under a storm of handshakes, and none fails")
    func certificates() throws {
        let openssl = try #require(Programs.installed("openssl"))
        let server = try ServerUnderTest { $0.listeners = [.init(.optional), .init()] }
        try server.addAccounts("juliet")
        let old = try #require(server.certificate)
        let plain = try server.logIn("juliet", listener: 1)
        let stop = Signal()
        let port = server.port
        let results = try Concurrently.run(4) { place -> [String] in
            guard place == 3 else {
                var seen: [String] = []
                while !stop.given {
                    let outcome = try Self.handshake(openssl, port)
                    let name = outcome.error.firstMatch(of: #/Peer certificate: (.*)/#).map { String($0.1) }
                    seen.append(name ?? "failed: \(outcome.error)")
                }
                return seen
            }
            defer { stop.give() }
            for turn in 1...5 {
                let new = try Certificate(in: server.directory, name: "new\(turn)", commonName: "turn\(turn).example")
                for (from, to) in [(new.certificate, old.certificate), (new.key, old.key)] {
                    try FileManager.default.removeItem(atPath: to)
                    try FileManager.default.moveItem(atPath: from, toPath: to)
                }
                let answer = try server.reload()
                guard answer.paths == ["listen.c2s[1].tls.certfile", "listen.c2s[1].tls.keyfile"] else {
                    throw TestFailure("changed: \(answer.paths)")
                }
                // From here on every handshake shows the new one, whichever worker does it.
                for _ in 0..<3 {
                    let outcome = try Self.handshake(openssl, port)
                    guard outcome.error.contains("turn\(turn).example") else { throw TestFailure("turn \(turn): \(outcome.error)") }
                }
            }
            return []
        }
        let seen = results.joined()
        #expect(seen.filter { $0.hasPrefix("failed") } == [])
        #expect(seen.count > 0)
        #expect(try settle([plain]).joined().isEmpty)
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
                $0.modules = turn % 2 == 0 ? ServerSettings.allModules : ServerSettings.allModules.replacing("[modules.mod_time]", with: "")
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
