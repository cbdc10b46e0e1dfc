import TestKit
import Testing
import XML

/// The cases of XEP-0198 as conversations on a raw socket.
@Suite("Stream management (XEP-0198)", .timeLimit(.minutes(5)))
struct StreamManagementTests {
    enum Step {
        /// The client sends this; `$name` stands for a value heard before.
        case says(String)
        /// The next element is like this.
        case hears(String)
        /// A new connection, on which the user has logged in.
        case connects(String)
        /// The same, with a session of this resource.
        case binds(String, String)
        /// The connection is lost.
        case loses
        /// The stream ends with this error.
        case ends(String?)
    }

    struct Row {
        let name: String
        let steps: [Step]
        init(_ name: String, _ steps: Step...) { (self.name, self.steps) = (name, steps) }
    }

    private static let sm = "xmlns='urn:xmpp:sm:3'"
    private static let stanzas = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
    private static let enable = "<enable \(sm) resume='true'/>"
    private static let enabled = "<enabled \(sm) id='$id' resume='true'/>"
    private static let asks = "<r \(sm)/>"

    private static func failed(_ condition: String, _ attributes: String = "") -> String {
        "<failed \(sm) \(attributes)><\(condition) \(stanzas)/></failed>"
    }

    private static func resume(_ handled: Int, _ name: String = "$id") -> String {
        "<resume \(sm) previd='\(name)' h='\(handled)'/>"
    }

    private static func note(_ id: String, to: String) -> String {
        "<message id='\(id)' type='chat' to='\(to)'><body>\(id)</body></message>"
    }

    private static let bind =
        "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>late</resource></bind></iq>"

    static let rows = [
        Row(
            "nothing before authentication",
            .connects(""), .says(enable), .hears(failed("unexpected-request"))),
        Row(
            "no resumption before authentication",
            .connects(""), .says(resume(0, "x")), .hears(failed("unexpected-request"))),
        Row(
            "not before a resource is bound, which still can be",
            .connects("juliet"), .says(enable), .hears(failed("unexpected-request")), .says(bind),
            .hears("<iq type='result' id='b'/>"), .says(enable), .hears(enabled)),
        Row(
            "once for a session; who asks again is at its end",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .says(enable), .hears(failed("unexpected-request")),
            .ends("policy-violation"), .connects("juliet"), .says(resume(0)), .hears(failed("item-not-found"))),
        Row(
            "the request for a session is a stanza like others, and so is its answer",
            .binds("juliet", "a"), .says(enable), .hears(enabled),
            .says("<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>"),
            .hears("<iq type='result' id='s'/>"), .hears(asks), .says("<a \(sm) h='1'/>"), .says(asks), .hears("<a \(sm) h='1'/>"),
            .says("<iq type='set' id='t' to='localhost'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>"),
            .hears("<iq type='result' id='t'/>"), .hears(asks), .says(bind), .hears("<iq type='error' id='b'/>"), .hears(asks),
            .says("<a \(sm) h='3'/>"), .says(asks), .hears("<a \(sm) h='3'/>")),
        Row(
            "without resumption for who does not ask for it",
            .binds("juliet", "a"), .says("<enable \(sm)/>"), .hears("<enabled \(sm) id='-' resume='-'/>"), .says(asks),
            .hears("<a \(sm) h='0'/>")),
        Row(
            "with resumption, and a time",
            .binds("juliet", "a"), .says("<enable \(sm) resume='1' max='30'/>"),
            .hears("<enabled \(sm) id='*' resume='true' max='30'/>")),
        Row(
            "stanzas are counted, other elements are not",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .says(asks), .hears("<a \(sm) h='0'/>"),
            .says("<presence type='unavailable' to='romeo@localhost'/>"), .says("<a \(sm) h='0'/>"), .says(" \n "),
            .says("<message type='headline' to='romeo@localhost'/>"), .says(asks), .hears("<a \(sm) h='2'/>"),
            .says("<iq type='result' id='x'/>" + asks), .hears("<a \(sm) h='3'/>")),
        Row(
            "requests before it is enabled are left alone",
            .binds("juliet", "a"), .says(asks), .says("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"),
            .hears("<iq type='result' id='p'/>"), .says(enable), .hears(enabled), .says(asks), .hears("<a \(sm) h='0'/>")),
        Row(
            "the client is asked for what it got",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .says(note("1", to: "$jid")), .hears("<message id='1'/>"),
            .hears(asks), .says("<a \(sm) h='1'/>"), .says(note("2", to: "$jid")), .hears("<message id='2'/>"), .hears(asks)),
        Row(
            "who acknowledges more than was sent is at its end",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .says("<a \(sm) h='7'/>"),
            .ends("undefined-condition")),
        Row(
            "a number that is none",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .says("<a \(sm) h='many'/>"), .ends("policy-violation")),
        Row(
            "none at all",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .says("<a \(sm)/>"), .ends("policy-violation")),
        Row(
            "there is nothing by such a name; a session can be bound then",
            .connects("juliet"), .says(resume(0, "nonsense")), .hears(failed("item-not-found")), .says(bind),
            .hears("<iq type='result' id='b'/>"), .says(enable), .hears(enabled)),
        Row(
            "not with a session of its own",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .says(resume(0)), .hears(failed("unexpected-request"))),
        Row(
            "the session of another user is not there",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .loses, .connects("romeo"), .says(resume(0)),
            .hears(failed("item-not-found")), .connects("juliet"), .says(resume(0)),
            .hears("<resumed \(sm) previd='$id' h='0'/>")),
        Row(
            "what was not acknowledged comes again, in order, and no more than that",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .says(note("1", to: "$jid")), .hears("<message id='1'/>"),
            .hears(asks), .says(note("2", to: "$jid")), .hears("<message id='2'/>"), .hears(asks),
            .says(note("3", to: "$jid")), .hears("<message id='3'/>"), .hears(asks), .loses, .connects("juliet"),
            .says(resume(1)), .hears("<resumed \(sm) previd='$id' h='3'/>"), .hears("<message id='2'/>"),
            .hears("<message id='3'/>"), .hears(asks), .says("<a \(sm) h='3'/>"), .loses, .connects("juliet"),
            .says(resume(3)), .hears("<resumed \(sm) previd='$id' h='3'/>"),
            .says("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"),
            .hears("<iq type='result' id='p'/>")),
        Row(
            "to have got more than was sent ends the new stream, and the session",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .loses, .connects("juliet"), .says(resume(3)),
            .ends("undefined-condition"), .connects("juliet"), .says(resume(0)), .hears(failed("item-not-found"))),
        Row(
            "who says goodbye is gone",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .says("</stream:stream>"), .ends(nil),
            .connects("juliet"), .says(resume(0)), .hears(failed("item-not-found"))),
        Row(
            "without a count it is nothing",
            .binds("juliet", "a"), .says(enable), .hears(enabled), .loses, .connects("juliet"),
            .says("<resume \(sm) previd='$id'/>"), .hears("<failed \(sm)/>"), .says(resume(0)),
            .hears("<resumed \(sm) previd='$id'/>")),
    ]

