import TestKit
import Testing

/// Other people's clients (slixmpp, profanity) with the server between them, over STARTTLS, with SCRAM.
@Suite(
    "Other people's clients chat",
    .enabled(
        if: Programs.canRun(Programs.python, Programs.installed("profanity"), Programs.installed("tmux")),
        "slixmpp, profanity or tmux is missing; see packaging/dev"), .timeLimit(.minutes(5)))
struct InteroperabilityTests {
    @Test("two of slixmpp on different workers and one of profanity")
    func threeClientsChat() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(.required)] }
        try server.addAccounts("juliet", "romeo", "nurse")
        let juliet = try InteropClient("juliet", on: server)
        let romeo = try InteropClient("romeo", on: server)
        try juliet.connect(to: server, slot: 0)
        try romeo.connect(to: server, slot: 1)
        for client in [juliet, romeo] {
            try client.perform("roster")
            try client.perform("presence")
        }
        try expectDifferentWorkers(server, juliet, romeo)
        try befriend(juliet, romeo)
        try exchangeMessages(juliet, romeo)
        try exchangeCards(juliet, romeo)
        try asksTheServer(juliet)
        try chatWithProfanity(server, juliet, romeo)
        try leavesMessages(server, juliet, romeo)
        expectScram(server)
    }

    private func expectDifferentWorkers(_ server: ServerUnderTest, _ one: InteropClient, _ other: InteropClient) throws {
        let rows = try server.sessions()
        let slots = [one, other].map { client in rows.first { $0.jid == client.address } }
        #expect(slots[0]?.worker == 0)
        #expect(slots[1]?.worker == 1)
        #expect(slots.allSatisfy { $0?.available == true })
    }

    private func befriend(_ juliet: InteropClient, _ romeo: InteropClient) throws {
        try juliet.perform("presence", ["to": "romeo@localhost", "kind": "subscribe"])
        try romeo.waitForPresence("subscribe", from: "juliet@localhost")
        try romeo.perform("presence", ["to": "juliet@localhost", "kind": "subscribed"])
        try romeo.perform("presence", ["to": "juliet@localhost", "kind": "subscribe"])
        try juliet.waitForPresence("subscribed", from: "romeo@localhost")
        try juliet.waitForPresence("available", from: romeo.address)
        try juliet.waitForPresence("subscribe", from: "romeo@localhost")
        try juliet.perform("presence", ["to": "romeo@localhost", "kind": "subscribed"])
        try romeo.waitForPresence("available", from: juliet.address)
        try romeo.wait("both in the roster") { $0.event == "roster" && $0.jid == "juliet@localhost" && $0.subscription == "both" }
        #expect(try juliet.perform("roster").items == ["romeo@localhost": "both"])
        try juliet.perform("presence", ["status": "Parting is such sweet sorrow"])
        try romeo.wait("a new status") { $0.event == "presence" && $0.status == "Parting is such sweet sorrow" }
    }

    private func exchangeMessages(_ juliet: InteropClient, _ romeo: InteropClient) throws {
        try juliet.perform("message", ["to": "romeo@localhost", "body": "Wherefore art thou <Romeo> & why? ♥"])
        let heard = try romeo.waitForMessage("Wherefore art thou <Romeo> & why? ♥")
        #expect(heard.sender == juliet.address)
        #expect(heard.is_delayed == false)
        try romeo.perform("message", ["to": juliet.address, "body": "Call me but love"])
        try juliet.waitForMessage("Call me but love")
    }

    private func exchangeCards(_ juliet: InteropClient, _ romeo: InteropClient) throws {
        #expect(try romeo.attempt("card", ["of": "juliet@localhost"]).error == "service-unavailable")
        try juliet.perform("publish_card", ["name": "Juliet Capulet"])
        try romeo.perform("publish_card", ["name": "Romeo Montague"])
        #expect(try romeo.perform("card", ["of": "juliet@localhost"]).name == "Juliet Capulet")
        #expect(try juliet.perform("card", ["of": "romeo@localhost"]).name == "Romeo Montague")
    }

    private func asksTheServer(_ client: InteropClient) throws {
        try client.perform("ping", ["to": "localhost"])
        #expect(try client.perform("version", ["to": "localhost"]).name?.isEmpty == false)
        let features = try client.perform("features", ["to": "localhost"]).features ?? []
        for feature in ["http://jabber.org/protocol/disco#info", "vcard-temp", "urn:xmpp:ping", "jabber:iq:version"] {
            #expect(features.contains(feature), "\(feature) is not among \(features)")
        }
    }

    /// profanity subscribes to Juliet, is subscribed to, and writes to both.
    private func chatWithProfanity(_ server: ServerUnderTest, _ juliet: InteropClient, _ romeo: InteropClient) throws {
        let home = server.directory.file("home")
        let terminal = try Terminal("profanity", in: server.directory, variables: ["HOME": home, "LANG": "C.UTF-8"])
        try terminal.wait(for: "Profanity")
        try terminal.type("/connect nurse@localhost server 127.0.0.1 port \(server.port) tls trust")
        try terminal.wait(for: "password")
        try terminal.type("nurse")
        try terminal.wait(for: "logged in successfully")
        try terminal.type("/sub request juliet@localhost")
        try juliet.waitForPresence("subscribe", from: "nurse@localhost")
        try juliet.perform("presence", ["to": "nurse@localhost", "kind": "subscribed"])
        try juliet.perform("presence", ["to": "nurse@localhost", "kind": "subscribe"])
        try terminal.wait(for: "Received authorization request from juliet@localhost")
        try terminal.type("/sub allow juliet@localhost")
        try juliet.waitForPresence("subscribed", from: "nurse@localhost")
        try juliet.waitForPresence("available", from: "nurse@localhost/")
        for (client, text) in [(juliet, "Madam!"), (romeo, "Good even, sir")] {
            try terminal.type("/msg \(client.address.prefix { $0 != "/" }) \(text)")
            #expect(try client.waitForMessage(text).sender?.hasPrefix("nurse@localhost/") == true)
        }
        try romeo.perform("message", ["to": "nurse@localhost", "body": "Commend me to thy lady"])
        try terminal.type("/msg romeo@localhost")
        try terminal.wait(for: "Commend me to thy lady")
        try terminal.type("/quit")
        try juliet.waitForPresence("unavailable", from: "nurse@localhost/")
    }

    private func leavesMessages(_ server: ServerUnderTest, _ juliet: InteropClient, _ romeo: InteropClient) throws {
        try romeo.perform("disconnect")
        try juliet.waitForPresence("unavailable", from: romeo.address)
        for body in ["first", "second", "third"] { try juliet.perform("message", ["to": "romeo@localhost", "body": body]) }
        try juliet.perform("ping", ["to": "localhost"])
        try romeo.connect(to: server, slot: 1)
        try romeo.perform("presence")
        for body in ["first", "second", "third"] {
            let message = try romeo.wait("an offline message") { $0.event == "message" }
            #expect(message.body == body)
            #expect(message.is_delayed == true)
            #expect(message.sender == juliet.address)
        }
        try juliet.waitForPresence("available", from: romeo.address)
    }

    /// The server's own word on how each of the three logged in.
    private func expectScram(_ server: ServerUnderTest) {
        let logins = server.log.split(separator: "\n").filter { $0.contains("authenticated") && $0.contains("mechanism=") }
        for user in ["juliet", "romeo", "nurse"] {
            let own = logins.filter { $0.contains("user=\(user)@localhost") }
            #expect(!own.isEmpty)
            #expect(own.allSatisfy { $0.contains("mechanism=SCRAM-") }, "\(own)")
        }
    }
}
