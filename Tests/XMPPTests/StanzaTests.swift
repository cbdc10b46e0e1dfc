import Testing
import XML

@testable import XMPP

@Suite(.timeLimit(.minutes(5)))
struct StanzaTests {
    private let romeo = JID.prepared("romeo@montague.example/orchard")
    private let juliet = JID.prepared("juliet@capulet.example/balcony")

    private func request(_ type: String = "get") -> Stanza {
        Stanza(.iq, type: type, id: "1&1", from: romeo, to: juliet, [Element("ping", "urn:xmpp:ping")])
    }
    private func text(_ stanza: Stanza) -> String { String(decoding: stanza.rendered(), as: UTF8.self) }

    @Test func kinds() {
        for kind in [Stanza.Kind.message, .presence, .iq] {
            #expect(Stanza.kind(of: Element(kind.name, Namespace.client)) == kind)
            #expect(Stanza.kind(of: Element(kind.name, Namespace.server)) == nil)
        }
        #expect(Stanza.kind(of: Element("foo", Namespace.client)) == nil)
    }

    @Test(arguments: [true, false]) func additionsStandAtTheEnd(_ isRendered: Bool) {
        let mark = Element("mark", "urn:x", ["by": "a&b"])
        var stanza = Stanza(.message, type: "chat", from: romeo, to: juliet, [Element("body", Namespace.client, text: "1 < 2")])
        let plain = stanza
        if isRendered { #expect(stanza.renderedForLater() == plain.rendered()) }
        stanza.append(Array("<mark xmlns='urn:x' by='a&amp;b'/>".utf8)) { mark }
        #expect(stanza == plain.appending(mark) && stanza != plain)
        #expect(text(stanza) == text(plain.appending(mark)))
        #expect(stanza.isType("chat") && stanza.element.has("mark", "urn:x") && stanza.element.has("body"))
        stanza.append(Array("<last xmlns='urn:y'/>".utf8)) { Element("last", "urn:y") }
        #expect(text(stanza) == text(plain.appending(mark).appending(Element("last", "urn:y"))))
        stanza.to = juliet.bare
        #expect(text(stanza).contains(" to='juliet@capulet.example'>"))
        stanza.element = plain.element
        stanza.to = juliet
        #expect(stanza == plain && text(stanza) == text(plain))
    }

    @Test func anEmptyStanzaIsOpenedForAnAddition() {
        var stanza = Stanza(.presence, from: romeo, to: nil)
        _ = stanza.renderedForLater()
        stanza.append(Array("<mark xmlns='urn:x'/>".utf8)) { Element("mark", "urn:x") }
        #expect(text(stanza) == "<presence from='romeo@montague.example/orchard'><mark xmlns='urn:x'/></presence>")
    }

    @Test func types() {
        #expect(request().isRequest)
        #expect(request("set").isRequest)
        #expect(!request("result").isRequest)
        #expect(!Stanza(.message, type: "get", from: nil, to: nil).isRequest)
        #expect(request("error").isError)
        #expect(request().id == "1&1")
        #expect(request().type == "get")
        #expect(request().isType("get"))
        #expect(Stanza(.presence, from: nil, to: nil).type == nil)
    }

    @Test func addressesBesideTheElementWin() {
        let element = Element(
            "message", Namespace.client, ["from": "liar@evil.example", "id": "1", "to": "x"],
            [Element("body", Namespace.client, text: "hi")])
        #expect(
            text(Stanza(.message, from: romeo, to: juliet, element: element))
                == "<message id='1' from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony'><body>hi</body></message>"
        )
        #expect(
            text(Stanza(.message, from: romeo, to: nil, element: element))
                == "<message id='1' from='romeo@montague.example/orchard'><body>hi</body></message>")
        #expect(text(Stanza(.message, from: nil, to: nil, element: element)) == "<message id='1'><body>hi</body></message>")
        let odd = JID.prepared(local: "a", domain: "b", resource: "<'&\">")
        #expect(text(Stanza(.presence, from: odd, to: nil)) == "<presence from='a@b/&lt;&apos;&amp;&quot;&gt;'/>")
        #expect(
            text(Stanza(.presence, from: romeo.server, to: juliet.bare))
                == "<presence from='montague.example' to='juliet@capulet.example'/>")
    }

    /// A payload that is there as bytes, in a stanza with other content and without.
    @Test func renderedPayload() {
        let payload = Array("<q xmlns='x'/>".utf8)
        let result = request().result(rendered: payload)
        #expect(text(result) == text(request().result(Element("q", "x"))))
        #expect(result.element.firstChild == Element("q", "x"))
        var message = Stanza(.message, id: "1", from: romeo, to: juliet, [Element("a", "x")])
        message.append(payload)
        #expect(text(message) == "<message id='1' from='\(romeo)' to='\(juliet)'><a xmlns='x'/><q xmlns='x'/></message>")
        #expect(text(request().result(rendered: nil)) == text(request().result()))
    }

    @Test func appending() {
        let stanza = Stanza(.message, id: "1", from: romeo, to: juliet, [Element("a", "x")]).appending(Element("b", "y"))
        #expect(stanza.element.description == "<message xmlns='jabber:client' id='1'><a xmlns='x'/><b xmlns='y'/></message>")
        #expect(stanza.from == romeo && stanza.to == juliet)
    }

    @Test func result() {
        #expect(text(request().result()) == "<iq type='result' id='1&amp;1' from='\(juliet)' to='\(romeo)'/>")
        #expect(
            text(request().result(Element("q", "x")))
                == "<iq type='result' id='1&amp;1' from='\(juliet)' to='\(romeo)'><q xmlns='x'/></iq>")
    }

    @Test func failure() {
        let error = StanzaError(.itemNotFound, text: "No <such> thing")
        #expect(
            text(request().failure(error)) == """
                <iq type='error' id='1&amp;1' from='\(juliet)' to='\(romeo)'><ping xmlns='urn:xmpp:ping'/><error type='cancel'>\
                <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>No &lt;such> thing</text></error></iq>
                """)
        let message = Stanza(.message, type: "chat", from: romeo, to: nil, [Element("body", Namespace.client, text: "x")])
        let bounced = message.failure(StanzaError(.serviceUnavailable))
        #expect(bounced.kind == .message && bounced.isError && bounced.to == romeo && bounced.from == nil && bounced.id == nil)
        #expect(bounced.element.child("body")?.text == "x")
    }
}