    private func stage() throws -> ServerUnderTest {
        let server = try ServerUnderTest.shared { $0.modules += "\n[modules.mod_stream_management]" }
        try server.addAccounts("juliet", "romeo")
        return server
    }

    @Test("conversations go as the standard says")
    func transcripts() throws {
        let server = try stage()
        for row in Self.rows {
            do { try run(row, server) } catch { Issue.record("\(row.name): \(error)") }
        }
    }

    private func run(_ row: Row, _ server: ServerUnderTest) throws {
        var values: [String: String] = [:]
        var client = try server.connect()
        for (number, step) in zip(1..., row.steps) {
            switch step {
            case .connects(""): try client.open()
            case .connects(let user):
                client = try server.connect()
                try client.logInWithoutSession(user)
            case .binds(let user, let resource):
                client = try server.logIn(user, resource: resource)
                values["$jid"] = client.address
            case .says(let text):
                try client.send(values.reduce(text) { $0.replacing($1.key, with: $1.value) })
            case .loses: client.socket.reset()
            case .ends(let condition):
                let ending = try client.ending()
                #expect(ending == .init(condition), "\(row.name), step \(number)")
            case .hears(let text):
                let pattern = try ElementPattern(values.reduce(text) { $0.replacing($1.key + "'", with: $1.value + "'") })
                let element = try client.wait("step \(number): \(pattern)") { _ in true }
                #expect(pattern.matches(element, &values), "\(row.name), step \(number): \(element), not \(pattern)")
            }
        }
        client.socket.reset()
    }

    @Test("is offered after authentication, and only then")
    func offer() throws {
        let client = try stage().connect()
        #expect(try !client.open().has("sm", TestClient.management))
        try client.authenticate("juliet", password: "juliet")
        #expect(try client.open().has("sm", TestClient.management))
    }

    @Test("a claim that is too high is answered with both counts")
    func tooHigh() throws {
        let client = try stage().logIn("juliet")
        try client.enable()
        try client.send("<a xmlns='urn:xmpp:sm:3' h='7'/>")
        let error = try client.wait("a stream error") { $0.is("error", "http://etherx.jabber.org/streams") }
        let detail = try #require(error.child("handled-count-too-high", TestClient.management))
        #expect(detail["h"] == "7")
        #expect(detail["send-count"] == "0")
    }

    @Test("who asks without end gets an answer and costs nobody anything")
    func flood() throws {
        let server = try stage()
        let (client, other) = (try server.logIn("juliet"), try server.join("romeo"))
        try client.enable()
        let many = String(repeating: Self.asks, count: 1_000)
        for _ in 0..<50 { try client.send(many) }
        try client.send("<message type='headline' to='\(other.address)' id='after'/>")
        try other.wait("a message sent after the flood") { $0["id"] == "after" }
        var last = -1
        try eventually("an answer that counts the message") {
            last = try client.askForCount()
            return last == 1
        }
        #expect(client.takeUnread().count <= 50_000)
    }
}
