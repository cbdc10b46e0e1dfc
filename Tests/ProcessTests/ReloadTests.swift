import Foundation
import TestKit
import Testing
import XML

@Suite("A new configuration while clients are connected")
struct ReloadTests {
    private func stage() throws -> (server: ServerUnderTest, clients: [TestClient]) {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet", "romeo")
        return (server, try (0..<2).map { try server.join("juliet", toWorker: $0) })
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

    /// Puts other settings in force. Workers do so in their own time: a module that comes or goes shows that each has.
    private func reload(_ server: ServerUnderTest, _ clients: [TestClient], _ change: (inout ServerSettings) -> Void) throws {
        let hadTime = server.settings.modules.contains("mod_time")
        try server.configure {
            change(&$0)
            $0.modules = hadTime ? $0.modules.replacing("[modules.mod_time]", with: "") : $0.modules + "\n[modules.mod_time]"
        }
        let outcome = try server.xmppctl("reload")
        try #require(outcome.status == 0, "\(outcome.error)")
        for client in clients { try eventually("a worker to do as it was told") { try hasTime(client) != hadTime } }
    }

    @Test("an access rule holds for new logins at once, and disconnects nobody")
    func accessRule() throws {
        let (server, clients) = try stage()
        try clear(clients[0], clients[1])
        try reload(server, clients) {
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
        try clear(clients[0], clients[1])
        for client in clients { #expect(try hasTime(client)) }
        try reload(server, clients) { $0.modules = $0.modules.replacing("versioning = true", with: "versioning = false") }
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
        try clear(clients[0], clients[1])
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
        try reload(server, clients) { $0.hosts = ["localhost", "verona.example"] }
        #expect(try server.xmppctl("account", "add", "nurse@verona.example", "--password", "nurse").status == 0)
        let nurse = try TestClient(port: server.port, domain: "verona.example", of: server)
        try nurse.logIn("nurse")
        try nurse.becomeAvailable()
        _ = try settle(clients)
        try nurse.send("<message to='\(clients[1].address)' id='x'><body>x</body></message>")
        try clients[1].wait("a message from the new host") { $0["id"] == "x" && $0["from"] == nurse.address }
        try reload(server, clients) { $0.hosts = ["localhost"] }
        #expect(try nurse.ending() == .init("host-gone"))
        try expectConnected(clients)
        let late = try TestClient(port: server.port, domain: "verona.example", of: server)
        try late.send(
            "<stream:stream to='verona.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        #expect(try late.ending() == .init("host-unknown"))
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
