import SASL
import Streams
import Testing
import XML
import XMPP

/// Streams of components (XEP-0114), as their conversations: what comes, and what is done.
@Suite("The stream of a component", .timeLimit(.minutes(5)))
struct ComponentStreamTests {
    private typealias Action = ComponentStream.Action

    private static let proof = ComponentHandshake.proof(id: "3BF96D32", password: "secret") ?? ""

    private static func header(
        to: String? = "irc.example.org", content: String = ComponentStream.namespace, name: String = "stream",
        namespace: String = Namespace.stream, _ others: (String, String)...
    ) -> ComponentStream.Event {
        var attributes: [(name: String, value: String)] = others.map { (name: $0.0, value: $0.1) }
        if let to { attributes.append((name: "to", value: to)) }
        let namespaces = StreamNamespaces.client.with(content: content)
        return .header(
            StreamHeader(name: name, namespace: namespace, attributes: attributes, namespaces: namespaces), id: "3BF96D32",
            password: "secret")
    }

    private static func handshake(_ proof: String) -> ComponentStream.Event {
        .element(Element("handshake", Namespace.client, text: proof))
    }

    private static let message = Element("message", Namespace.client, ["from": "irc.example.org", "to": "ada@example.org"])

    private func established() -> ComponentStream {
        var stream = ComponentStream()
        for event in [Self.header(), Self.handshake(Self.proof), .registered] { _ = stream.handle(event) }
        return stream
    }

    @Test("the proof is that of the specification's algorithm")
    func proof() {
        #expect(ComponentHandshake.proof(id: "3BF96D32", password: "test") == "aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e")
        #expect(ComponentHandshake.isValid(Self.proof, id: "3BF96D32", password: "secret"))
        for wrong in ["", Self.proof.uppercased(), String(Self.proof.dropLast()), Self.proof + "0"] {
            #expect(!ComponentHandshake.isValid(wrong, id: "3BF96D32", password: "secret"), "\(wrong)")
        }
    }

    @Test("a component opens its stream, proves itself and is registered")
    func registration() {
        var stream = ComponentStream()
        #expect(stream.handle(Self.header()) == [.open(from: "irc.example.org", id: "3BF96D32"), .restartClock])
        #expect(
            stream.handle(Self.handshake(Self.proof)) == [.stopClock, .register("irc.example.org", isSubdomain: false)])
        #expect(stream.isWaiting && !stream.isEstablished)
        #expect(stream.handle(.registered) == [.accept, .stopClock])
        #expect(stream.isEstablished)
        #expect(stream.handle(.element(Self.message)) == [.deliver(Self.message)])
        #expect(stream.handle(.footer) == [.close(nil)])
        #expect(stream.handle(.element(Self.message)).isEmpty && stream.isClosed)
    }

    @Test("the name is prepared as all domains are, and may be one below each host")
    func names() {
        var stream = ComponentStream()
        #expect(stream.handle(Self.header(to: "IRC.Example.ORG")).first == .open(from: "irc.example.org", id: "3BF96D32"))
        stream = ComponentStream()
        _ = stream.handle(Self.header(to: "irc", ("is_subdomain", "true")))
        #expect(stream.handle(Self.handshake(Self.proof)).last == .register("irc", isSubdomain: true))
    }

    static let refusedHeaders: [(ComponentStream.Event, StreamError.Condition)] = [
        (header(content: Namespace.client), .invalidNamespace), (header(content: "jabber:component:connect"), .invalidNamespace),
        (header(namespace: "jabber:stream"), .invalidNamespace), (header(name: "flow"), .badFormat),
        (header(to: nil), .hostUnknown), (header(to: ""), .hostUnknown), (header(to: "a@b@c"), .improperAddressing),
    ]

    @Test("a header that is none ends the stream", arguments: refusedHeaders.indices)
    func header(_ row: Int) {
        var stream = ComponentStream()
        let (event, condition) = Self.refusedHeaders[row]
        let actions = stream.handle(event)
        guard actions.count == 2, case .open = actions[0], case .close(let error?) = actions[1] else {
            Issue.record("\(actions)")
            return
        }
        #expect(error.condition == condition && stream.isClosed)
    }

    @Test("nothing passes before the handshake, and a wrong one ends the stream")
    func order() {
        var stream = ComponentStream()
        _ = stream.handle(Self.header())
        #expect(stream.handle(.element(Self.message)).map(condition) == [.notAuthorized])
        stream = ComponentStream()
        _ = stream.handle(Self.header())
        let actions = stream.handle(Self.handshake("0" + Self.proof.dropFirst()))
        #expect(actions.first == .authenticationFailed("irc.example.org") && actions.compactMap(condition) == [.notAuthorized])
        #expect(stream.isClosed)
    }

    @Test("a refused registration ends the stream with its reason")
    func refusal() {
        var stream = ComponentStream()
        for event in [Self.header(), Self.handshake(Self.proof)] { _ = stream.handle(event) }
        #expect(stream.handle(.refused(StreamError(.conflict))).compactMap(condition) == [.conflict])
    }

    @Test("what is no stanza ends an established stream")
    func others() {
        var stream = established()
        #expect(
            stream.handle(.element(Element("handshake", Namespace.client))).compactMap(condition) == [.unsupportedStanzaType])
        stream = established()
        #expect(stream.handle(.element(Element("message", "jabber:other"))).compactMap(condition) == [.unsupportedStanzaType])
        stream = established()
        #expect(stream.handle(Self.header()).compactMap(condition) == [.policyViolation])
        stream = established()
        #expect(stream.handle(.element(Element("error", Namespace.stream))) == [.close(nil)])
    }

    @Test("the end comes once, whatever brings it")
    func ends() {
        let causes: [(ComponentStream.Event, Action)] = [
            (.timeout, .close(StreamError(.connectionTimeout))), (.malformed(.tooBig), .close(StreamError(malformed: .tooBig))),
            (.close(StreamError(.systemShutdown)), .close(StreamError(.systemShutdown))), (.close(nil), .close(nil)),
            (.disconnected, .drop),
        ]
        for (event, last) in causes {
            var new = ComponentStream(), old = established()
            let actions = new.handle(event)
            #expect(actions.last == last && old.handle(event) == [last])
            if case .drop = last {} else { #expect(actions.first == .open(from: nil, id: nil)) }
            for later in [event, .footer, Self.header()] { #expect(new.handle(later).isEmpty && old.handle(later).isEmpty) }
        }
    }

    private func condition(_ action: Action) -> StreamError.Condition? {
        guard case .close(let error?) = action else { return nil }
        return error.condition
    }
}
