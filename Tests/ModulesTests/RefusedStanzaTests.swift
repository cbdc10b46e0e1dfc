import Kernel
import Network
import Testing
import XML
import XMPP

@testable import Modules

/// What a sender is told whose stanza goes nowhere.
@Suite(.timeLimit(.minutes(5))) struct RefusedStanzaTests {
    init() { StageLoop.start() }

    @Test("what is no address goes back as it came (RFC 6120 §8.3.1)", arguments: ["message", "presence", "iq"])
    @LoopActor func malformedAddress(name: String) async throws {
        let stage = try await Stage()
        let alice = try await stage.client("alice")
        for (place, to) in ["@", "a b@example.org", "x@y@z/", "", "<&'@example.org"].enumerated() {
            let written = to.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("'", with: "&apos;")
            try alice.say(
                "<\(name) id='m\(place)' type='\(name == "iq" ? "get" : "")' to='\(written)'><x xmlns='urn:x'/></\(name)>")
            let answer = try #require(await alice.hears { $0.attribute("id", equals: "m\(place)") })
            #expect(answer.errorCondition == "jid-malformed")
            #expect(answer["type"] == "error")
            #expect(answer["from"] == to)
            #expect(answer["to"] == "\(alice.jid)")
            #expect(answer.has("x", "urn:x"))
        }
    }

    @Test("a request to see somebody who cannot be reached comes back to those who show the roster (RFC 6121 §3.1.2)")
    @LoopActor func unreachableContact() async throws {
        let stage = try await Stage("[modules.mod_roster]", [Presence.self, Roster.self])
        let alice = try await stage.client("alice")
        let (other, idle) = (try await stage.client("alice", "other", on: 1), try await stage.client("alice", "idle"))
        try alice.say("<presence/>")
        _ = try await other.ask("get", "<query xmlns='jabber:iq:roster'/>")
        try alice.say("<presence type='subscribe' id='s' to='romeo@elsewhere.example/orchard'><status>please</status></presence>")
        for client in [alice, other] {
            let answer = try #require(await client.hears { $0.attribute("id", equals: "s") })
            #expect(answer.errorCondition == "remote-server-not-found")
            #expect(answer["from"] == "romeo@elsewhere.example")
            #expect(answer["to"] == "alice@example.org")
            #expect(answer.child("status")?.text == "please")
        }
        try await idle.settle()
        #expect(!idle.heard.contains { $0.isNamed("presence") })
    }
}
