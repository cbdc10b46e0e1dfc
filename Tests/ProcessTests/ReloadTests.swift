import Foundation
import TestKit
import Testing
import XML

@Suite("A new configuration while clients are connected", .timeLimit(.minutes(5)))
struct ReloadTests {
    private func stage() throws -> (server: ServerUnderTest, clients: [TestClient]) {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet", "romeo")
        let clients = try (0..<2).map { try server.join("juliet", toWorker: $0) }
        try clear(clients[0], clients[1])
        return (server, clients)
    }

    private func expectConnected(_ clients: [TestClient], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let heard = try settle(clients)
        #expect(heard.joined().isEmpty, sourceLocation: sourceLocation)
    }

    private static let time = "<time xmlns='urn:xmpp:time'/>"

    private func hasTime(_ client: TestClient) throws -> Bool {
        let answer = try client.ask("get", to: "localhost", Self.time)
        return answer["type"] == "result"
    }

    @Test("an access rule holds for new logins at once, and disconnects nobody")
    func accessRule() throws {
        let (server, clients) = try stage()
        try server.reload {
            $0.access = "c2s = [{ acl = \"banned\", value = \"deny\" }, { acl = \"all\", value = \"allow\" }]"
            $0.rest = "[acl]\nbanned = [{ user = \"romeo\" }]"
        }
        // Whichever worker takes it: more tries than chance needs for both.
        for _ in 0..<8 {
            let romeo = try server.connect()
            try romeo.open()
            try romeo.authenticate("romeo", password: "romeo")
            try romeo.open()
            let refused = try romeo.ask("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
            #expect(refused.child("error")?.firstChild?.name == "not-allowed")
            try romeo.disconnect()
        }
        try expectConnected(clients)
        #expect(try server.status().workers.allSatisfy { $0.restarts == 0 })
    }

    @Test("modules and their options change on every worker, for old sessions and new ones")
    func modules() throws {
        let (server, clients) = try stage()
        for client in clients { #expect(try hasTime(client)) }
        let answer = try server.reload {
            $0.modules = $0.modules.replacing("versioning = true", with: "versioning = false").replacing(
                "[modules.mod_time]", with: "")
        }
        #expect(answer.paths == ["modules.mod_roster.versioning", "modules.mod_time"])
        // The answer comes when every worker has done it: nothing is waited for.
        for client in clients {
            #expect(try !hasTime(client))
            #expect(try client.fetchRoster().firstChild?["ver"] == nil)
        }
        for slot in 0..<2 {
            let new = try server.logIn("juliet", toWorker: slot)
            #expect(new.features.has("ver", "urn:xmpp:features:rosterver") == false)
            try new.disconnect()
        }
        try server.configure { $0.modules = ServerSettings.allModules }
        try #require(server.master).signal(SIGHUP)
        for client in clients {
            try eventually("the module to be back") { try hasTime(client) }
        }
        try expectConnected(clients)
    }

    @Test("a wrong file is refused with all its problems, and nothing has changed")
    func wrongFile() throws {
        let (server, clients) = try stage()
        try server.configure {
            $0.modules = $0.modules.replacing("[modules.mod_time]", with: "[modules.mod_tim]")
            $0.general = "loglevle = \"debug\""
        }
        let reload = try server.xmppctl("reload")
        #expect(reload.status == 78)
        for path in ["modules.mod_tim", "general.loglevle"] { #expect(reload.error.contains(path), "\(reload.error)") }
        for client in clients { #expect(try hasTime(client)) }
        try expectConnected(clients)
        try server.configure {
            $0.modules = ServerSettings.allModules
            $0.general = ""
        }
        #expect(try server.xmppctl("reload").status == 0)
    }

    @Test("hosts come and go: sessions of one that is gone are told so, others notice nothing")
    func hosts() throws {
        let (server, clients) = try stage()
        try server.reload { $0.hosts = ["localhost", "verona.example"] }
        #expect(try server.xmppctl("account", "add", "nurse@verona.example", "--password", "nurse").status == 0)
        let nurse = try TestClient(port: server.port, domain: "verona.example", of: server)
        try nurse.logIn("nurse")
        try nurse.becomeAvailable()
        // A stream that has only begun is closed, too.
        let early = try TestClient(port: server.port, domain: "verona.example", of: server)
        try early.open()
        _ = try settle(clients)
        try nurse.send("<message to='\(clients[1].address)' id='x'><body>x</body></message>")
        try clients[1].wait("a message from the new host") { $0["id"] == "x" && $0["from"] == nurse.address }
        try server.configure { $0.hosts = ["localhost"] }
        let rehearsal = try server.xmppctl("reload", "--dry-run")
        #expect(rehearsal.output.contains("1 host removed (verona.example): 1 session to be closed"), "\(rehearsal.output)")
        try expectConnected(clients + [nurse])
        let outcome = try server.xmppctl("reload")
        #expect(
            outcome.output.contains("general.hosts: [\"localhost\", \"verona.example\"] → [\"localhost\"]: "), "\(outcome.output)")
        #expect(
            outcome.output.contains("1 host removed (verona.example): 1 session, 1 stream without session closed"),
            "\(outcome.output)")
        for client in [nurse, early] { #expect(try client.ending() == .init("host-gone")) }
        try expectConnected(clients)
        let late = try TestClient(port: server.port, domain: "verona.example", of: server)
        try late.send(
            "<stream:stream to='verona.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        #expect(try late.ending() == .init("host-unknown"))
    }

    @Test("a module that is off and on again has what it had stored, and what clients had asked it for")
    func modulesKeepTheirState() throws {
        let (server, clients) = try stage()
        let note = "<query xmlns='jabber:iq:private'><n xmlns='urn:note'>remember</n></query>"
        let question = "<query xmlns='jabber:iq:private'><n xmlns='urn:note'/></query>"
        #expect(try clients[0].ask("set", note)["type"] == "result")
        #expect(try clients[0].ask("set", "<enable xmlns='urn:xmpp:carbons:2'/>")["type"] == "result")
        let romeo = try server.join("romeo")
        func copies() throws -> Bool {
            try clear(romeo, clients[0], clients[1])
            try romeo.send("<message type='chat' to='\(clients[1].address)' id='c'><body>psst</body></message>")
            return try settle(clients + [romeo])[0].contains { $0.child("received", "urn:xmpp:carbons:2") != nil }
        }
        #expect(try copies())
        try server.reload {
            for name in ["private", "carboncopy"] { $0.modules = $0.modules.replacing("[modules.mod_\(name)]", with: "") }
        }
        #expect(try clients[0].ask("get", question)["type"] == "error")
        #expect(try !copies())
        try server.reload { $0.modules = ServerSettings.allModules }
        #expect(try clients[0].ask("get", question).firstChild?.firstChild?.text == "remember")
        // The client has asked for copies once, and nobody has told it that there are none any more.
        #expect(try copies())
    }

    @Test("what waits for an inactive client is sent when the module goes")
    func clientState() throws {
        let (server, clients) = try stage()
        let romeo = try server.join("romeo")
        try clear(romeo, clients[0], clients[1])
        try clients[0].send("<inactive xmlns='urn:xmpp:csi:0'/>")
        try clear(clients[0], romeo)
        try romeo.send(
            "<message to='\(clients[0].address)' id='typing'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        try server.reload { $0.modules = $0.modules.replacing("[modules.mod_csi]", with: "") }
        try clients[0].wait("what was held back") { $0["id"] == "typing" }
        try expectConnected(clients + [romeo])
    }

    @Test("methods of authentication change for new logins, and sessions live on")
    func authentication() throws {
        let (server, clients) = try stage()
        try server.reload {
            $0.auth =
                "[auth.internal]\n[auth.anonymous]\n[auth]\nmethods = [\"internal\", \"anonymous\"]\nsasl_mechanisms = [\"plain\", \"anonymous\"]"
        }
        let open = try server.connect()
        try open.open()
        #expect(open.mechanisms.sorted() == ["ANONYMOUS", "PLAIN"])
        #expect(try open.authenticate("ANONYMOUS") == nil)
        try server.reload {
            $0.auth = "[auth.internal]"
            $0.listeners[0].options = "allowed_auth_methods = [\"internal\"]"
        }
        let closed = try server.connect()
        try closed.open()
        #expect(!closed.mechanisms.contains("ANONYMOUS"))
        try expectConnected(clients)
    }

    @Test("an open connection follows a shaper that is changed")
    func shaper() throws {
        let slow = "[shaper.slow]\nmax_rate = 50\n"
        let server = try ServerUnderTest {
            $0.listeners[0].options = "shaper = \"rates\""
            $0.access += "\nrates = [{ acl = \"all\", value = \"slow\" }]"
            $0.rest = slow.replacing("50", with: "1000000")
        }
        try server.addAccounts("juliet")
        let client = try server.join("juliet")
        try server.reload { $0.rest = slow }
        // At the slow rate this would take an hour.
        let text = String(repeating: "x", count: 90_000)
        for turn in 0..<2 { try client.send("<message to='\(client.address)' id='m\(turn)'><body>\(text)</body></message>") }
        let answer = try server.reload { $0.rest = slow.replacing("50", with: "1000000") }
        #expect(answer.paths == ["shaper.slow.max_rate"])
        #expect(answer.changes.first?.old == "50")
        try client.wait("its own message") { $0["id"] == "m1" }
    }

    @Test("limits, the level of the log and where the server is found")
    func nativeOptions() throws {
        let (server, clients) = try stage()
        let large = "<message to='\(clients[0].address)' id='large'><body>\(String(repeating: "x", count: 5_000))</body></message>"
        try clients[0].send(large)
        try clients[0].wait("a large message") { $0["id"] == "large" }
        try server.reload { $0.listeners[0].options = "max_stanza_size = 2000" }
        try clients[0].send(large)
        #expect(try clients[0].ending() == .init("policy-violation"))
        try server.configure()
        let text = server.directory.read("xmppd.toml")
        try server.directory.write(
            text.replacing("control.sock", with: "other.sock").replacing("xmppd.pid", with: "other.pid")
                .replacing("loglevel = \"info\"", with: "loglevel = \"debug\""), to: "xmppd.toml")
        let outcome = try server.xmppctl("reload")
        for path in ["general.loglevel", "xmppd.control_socket", "xmppd.pid_file"] {
            #expect(outcome.output.contains(path), "\(outcome)")
        }
        #expect(try server.xmppctl("version").output.contains("does not answer"))
        let status = try server.xmppctl("status", "--json", "--socket", server.directory.file("other.sock"))
        #expect(
            status.output.contains("\"log_level\":\"debug\"") || status.output.contains("\"log_level\": \"debug\""),
            "\(status.output)")
        #expect(FileManager.default.fileExists(atPath: server.directory.file("other.pid")))
        #expect(!FileManager.default.fileExists(atPath: server.directory.file("xmppd.pid")))
        try server.directory.write(text, to: "xmppd.toml")
        #expect(try server.xmppctl("reload", "--socket", server.directory.file("other.sock")).status == 0)
        // It has heard that the other one is gone.
        _ = try settle([clients[1]])
    }

    @Test("a file that says nothing new is unchanged, and several reloads at once are done in turn")
    func unchanged() throws {
        let (server, clients) = try stage()
        #expect(try server.xmppctl("reload").output == "unchanged: \(server.configuration) is in force\n")
        try server.configure { $0.general = "language = \"de\"" }
        let outcomes = try Concurrently.run(4) { _ in try server.xmppctl("reload") }
        #expect(outcomes.allSatisfy { $0.status == 0 })
        #expect(outcomes.count { $0.output.contains("general.language: \"en\" → \"de\"") } == 1)
        #expect(outcomes.count { $0.output.hasPrefix("unchanged") } == 3)
        try expectConnected(clients)
    }

    @Test("a new certificate under the same name is shown to new connections")
    func certificate() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(.required)] }
        let openssl = try #require(Programs.installed("openssl"))
        func subject() throws -> String {
            let outcome = try ChildProcess.run(
                openssl, ["s_client", "-starttls", "xmpp", "-xmpphost", "localhost", "-connect", "127.0.0.1:\(server.port)"])
            return outcome.output.firstMatch(of: #/subject=(.*)/#).map { String($0.1) } ?? outcome.error
        }
        #expect(try subject().contains("localhost"))
        let new = try Certificate(in: server.directory, name: "new", commonName: "renewed.example")
        let old = try #require(server.certificate)
        for (from, to) in [(new.certificate, old.certificate), (new.key, old.key)] {
            try FileManager.default.removeItem(atPath: to)
            try FileManager.default.moveItem(atPath: from, toPath: to)
        }
        #expect(try server.xmppctl("reload").status == 0)
        // Whichever worker takes a connection: several times in a row it is the new one.
        try eventually("both workers to show it") { try (0..<6).allSatisfy { _ in try subject().contains("renewed.example") } }
    }
}
