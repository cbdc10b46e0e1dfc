import Testing
import XML
import XMPP

@testable import Kernel

@Suite("RFC 6120 §8: what every stanza must be", .timeLimit(.minutes(1)))
struct StanzaRulesTests {
    private func iq(_ type: String?, id: String? = "1", children: Int) -> Stanza {
        Stanza(.iq, type: type, id: id, from: nil, to: nil, (0..<children).map { Element("c\($0)", "urn:example") })
    }

    @Test("an IQ has an id, one of four types, and as a request one child", arguments: ["get", "set"])
    func requestsHaveOneChild(type: String) {
        #expect(StanzaRules.violation(iq(type, children: 1)) == nil)
        for children in [0, 2, 3] { #expect(StanzaRules.violation(iq(type, children: children))?.condition == .badRequest) }
        #expect(StanzaRules.violation(iq(type, id: nil, children: 1))?.condition == .badRequest)
    }

    @Test("an answer may have any children", arguments: ["result", "error"])
    func answersAreFree(type: String) {
        for children in 0...2 { #expect(StanzaRules.violation(iq(type, children: children)) == nil) }
    }

    @Test("other types of IQ are none", arguments: [nil, "", "chat", "GET"])
    func otherTypesAreRefused(type: String?) {
        #expect(StanzaRules.violation(iq(type, children: 1))?.condition == .badRequest)
    }

    @Test("presence is of a type that there is; messages are what they like")
    func presenceHasItsTypes() {
        for type in [nil, "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error"] {
            #expect(StanzaRules.violation(Stanza(.presence, type: type, from: nil, to: nil)) == nil)
        }
        #expect(StanzaRules.violation(Stanza(.presence, type: "available", from: nil, to: nil))?.condition == .badRequest)
        #expect(StanzaRules.violation(Stanza(.message, type: "unheard-of", from: nil, to: nil)) == nil)
    }

    @Test("an error is never answered, nor is the result of an IQ (§8.3.1)")
    func errorsAreNotAnswered() {
        for kind in [Stanza.Kind.message, .presence, .iq] {
            #expect(!StanzaRules.mayBeAnswered(Stanza(kind, type: "error", from: nil, to: nil)))
        }
        #expect(!StanzaRules.mayBeAnswered(iq("result", children: 0)))
        #expect(
            StanzaRules.mayBeAnswered(iq("get", children: 1)) && StanzaRules.mayBeAnswered(Stanza(.message, from: nil, to: nil)))
    }
}
