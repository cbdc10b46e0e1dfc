import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Resumption of a stream (XEP-0198 §5)", .timeLimit(.minutes(5)))
struct ResumptionTests {
    private static let sm = StreamManagementXML.namespace

    private func logged() -> Conversation {
        var conversation = Conversation.authenticated()
        let options = options(.none)
        let offer = StreamOffer(
            domain: "example.net", options: options, mechanisms: [.plain], secret: [1], iterations: 4096,
            features: [StreamManagementXML.feature], extensions: [Self.sm])
        _ = conversation.handle(.header(header(), offer))
        return conversation
    }

    @Test("A session that is found")
    func found() {
        var conversation = logged()
        #expect(
            conversation.say("<resume xmlns='\(Self.sm)' h='7' previd='abc'/>") == [
                .resume(user: romeo, previous: "abc", handled: 7), .stopClock,
            ])
        #expect(conversation.stream.isWaiting)
        #expect(
            conversation.handle(.resumed(orchard, handled: 9)) == [
                .send(xml("<resumed xmlns='\(Self.sm)' h='9' previd='abc'/>")), .established(orchard), .stopClock,
            ])
        #expect(conversation.stream.address == orchard)
    }

    @Test("A session that is not: the client may bind", arguments: [nil, 12] as [UInt32?])
    func missing(_ count: UInt32?) {
        var conversation = logged()
        _ = conversation.say("<resume xmlns='\(Self.sm)' h='7' previd='abc'/>")
        let attribute = count.map { " h='\($0)'" } ?? ""
        #expect(
            conversation.handle(.resumeRefused(.itemNotFound, handled: count)) == [
                .send(xml("<failed xmlns='\(Self.sm)'\(attribute)><item-not-found xmlns='\(Namespace.stanzas)'/></failed>")),
                .restartClock,
            ])
        #expect(conversation.say(bind("x")).first == .bind(romeo, resource: "x"))
    }

    @Test(
        "Without a name or a count nothing is looked for",
        arguments: [
            "<resume xmlns='urn:xmpp:sm:3' h='7'/>", "<resume xmlns='urn:xmpp:sm:3' previd='a'/>",
            "<resume xmlns='urn:xmpp:sm:3' previd='a' h='-1'/>", "<resume xmlns='urn:xmpp:sm:3' previd='a' h='4294967296'/>",
        ])
    func incomplete(_ request: String) {
        var conversation = logged()
        let failed = xml("<failed xmlns='\(Self.sm)'><item-not-found xmlns='\(Namespace.stanzas)'/></failed>")
        #expect(conversation.say(request) == [.send(failed), .restartClock])
    }

    @Test("Enabling before a session is too early, and no more than that")
    func early() {
        var conversation = logged()
        let failed = xml("<failed xmlns='\(Self.sm)'><unexpected-request xmlns='\(Namespace.stanzas)'/></failed>")
        #expect(conversation.say("<enable xmlns='\(Self.sm)'/>") == [.send(failed), .restartClock])
        #expect(conversation.say(bind("x")).first == .bind(romeo, resource: "x"))
    }

    @Test("An answer for another user costs the stream")
    func stranger() {
        var conversation = logged()
        _ = conversation.say("<resume xmlns='\(Self.sm)' h='7' previd='abc'/>")
        let other = JID.prepared(local: "juliet", domain: "example.net", resource: "x")
        #expect(conversation.handle(.resumed(other, handled: 1)).contains(.close(StreamError(.internalServerError))))
    }
}
