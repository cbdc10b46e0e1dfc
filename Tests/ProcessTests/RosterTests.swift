import TestKit
import Testing
import XML

/// RFC 6121 §2 through the wire: every change, its push and its version, with resources on two workers.
@Suite("The roster", .timeLimit(.minutes(5)))
struct RosterTests {
    private static let namespace = "jabber:iq:roster"

    private static func set(_ items: String) -> String { "<query xmlns='jabber:iq:roster'>\(items)</query>" }

    /// A user with a resource on each worker, both interested in the roster, and another user.
    private func stage() throws -> (server: ServerUnderTest, own: [TestClient], other: TestClient) {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("juliet", "romeo")
        let own = try (0..<2).map { try server.join("juliet", toWorker: $0) }
        let other = try server.join("romeo", toWorker: 0)
        _ = try settle(own + [other])
        return (server, own, other)
    }

    /// The only push among what came; each has exactly one item and a version.
    private func push(
        _ heard: [Element], sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (item: Element, version: String) {
        let pushes = heard.filter { $0.isNamed("iq") && $0["type"] == "set" && $0.has("query", Self.namespace) }
        #expect(pushes.count == 1, "\(pushes)", sourceLocation: sourceLocation)
        let push = try #require(pushes.first, sourceLocation: sourceLocation)
        #expect(push["from"] == nil || push["from"] == "juliet@localhost", sourceLocation: sourceLocation)
        let query = try #require(push.child("query", Self.namespace), sourceLocation: sourceLocation)
        let items = Array(query.children)
        #expect(items.count == 1, sourceLocation: sourceLocation)
        return (
            try #require(items.first, sourceLocation: sourceLocation), try #require(query["ver"], sourceLocation: sourceLocation)
        )
    }

    private func groups(_ item: Element) -> Set<String> { Set(item.children.filter { $0.isNamed("group") }.map(\.text)) }

    /// The rows of §2.3–2.5: what is set, and how the item looks then; nil: it is gone.
    private static let changes: [(item: String, name: String?, groups: Set<String>)?] = [
        ("<item jid='nurse@localhost' name='Nurse'><group>Servants</group></item>", "Nurse", ["Servants"]),
        ("<item jid='nurse@localhost' name='Angelica'><group>Household</group></item>", "Angelica", ["Household"]),
        ("<item jid='nurse@localhost'><group>Household</group><group>Friends</group></item>", nil, ["Household", "Friends"]),
        ("<item jid='nurse@localhost' subscription='both' ask='subscribe'/>", nil, []),
        ("<item jid='nurse@localhost' subscription='foobar' name='&lt;N&gt; &amp; &quot;so on&quot;'/>", "<N> & \"so on\"", []),
        nil,
    ]

    @Test("each change is pushed to every interested resource with a new version, and stands in the next roster")
    func changes() throws {
        let (_, own, _) = try stage()
        var versions: Set<String> = []
        for change in Self.changes {
            let items = change?.item ?? "<item jid='nurse@localhost' subscription='remove'/>"
            #expect(try own[0].ask("set", Self.set(items))["type"] == "result")
            let heard = try settle(own)
            let pushes = try heard.map { try push($0) }
            #expect(Set(pushes.map(\.version)).count == 1)
            #expect(versions.insert(pushes[0].version).inserted)
            for (item, _) in pushes {
                #expect(item["jid"] == "nurse@localhost")
                #expect(item["subscription"] == (change == nil ? "remove" : "none"))
                #expect(item["ask"] == nil)
                guard let change else { continue }
                #expect(item["name"] == change.name)
                #expect(groups(item) == change.groups)
            }
            let roster = try own[1].fetchRoster().child("query", Self.namespace)
            #expect(roster?["ver"] == pushes[0].version)
            let entry = roster?.firstChild
            #expect(entry?["jid"] == change.map { _ in "nurse@localhost" })
            #expect(entry?["name"] == change?.name)
            #expect(entry.map(groups) ?? [] == change?.groups ?? [])
        }
    }

    @Test("versions: an empty answer to the current one, the whole roster to any other (§2.6)")
    func versions() throws {
        let (_, own, _) = try stage()
        #expect(own[0].features.has("ver", "urn:xmpp:features:rosterver"))
        _ = try own[0].ask("set", Self.set("<item jid='nurse@localhost' name='Nurse'/>"))
        let first = try push(try settle(own)[0]).version
        let current = try own[1].fetchRoster(version: first)
        #expect(current["type"] == "result")
        #expect(current.firstChild == nil)
        _ = try own[0].ask("set", Self.set("<item jid='peter@localhost'/>"))
        let second = try push(try settle(own)[0]).version
        #expect(second != first)
        for outdated in [first, "", "nonsense"] {
            let roster = try own[1].fetchRoster(version: outdated).child("query", Self.namespace)
            #expect(roster?["ver"] == second)
            #expect(roster?.children.map { $0["jid"] } == ["nurse@localhost", "peter@localhost"])
        }
    }

    @Test("what cannot be set is refused, and changes nothing (§2.1.5, §2.3.3, §2.5.3)")
    func errors() throws {
        let (_, own, _) = try stage()
        let rows: [(String, String, String?)] = [
            ("<item jid='a@localhost'/><item jid='b@localhost'/>", "bad-request", nil),
            ("", "bad-request", nil),
            ("<item jid='a@localhost'><group>x</group><group>x</group></item>", "bad-request", nil),
            ("<item jid='a@localhost'><group></group></item>", "not-acceptable", nil),
            ("<item jid='a@localhost'><group/></item>", "not-acceptable", nil),
            ("<item jid='stranger@localhost' subscription='remove'/>", "item-not-found", nil),
            ("<item/>", "bad-request", nil),
            ("<item jid='@'/>", "jid-malformed", nil),
            ("<item jid='a@localhost'/>", "service-unavailable", "romeo@localhost"),
        ]
        for (items, condition, to) in rows {
            let answer = try own[0].ask("set", to: to, Self.set(items))
            #expect(answer["type"] == "error", "\(items)")
            #expect(answer.child("error")?.firstChild?.name == condition, "\(items)")
            #expect(answer["from"] == to || to == nil)
        }
        #expect(try own[1].fetchRoster().child("query", Self.namespace)?.firstChild == nil)
        #expect(try settle(own).joined().isEmpty)
        #expect(try own[0].ask("get", to: "romeo@localhost", "<query xmlns='jabber:iq:roster'/>")["type"] == "error")
    }

    @Test("who has not asked for the roster gets no pushes (§2.1.6)")
    func uninterested() throws {
        let (server, own, _) = try stage()
        let quiet = try server.logIn("juliet")
        try quiet.becomeAvailable()
        _ = try settle(own + [quiet])
        _ = try own[0].ask("set", Self.set("<item jid='nurse@localhost'/>"))
        #expect(try settle(own + [quiet]).map(\.count) == [1, 1, 0])
    }
}
