import TestKit
import Testing
import XML

/// RFC 6121 §3 through the wire, the two users on different workers: which stanzas and pushes come, in which order.
@Suite("Subscriptions", .timeLimit(.minutes(5)))
struct SubscriptionTests {
    /// Two users who have asked for their rosters and are available, the first with a resource on each worker.
    final class Stage {
        let server: ServerUnderTest
        var juliet: TestClient
        let second: TestClient
        var romeo: TestClient

        init() throws {
            server = try ServerUnderTest.shared()
            try server.addAccounts("juliet", "romeo")
            juliet = try server.join("juliet", toWorker: 0)
            second = try server.join("juliet", toWorker: 1)
            romeo = try server.join("romeo", toWorker: 1)
            _ = try heard()
        }

        /// What has come, by client: Juliet's two, then Romeo.
        func heard() throws -> [[Trace]] { try settle([juliet, second, romeo]).map { $0.map(Trace.init) } }

        /// One side asks, the other approves.
        func subscribe(_ asker: TestClient, to asked: TestClient) throws {
            try asker.send("<presence type='subscribe' to='\(asked.bare)'/>")
            try asked.wait("a request") { $0["type"] == "subscribe" && $0["from"] == asker.bare }
            try asked.send("<presence type='subscribed' to='\(asker.bare)'/>")
            try asker.wait("an approval") { $0["type"] == "subscribed" }
            _ = try heard()
        }
    }

    /// A stanza as far as subscriptions are concerned: a push as `jid subscription ask`, presence as `type from`.
    struct Trace: Equatable, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }

        init(_ stanza: Element) {
            if let item = stanza.child("query", "jabber:iq:roster")?.firstChild {
                let ask = item["ask"].map { " \($0)" } ?? ""
                let name = item["name"].map { " \"\($0)\"" } ?? ""
                description = "push \(item["jid"] ?? "") \(item["subscription"] ?? "")\(ask)\(name)"
            } else {
                description = "\(stanza["type"] ?? "available") \(stanza["from"] ?? "")"
            }
        }
    }

    private func presences(_ traces: [Trace]) -> [String] { traces.map(\.description).filter { !$0.hasPrefix("push") } }
    private func pushes(_ traces: [Trace]) -> [String] { traces.map(\.description).filter { $0.hasPrefix("push") } }

    @Test("a request: pushed to the asker, delivered to the asked, whose roster does not show it (§3.1.2, §3.1.3)")
    func request() throws {
        let stage = try Stage()
        try stage.juliet.send(
            "<presence type='subscribe' to='romeo@localhost/orchard' id='s'><test xmlns='urn:example:test'>x</test></presence>")
        let request = try stage.romeo.wait("the request") { $0["type"] == "subscribe" }
        #expect(request["from"] == "juliet@localhost")
        #expect(request["to"] == "romeo@localhost")
        #expect(request.child("test", "urn:example:test")?.text == "x")
        let heard = try stage.heard()
        for own in heard.prefix(2) { #expect(own.map(\.description) == ["push romeo@localhost none subscribe"]) }
        #expect(heard[2].isEmpty)
        #expect(try stage.romeo.fetchRoster().child("query", "jabber:iq:roster")?.firstChild == nil)
        // Asked again, it is delivered again: its asker may have lost the answer.
        try stage.juliet.send("<presence type='subscribe' to='romeo@localhost'/>")
        #expect(presences(try stage.heard()[2]) == ["subscribe juliet@localhost"])
    }

    @Test("an approval: both rosters, and the presence of the approver with everything in it (§3.1.4–§3.1.6)")
    func approval() throws {
        let stage = try Stage()
        try stage.romeo.send("<presence><status>Look for me!</status><show>away</show></presence>")
        _ = try stage.juliet.ask(
            "set", "<query xmlns='jabber:iq:roster'><item jid='romeo@localhost' name='Romeo'><group>Lovers</group></item></query>"
        )
        _ = try stage.heard()
        try stage.juliet.send("<presence type='subscribe' to='romeo@localhost'/>")
        try stage.romeo.wait("the request") { $0["type"] == "subscribe" }
        #expect(try stage.heard()[0].map(\.description) == ["push romeo@localhost none subscribe \"Romeo\""])
        try stage.romeo.send("<presence type='subscribed' to='\(stage.juliet.address)'/>")
        try stage.juliet.wait("the approval") { $0["type"] == "subscribed" && $0["from"] == "romeo@localhost" }
        let presence = try stage.juliet.wait("presence") { $0.isNamed("presence") && $0["type"] == nil }
        #expect(presence["from"] == stage.romeo.address)
        #expect(presence.child("status")?.text == "Look for me!")
        #expect(presence.child("show")?.text == "away")
        let heard = try stage.heard()
        #expect(pushes(heard[0]) == ["push romeo@localhost to \"Romeo\""])
        #expect(pushes(heard[1]) == ["push romeo@localhost to \"Romeo\""])
        #expect(heard[2].map(\.description) == ["push juliet@localhost from"])
    }

    @Test("removing an item ends the subscriptions, before the answer (§2.5.2)", arguments: ["to", "from", "both", "ask"])
    func removal(_ state: String) throws {
        let stage = try Stage()
        if state == "to" || state == "both" { try stage.subscribe(stage.juliet, to: stage.romeo) }
        if state == "from" || state == "both" { try stage.subscribe(stage.romeo, to: stage.juliet) }
        if state == "ask" {
            try stage.juliet.send("<presence type='subscribe' to='romeo@localhost'/>")
            _ = try stage.heard()
        }
        try stage.juliet.send(
            "<iq type='set' id='rm'><query xmlns='jabber:iq:roster'><item jid='romeo@localhost' name='x' subscription='remove'/></query></iq>"
                + "<message to='\(stage.romeo.address)' id='mark'/>")
        try stage.romeo.wait("what was sent after the removal") { $0["id"] == "mark" }
        let before = presences(stage.romeo.takeUnread().map(Trace.init))
        let expected: Set<String> =
            switch state {
            case "to", "ask": ["unsubscribe juliet@localhost"]
            case "from":
                ["unsubscribed juliet@localhost", "unavailable \(stage.juliet.address)", "unavailable \(stage.second.address)"]
            default:
                [
                    "unsubscribe juliet@localhost", "unsubscribed juliet@localhost", "unavailable \(stage.juliet.address)",
                    "unavailable \(stage.second.address)",
                ]
            }
        // He sees her no more before he hears why, from whichever worker.
        #expect(Set(before) == expected, "\(before)")
        #expect(before.drop { $0.hasPrefix("unavailable") }.allSatisfy { !$0.hasPrefix("unavailable") }, "\(before)")
        let heard = try stage.heard()
        #expect(presences(heard[2]).isEmpty)
        #expect(pushes(heard[0]) == ["push romeo@localhost remove"])
        #expect(pushes(heard[1]) == ["push romeo@localhost remove"])
        // A new request comes through, whatever was there before.
        try stage.juliet.send("<presence type='subscribe' to='romeo@localhost'/>")
        let again = try stage.heard()
        #expect(presences(again[2]) == ["subscribe juliet@localhost"])
    }
}