@Suite(.timeLimit(.minutes(5)))
struct ErrorTests {
    /// RFC 6120 §8.3.3, in its order, with the type that each paragraph recommends first.
    @Test(arguments: [
        ("bad-request", "modify"), ("conflict", "cancel"), ("feature-not-implemented", "cancel"), ("forbidden", "auth"),
        ("gone", "cancel"),
        ("internal-server-error", "cancel"), ("item-not-found", "cancel"), ("jid-malformed", "modify"),
        ("not-acceptable", "modify"),
        ("not-allowed", "cancel"), ("not-authorized", "auth"), ("policy-violation", "modify"), ("recipient-unavailable", "wait"),
        ("redirect", "modify"), ("registration-required", "auth"), ("remote-server-not-found", "cancel"),
        ("remote-server-timeout", "wait"),
        ("resource-constraint", "wait"), ("service-unavailable", "cancel"), ("subscription-required", "auth"),
        ("undefined-condition", "cancel"),
        ("unexpected-request", "wait"),
    ])
    func stanzaConditions(_ name: String, _ kind: String) throws {
        let condition = try #require(StanzaError.Condition(rawValue: name))
        let element = StanzaError(condition).element
        #expect(element.is("error", Namespace.client))
        #expect(element["type"] == kind)
        #expect(element.children.map(\.name) == [name])
        #expect(element.firstChild?.namespace == Namespace.stanzas)
    }

    @Test func thereAreNoOtherConditions() {
        #expect(StanzaError.Condition.allCases.count == 22)
        #expect(StreamError.Condition.allCases.count == 25)
    }

    @Test func stanzaErrorWithAllParts() {
        let error = StanzaError(.notAcceptable, .cancel, text: "t", detail: Element("blocked", "urn:xmpp:blocking:errors"))
        #expect(
            error.element.description == """
                <error xmlns='jabber:client' type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
                <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>t</text><blocked xmlns='urn:xmpp:blocking:errors'/></error>
                """)
        #expect(error.kind == .cancel)
    }

    @Test(arguments: StreamError.Condition.allCases) func streamConditions(_ condition: StreamError.Condition) {
        let element = StreamError(condition).element
        #expect(
            String(decoding: element.rendered(within: Namespace.client), as: UTF8.self)
                == "<error xmlns='http://etherx.jabber.org/streams'><\(condition.rawValue) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></error>"
        )
    }

    @Test func streamErrorWithText() {
        let element = StreamError(.policyViolation, text: "a & b").element
        #expect(
            String(decoding: element.rendered(within: Namespace.client), as: UTF8.self) == """
                <error xmlns='http://etherx.jabber.org/streams'><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
                <text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>a &amp; b</text></error>
                """)
    }

    @Test(arguments: [
        (Malformed.notWellFormed, StreamError.Condition.notWellFormed), (.restricted, .restrictedXML),
        (.unsupportedEncoding, .unsupportedEncoding),
        (.tooBig, .policyViolation), (.tooDeep, .policyViolation), (.tooManyAttributes, .policyViolation),
    ])
    func malformed(_ malformed: Malformed, _ condition: StreamError.Condition) {
        #expect(StreamError(malformed: malformed).condition == condition)
    }
}
