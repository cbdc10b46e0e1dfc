import Kernel
import Network
import Testing
import XML
import XMPP

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct PrivateStorageTests {
    init() { StageLoop.start() }

    @Test(
        arguments: [
            ("", false, StanzaError.Condition.badRequest),
            ("", true, .notAcceptable),
            ("<a xmlns='one'/><b xmlns='two'/>", false, .badRequest),
            ("<a/>", true, .notAcceptable),
            ("<a xmlns=''/>", true, .notAcceptable),
            ("<a xmlns='one'/><b/>", true, .notAcceptable),
            ("<a xmlns='one'/>", false, nil),
            ("<a xmlns='one'/><b xmlns='one'/><c xmlns='two'/>", true, nil),
        ] as [(String, Bool, StanzaError.Condition?)])
    func elements(_ contents: String, _ isSet: Bool, _ expected: StanzaError.Condition?) throws {
        let bytes = Array("<query xmlns='jabber:iq:private'>\(contents)</query>".utf8)
        let query = try bytes.withUnsafeBytes { try ElementParser().element($0, in: .client, limits: Limits(bytes: .max)) }
        do {
            let elements = try PrivateStorage.elements(of: query, isSet: isSet)
            #expect(expected == nil)
            #expect(elements == Array(query.children))
        } catch {
            #expect(error.condition == expected)
        }
    }

    @Test @LoopActor func clientsFindWhatTheyLeft() async throws {
        let stage = try await Stage("[modules.mod_private]", [PrivateStorage.self])
        let alice = try await stage.client("alice")
        let later = try await stage.client("alice", "later", on: 1)
        let bob = try await stage.client("bob")
        func query(_ contents: String) -> String { "<query xmlns='jabber:iq:private'>\(contents)</query>" }

        let nothing = try await alice.ask("get", query("<storage xmlns='storage:bookmarks'/>"))
        #expect(nothing.firstChild?.firstChild == Element("storage", "storage:bookmarks"))
        let left = query(
            "<storage xmlns='storage:bookmarks'><conference jid='a@b'/></storage><prefs xmlns='exodus:prefs'>x</prefs>")
        #expect(try await alice.ask("set", left)["type"] == "result")
        let found = try await later.ask("get", query("<storage xmlns='storage:bookmarks'/>"))
        #expect(found.firstChild?.firstChild?.child("conference")?["jid"] == "a@b")
        let other = try await later.ask("get", to: "alice@example.org", query("<prefs xmlns='exodus:prefs'/>"))
        #expect(other.firstChild?.firstChild?.text == "x")
        #expect(
            try await bob.ask("get", to: "alice@example.org", query("<prefs xmlns='exodus:prefs'/>")).errorCondition
                == "service-unavailable")
        let many = (0...PrivateStorage.mostInRequest).map { "<a xmlns='urn:example:\($0)'/>" }.joined()
        #expect(try await alice.ask("set", query(many)).errorCondition == "resource-constraint")
    }
}
